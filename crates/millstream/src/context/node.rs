//! The tree under [`Context`](super::Context): nodes, how a cancellation spreads, and how a node
//! leaves.
//!
//! Invariants
//! 1. A child holds its parent strongly, a parent its children weakly: a context lives as long as
//!    somebody holds it or one below it, and one that is dropped is forgotten by its parent (its
//!    place in `children` is free again).
//! 2. `cause` is set once, under the node's lock, and always before `cancelled`. So a thread that
//!    sees `cancelled` finds a cause.
//! 3. A child is entered into a parent whose `cause` is unset, under the parent's lock; below a
//!    parent with a cause it is born cancelled. So a cancellation, which sets the cause and reads
//!    the children in one critical section, misses none.
//! 4. `cancelled` of a node is set after that of all nodes below it. So a thread that sees a
//!    context cancelled sees everything below it cancelled: the tree changes at one instant. A
//!    canceller that meets nodes which another has given a cause but not yet marked walks them too,
//!    so 4 holds for both.
//! 5. A waiter is entered under the lock while `cancelled` is unset; waiters are taken under the
//!    lock after it was set. So each waiter is either taken, by exactly one canceller, or sees the
//!    flag when it registers.
//! 6. No call recurses along the tree, up or down: neither cancel nor drop needs stack for depth.
//!
//! Lock order: one node's lock at a time, and no other lock under it. Wakers, callbacks and user
//! values are run and dropped with no lock held.
//!
//! Memory orderings: `cancelled` is stored with release and loaded with acquire, so that all a
//! canceller did before, the cause above all, is visible to every thread that sees the flag.
//! Everything else is ordered by the locks.

use std::panic::AssertUnwindSafe;
use std::task::{Wake, Waker};
use std::time::Instant;

use slab::Slab;

use crate::clock::{Clock, Timer};
use crate::context::Cause;
use crate::context::values::Values;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, OnceLock, Weak};

/// The room for children that a node keeps when the last one has gone.
const PLACES_KEPT: usize = 64;

/// What a node does when it is cancelled.
pub(crate) enum Waiter {
    /// Wakes a task, or a thread in `block_on`.
    Task(Waker),
    /// Calls what `on_cancel` was given.
    Call(Box<dyn FnOnce(&Cause) + Send>),
}

impl Waiter {
    fn run(self, cause: &Cause) {
        match self {
            Waiter::Task(waker) => waker.wake(),
            Waiter::Call(call) => call(cause),
        }
    }
}

pub(crate) struct Node {
    cancelled: AtomicBool,
    cause: OnceLock<Cause>,
    links: Mutex<Links>,
    deadline: Option<Instant>,
    /// Set after the node is shared, because the timer holds the node weakly. Nobody reads it: it
    /// is held.
    timer: OnceLock<Timer>,
    clock: Clock,
    values: Values,
    parent: Option<Parent>,
}

struct Links {
    children: Slab<WeakNode>,
    waiters: Slab<Waiter>,
}

/// The way up, and the place in the parent's `children`, unless the node was born cancelled.
struct Parent {
    node: Arc<Node>,
    place: OnceLock<usize>,
}

/// A node that may be gone.
#[derive(Clone)]
pub(crate) struct WeakNode(Weak<Node>);

impl WeakNode {
    pub(crate) fn upgrade(&self) -> Option<Arc<Node>> {
        self.0.upgrade()
    }
}

/// Cancels the context when its deadline passes, if anybody still holds it.
struct DeadlinePasses(WeakNode);

impl Wake for DeadlinePasses {
    fn wake(self: Arc<Self>) {
        if let Some(node) = self.0.upgrade() {
            Node::cancel(&node, Cause::deadline());
        }
    }
}

/// What a tree holds, for the guard that looks for leaks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) contexts: usize,
    pub(crate) waiters: usize,
    pub(crate) places: usize,
}

impl Node {
    pub(crate) fn root(clock: Clock, values: Values) -> Arc<Self> {
        Arc::new(Self::new(clock, values, None, None))
    }

    fn new(
        clock: Clock,
        values: Values,
        deadline: Option<Instant>,
        parent: Option<Parent>,
    ) -> Self {
        Self {
            cancelled: AtomicBool::new(false),
            cause: OnceLock::new(),
            links: Mutex::new(Links { children: Slab::new(), waiters: Slab::new() }),
            deadline,
            timer: OnceLock::new(),
            clock,
            values,
            parent,
        }
    }

    /// A node below `parent`; cancelled from its birth if the parent is, or is about to be.
    pub(crate) fn child(
        parent: &Arc<Self>,
        deadline: Option<Instant>,
        values: Values,
    ) -> Arc<Self> {
        let up = Parent { node: Arc::clone(parent), place: OnceLock::new() };
        let node = Arc::new(Self::new(parent.clock.clone(), values, deadline, Some(up)));
        let mut links = parent.links.lock();
        if let Some(cause) = parent.cause.get() {
            drop(links);
            node.be_born_cancelled(cause.inherited());
        } else {
            let place = links.children.insert(WeakNode(Arc::downgrade(&node)));
            drop(links);
            if let Some(up) = &node.parent {
                let _first_and_only = up.place.set(place);
            }
        }
        node
    }

    fn be_born_cancelled(&self, cause: Cause) {
        let _first_and_only = self.cause.set(cause);
        self.cancelled.store(true, Ordering::Release);
    }

