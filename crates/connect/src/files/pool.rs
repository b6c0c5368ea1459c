//! Buffers that are used again, so that reading any amount of data allocates a few of them once.
//!
//! The pool bounds what it keeps, not what is out: a reader that had to wait for a buffer could
//! wait forever on a consumer that itself waits for the next block. What is out is bounded by the
//! queues that blocks travel through.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// Where [`Buffer`]s come from and return to when they are dropped, from whatever thread.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    size: usize,
    keep: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

impl Pool {
    /// Buffers of `size` bytes, at most `keep` of which wait for their next use.
    pub fn new(size: usize, keep: usize) -> Self {
        Self { shared: Arc::new(Shared { size, keep, free: Mutex::new(Vec::new()) }) }
    }

    /// The size of its buffers in bytes.
    pub fn size(&self) -> usize {
        self.shared.size
    }

    /// How many buffers wait for their next use.
    pub fn idle(&self) -> usize {
        self.shared.free.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// An empty buffer with room for `size` bytes. Its memory is zeroed once, when it is first
    /// made.
    pub(crate) fn take(&self) -> Buffer {
        let kept = self.shared.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let store = kept.unwrap_or_else(|| vec![0; self.shared.size]);
        Buffer { store, len: 0, home: Some(self.clone()) }
    }

    fn put(&self, store: Vec<u8>) {
        // One that grew for a huge record is not kept: the next one is as rare as this one was.
        if store.len() != self.shared.size {
            return;
        }
        let mut free = self.shared.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.shared.keep {
            free.push(store);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("size", &self.size()).field("idle", &self.idle()).finish()
    }
}

/// Bytes in a buffer that returns to its [`Pool`] when dropped.
#[derive(Default)]
pub struct Buffer {
    /// Always initialised to its full length; `len` of it is data.
    store: Vec<u8>,
    len: usize,
    home: Option<Pool>,
}

impl Buffer {
    /// A buffer of its own, without a pool.
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        Self { len: bytes.len(), store: bytes, home: None }
    }

    pub(crate) fn room(&self) -> usize {
        self.store.len() - self.len
    }

    pub(crate) fn capacity(&self) -> usize {
        self.store.len()
    }

    pub(crate) fn free_mut(&mut self) -> &mut [u8] {
        &mut self.store[self.len..]
    }

    pub(crate) fn advance(&mut self, n: usize) {
        self.len += n;
        assert!(
            self.len <= self.store.len(),
            "a reader reported more bytes than it was given room for"
        );
    }

    /// Appends bytes for which there is room.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.free_mut()[..bytes.len()].copy_from_slice(bytes);
        self.advance(bytes.len());
    }

    pub(crate) fn grow(&mut self, capacity: usize) {
        self.store.resize(capacity.max(self.store.len()), 0);
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Removes the first `n` bytes.
    pub(crate) fn consume(&mut self, n: usize) {
        self.store.copy_within(n..self.len, 0);
        self.len -= n;
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.store[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(pool) = self.home.take() {
            pool.put(std::mem::take(&mut self.store));
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.len)
            .field("capacity", &self.capacity())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_and_no_more_are_kept_than_was_said() {
        let pool = Pool::new(8, 2);
        let out: Vec<_> = (0..5).map(|_| pool.take()).collect();
        drop(out);
        assert_eq!(pool.idle(), 2);
        let mut grown = pool.take();
        grown.grow(16);
        drop(grown);
        assert_eq!(pool.idle(), 1, "a grown buffer is not kept");
    }

    #[test]
    fn a_buffer_that_comes_back_is_empty_again() {
        let pool = Pool::new(8, 2);
        let mut buffer = pool.take();
        buffer.push(b"abcdef");
        buffer.consume(4);
        assert_eq!(&*buffer, b"ef");
        drop(buffer);
        assert!(pool.take().is_empty());
    }
}
