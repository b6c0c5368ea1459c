//! The one way in which an operation meets the lock, the lines of waiters, the context and the
//! clock.
//!
//! Each operation is written once, as an [`Operation`]: one attempt on the state that ends or must
//! wait. Trying, blocking, and awaiting are the same for all of them and are written here.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use super::overflow::Overflow;
use super::state::{NEW, RECEIVER_WAITS, Side, State};
use crate::clock::Sleep;
use crate::context::{Cancelled, Cause, Context};
use crate::park::block_on;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Mutex, MutexGuard};
use crate::waiters::{Key, Wakes};

/// Rounds of doubling pauses in [`Shared::spin`], before the thread offers its core to others.
#[cfg(not(loom))]
const PAUSE_ROUNDS: u32 = 7;
/// Times that it offers its core to others.
#[cfg(not(loom))]
const YIELD_ROUNDS: u32 = 4;

/// One attempt on the state, repeated until it ends.
pub(super) trait Operation<T> {
    /// What it ends with.
    type Output;
    /// The line it waits in.
    const SIDE: Side;
    /// How many items or places it could use now.
    fn want(&self) -> usize;
    /// Ends, or says by `None` that nothing is there for it. It runs under the lock, so it drops no
    /// items.
    fn attempt(&mut self, state: &mut State<T>) -> Option<Self::Output>;
}

/// Why an operation ended without its result.
#[derive(Debug)]
pub(super) enum Interrupt {
    Cancelled(Cause),
    Timeout,
}

impl Interrupt {
    /// The cause, where no time limit was set.
    pub(super) fn into_cause(self) -> Cause {
        match self {
            Self::Cancelled(cause) => cause,
            Self::Timeout => Cause::deadline(),
        }
    }
}

/// What can be known about the state without the lock. It is on cache lines of its own: producers
/// read it for every item, and a spinning thread reads nothing else.
///
/// Relaxed loads and stores suffice, as these are hints about when to look, and a thread that looks
/// takes the lock. They are written under the lock, so the last word is always true.
#[derive(Debug)]
#[repr(align(128))]
struct Hints(AtomicU8);

#[derive(Debug)]
pub(super) struct Shared<T> {
    state: Mutex<State<T>>,
    hints: Hints,
}

impl<T> Shared<T> {
    pub(super) fn new(capacity: usize, overflow: Overflow) -> Self {
        Self { state: Mutex::new(State::new(capacity, overflow)), hints: Hints(AtomicU8::new(NEW)) }
    }

    /// Reads something from the state.
    pub(super) fn read<R>(&self, read: impl FnOnce(&State<T>) -> R) -> R {
        read(&self.state.lock())
    }

    /// Changes the state, then wakes whom the change lets go on, after the lock.
    #[inline]
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut State<T>, &mut Wakes) -> R) -> R {
        let mut wakes = Wakes::new();
        let mut state = self.state.lock_in_bursts();
        let result = change(&mut state, &mut wakes);
        self.release(state, wakes);
        result
    }

    #[inline]
    fn release(&self, mut state: MutexGuard<'_, State<T>>, mut wakes: Wakes) {
        state.settle(&mut wakes);
        if let Some(hints) = state.news() {
            self.hints.0.store(hints, Ordering::Relaxed);
        }
        drop(state);
        wakes.wake();
    }

    #[inline]
    pub(super) fn receiver_waits(&self) -> bool {
        self.hints.0.load(Ordering::Relaxed) & RECEIVER_WAITS != 0
    }

    /// One attempt, without waiting.
    #[inline]
    pub(super) fn attempt<O: Operation<T>>(&self, operation: &mut O) -> Option<O::Output> {
        self.change(|state, _| operation.attempt(state))
    }

    /// Runs an operation to its end on this thread.
    #[inline]
    pub(super) fn run<O: Operation<T>>(
        &self,
        ctx: &Context,
        limit: Option<Duration>,
        operation: &mut O,
    ) -> Result<O::Output, Interrupt> {
        ctx.check().map_err(Interrupt::Cancelled)?;
        match self.attempt(operation).or_else(|| self.spin(operation)) {
            Some(output) => Ok(output),
            None => block_on(self.wait(ctx, limit, operation)),
        }
    }

    /// Attempts again for about a microsecond before the thread stands in line.
    ///
    /// To wait in line costs a wake-up per item; between two busy threads the other end is nearly
    /// always faster.
    #[cfg(not(loom))]
    fn spin<O: Operation<T>>(&self, operation: &mut O) -> Option<O::Output> {
        let hint = O::SIDE.hint();
        for round in 0..PAUSE_ROUNDS + YIELD_ROUNDS {
            if self.hints.0.load(Ordering::Relaxed) & hint != 0
                && let Some(output) = self.attempt(operation)
            {
                return Some(output);
            }
            if round < PAUSE_ROUNDS {
                for _ in 0..1_u32 << round {
                    std::hint::spin_loop();
                }
            } else {
                std::thread::yield_now();
            }
        }
        None
    }

    /// A model needs no second chance, and a loop in it multiplies the interleavings.
    #[cfg(loom)]
    fn spin<O: Operation<T>>(&self, _operation: &mut O) -> Option<O::Output> {
        None
    }

    /// Runs an operation to its end as a future, which does nothing before it is polled and may be
    /// dropped at any time.
    pub(super) fn wait<'a, O: Operation<T>>(
        &'a self,
        ctx: &'a Context,
        limit: Option<Duration>,
        operation: &'a mut O,
    ) -> Wait<'a, T, O> {
        Wait { shared: self, ctx, operation, slot: WaiterSlot::new(limit) }
    }
}