    /// Cancels `node` by its deadline when that comes; at once if it has passed.
    pub(crate) fn arm(node: &Arc<Self>, at: Instant) {
        if node.is_cancelled() {
            return;
        }
        if at <= node.clock.now() {
            Self::cancel(node, Cause::deadline());
        } else {
            let _first_and_only = node.timer.set(node.clock.timer(at, Self::deadline_waker(node)));
        }
    }

    fn deadline_waker(node: &Arc<Self>) -> Waker {
        Waker::from(Arc::new(DeadlinePasses(Self::downgrade(node))))
    }

    pub(crate) fn downgrade(node: &Arc<Self>) -> WeakNode {
        WeakNode(Arc::downgrade(node))
    }

    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn cause(&self) -> Option<&Cause> {
        if self.is_cancelled() { self.cause.get() } else { None }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    /// Cancels the node and all below it; true for the call whose cause the node takes.
    pub(crate) fn cancel(node: &Arc<Self>, cause: Cause) -> bool {
        if node.is_cancelled() {
            return false;
        }
        // Parents come before their children in this list.
        let mut reached = Vec::new();
        let won = node.give_cause(cause, &mut reached);
        let mut next = 0;
        while let Some(child) = reached.get(next).cloned() {
            next += 1;
            let from_above = child.parent.as_ref().and_then(|up| up.node.cause.get());
            if let Some(cause) = from_above.map(Cause::inherited) {
                child.give_cause(cause, &mut reached);
            }
        }
        for child in reached.iter().rev() {
            child.cancelled.store(true, Ordering::Release);
        }
        node.cancelled.store(true, Ordering::Release);
        node.run_waiters();
        for child in &reached {
            child.run_waiters();
        }
        won
    }

    /// Sets the cause unless there is one, and lists the children which that closes the door to.
    fn give_cause(&self, cause: Cause, reached: &mut Vec<Arc<Self>>) -> bool {
        let links = self.links.lock();
        if self.is_cancelled() {
            return false;
        }
        let won = self.cause.set(cause).is_ok();
        reached.extend(links.children.iter().filter_map(|(_, child)| child.upgrade()));
        won
    }

    fn run_waiters(&self) {
        let waiters = std::mem::take(&mut self.links.lock().waiters);
        let Some(cause) = self.cause.get() else { return };
        for (_, waiter) in waiters {
            // The panic hook has printed what went wrong; the waiters behind this one must still
            // learn of the end.
            let _ = std::panic::catch_unwind(AssertUnwindSafe(|| waiter.run(cause)));
        }
    }

    /// Enters a waiter and gives its place, or gives it back when the node is cancelled already.
    pub(crate) fn add_waiter(&self, waiter: Waiter) -> Result<usize, Waiter> {
        let mut links = self.links.lock();
        if self.is_cancelled() { Err(waiter) } else { Ok(links.waiters.insert(waiter)) }
    }

    /// Sees to it that the task at `place` is woken by `waker`; false when the node is cancelled
    /// already.
    pub(crate) fn update_waiter(&self, place: usize, waker: &Waker) -> bool {
        let mut links = self.links.lock();
        if self.is_cancelled() {
            return false;
        }
        let replaced = match links.waiters.get_mut(place) {
            Some(Waiter::Task(old)) if old.will_wake(waker) => None,
            Some(waiter) => Some(std::mem::replace(waiter, Waiter::Task(waker.clone()))),
            None => None,
        };
        drop(links);
        drop(replaced);
        true
    }

    /// Takes a waiter back. Once the node is cancelled there is nothing to take: no waiter is
    /// entered any more, so a place never belongs to another.
    pub(crate) fn remove_waiter(&self, place: usize) {
        let waiter = self.links.lock().waiters.try_remove(place);
        drop(waiter);
    }

    /// What lives below this node, itself not counted.
    pub(crate) fn count(&self) -> Count {
        let mut count = Count::default();
        let mut found = Vec::new();
        self.count_into(&mut count, &mut found);
        while let Some(node) = found.pop() {
            count.contexts += 1;
            node.count_into(&mut count, &mut found);
        }
        count
    }

    fn count_into(&self, count: &mut Count, found: &mut Vec<Arc<Self>>) {
        let links = self.links.lock();
        count.waiters += links.waiters.len();
        count.places += links.children.capacity();
        found.extend(links.children.iter().filter_map(|(_, child)| child.upgrade()));
    }

    /// Takes the node out of its parent and gives the parent to the caller, who drops it.
    fn leave(&mut self) -> Option<Arc<Self>> {
        let up = self.parent.take()?;
        if let Some(place) = up.place.get() {
            let mut links = up.node.links.lock();
            let entry = links.children.try_remove(*place);
            // A crowd that has gone leaves no room behind; a few places are kept, for the next few.
            let room = links.children.is_empty() && links.children.capacity() > PLACES_KEPT;
            let emptied = room.then(|| std::mem::take(&mut links.children));
            drop(links);
            drop((entry, emptied));
        }
        Some(up.node)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut parent = self.leave();
        // Where this was the last child of a parent that nobody holds, the parent goes here and not
        // in a nested drop.
        while let Some(mut node) = parent.and_then(Arc::into_inner) {
            parent = node.leave();
        }
    }
}
