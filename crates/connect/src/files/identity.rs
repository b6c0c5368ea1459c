//! Which file this is, whatever its name becomes, and how far it was read: what survives a restart.

#[cfg(unix)]
use std::{fs::File, io, os::unix::fs::FileExt, os::unix::fs::MetadataExt};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

/// How much of a file's beginning is part of its identity.
pub(crate) const HEAD: usize = 1024;

/// Device, inode and a hash of the head: an inode number alone is given to a new file as soon as
/// the old one is gone.
///
/// The head is what was there of the first 1,024 bytes when the identity was taken, and its length
/// is part of the identity; so a short file that grows still [matches](Self::matches) what was
/// saved when it was shorter. Save one position per [`key`](Self::key): a later one with another
/// head replaces the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Number of the device.
    pub device: u64,
    /// Number of the file on it.
    pub inode: u64,
    /// How many bytes were hashed, at most 1,024.
    pub head_len: u32,
    /// XXH64 of them.
    pub head_hash: u64,
}

impl Identity {
    /// The identity of a file whose first bytes are `head` (of which at most 1,024 count).
    pub fn new(device: u64, inode: u64, head: &[u8]) -> Self {
        let head = &head[..head.len().min(HEAD)];
        Self { device, inode, head_len: head.len() as u32, head_hash: XxHash64::oneshot(0, head) }
    }

    /// The identity of an open file as it is now.
    ///
    /// # Errors
    /// Whatever the system says to reading its metadata or its head.
    #[cfg(unix)]
    pub fn of(file: &File) -> io::Result<Self> {
        let meta = file.metadata()?;
        Ok(Self::new(meta.dev(), meta.ino(), &head_of(file)?))
    }

    /// What names the file while it exists: device and inode.
    pub fn key(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Whether a file on `device` with `inode`, which begins with `head`, is the file this was
    /// taken of.
    ///
    /// `head` is all there is of the file's first 1,024 bytes. A file shorter than the hashed head
    /// is another one.
    pub fn matches(&self, device: u64, inode: u64, head: &[u8]) -> bool {
        let len = self.head_len as usize;
        self.key() == (device, inode)
            && len <= head.len()
            && XxHash64::oneshot(0, &head[..len]) == self.head_hash
    }
}

/// All there is of the file's first 1,024 bytes.
#[cfg(unix)]
pub(crate) fn head_of(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let mut len = 0;
    while len < HEAD {
        match file.read_at(&mut head[len..], len as u64) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    head.truncate(len);
    Ok(head)
}

/// How far a file was read: plain data, to be saved in the transaction that saves the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which file.
    pub identity: Identity,
    /// Its path when it was read; where to look for it, and in whose directory when it was renamed.
    /// Not part of what decides whether a file is the same one. What is not UTF-8 in it is
    /// [escaped](crate::paths::escaped).
    pub path: String,
    /// The next byte to read.
    pub offset: u64,
}