/// An operation that waits for its turn.
#[derive(Debug)]
pub(super) struct Wait<'a, T, O: Operation<T>> {
    shared: &'a Shared<T>,
    ctx: &'a Context,
    operation: &'a mut O,
    slot: WaiterSlot,
}

impl<T, O: Operation<T>> Future for Wait<'_, T, O> {
    type Output = Result<O::Output, Interrupt>;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.slot.poll(this.shared, task, this.ctx, this.operation)
    }
}

impl<T, O: Operation<T>> Drop for Wait<'_, T, O> {
    fn drop(&mut self) {
        self.slot.leave(self.shared, O::SIDE);
    }
}

/// What an operation holds while it waits: its place in line, and its ears for cancellation and
/// time.
///
/// Its owner must call [`WaiterSlot::leave`] before it is dropped.
#[derive(Debug)]
pub(super) struct WaiterSlot {
    key: Option<Key>,
    cancelled: Option<Cancelled>,
    limit: Option<Duration>,
    sleep: Option<Sleep>,
}

impl WaiterSlot {
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self { key: None, cancelled: None, limit, sleep: None }
    }

    /// Polls an operation: cancellation is looked at first, then the channel, then the time.
    pub(super) fn poll<T, O: Operation<T>>(
        &mut self,
        shared: &Shared<T>,
        task: &mut Task<'_>,
        ctx: &Context,
        operation: &mut O,
    ) -> Poll<Result<O::Output, Interrupt>> {
        if let Err(cause) = ctx.check() {
            self.leave(shared, O::SIDE);
            return Poll::Ready(Err(Interrupt::Cancelled(cause)));
        }
        if let Some(output) = self.attempt(shared, task, operation) {
            return Poll::Ready(Ok(output));
        }
        let cancelled = self.cancelled.get_or_insert_with(|| ctx.cancelled());
        if let Poll::Ready(cause) = Pin::new(cancelled).poll(task) {
            self.leave(shared, O::SIDE);
            return Poll::Ready(Err(Interrupt::Cancelled(cause)));
        }
        if let Some(limit) = self.limit {
            let sleep = self.sleep.get_or_insert_with(|| ctx.clock().sleep(limit));
            if Pin::new(sleep).poll(task).is_ready() {
                self.leave(shared, O::SIDE);
                return Poll::Ready(Err(Interrupt::Timeout));
            }
        }
        Poll::Pending
    }

    /// Attempts; if that is in vain, stands in line with the task's waker by the end of the same
    /// locked section.
    fn attempt<T, O: Operation<T>>(
        &mut self,
        shared: &Shared<T>,
        task: &Task<'_>,
        operation: &mut O,
    ) -> Option<O::Output> {
        // Cloning and dropping a waker is code of others, so both happen outside of the lock:
        // `spare` is cloned before it, and `retired` is dropped after it.
        let mut spare: Option<Waker> = None;
        loop {
            let mut state = shared.state.lock();
            let output = operation.attempt(&mut state);
            let line = state.line(O::SIDE);
            let mut retired = None;
            let settled = match self.key {
                _ if output.is_some() => {
                    retired = self.key.take().and_then(|key| line.remove(key));
                    true
                }
                Some(key) if line.is_armed(key, task.waker()) => true,
                slot => match (slot, spare.take()) {
                    (_, None) => false,
                    (Some(key), Some(waker)) => {
                        retired = line.rearm(key, operation.want(), waker);
                        true
                    }
                    (None, Some(waker)) => {
                        self.key = Some(line.register(operation.want(), waker));
                        true
                    }
                },
            };
            shared.release(state, Wakes::new());
            drop(retired);
            if settled {
                return output;
            }
            spare = Some(task.waker().clone());
        }
    }

    /// Leaves the line; a notification that this slot had and no longer needs passes to the next.
    pub(super) fn leave<T>(&mut self, shared: &Shared<T>, side: Side) {
        if let Some(key) = self.key.take() {
            let waker = shared.change(|state, _| state.line(side).remove(key));
            drop(waker);
        }
    }
}
