//! The dispatcher's thread: what comes before the fan, and who gets what of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use super::deal::{Deal, Parts, Slow};
use super::queues::{Dropped, Failed, Part, Room};
use super::worker::{Fan, full};
use crate::panics;
use crate::pipeline::drive::{Ask, End, Outlet, Pace, drive_in};
use crate::pipeline::flow::{Pull, Pulled, RunScope};
use crate::pipeline::gather;
use crate::pipeline::run::Run;
use crate::pipeline::step::Flow;
use crate::pipeline::terminal::MoveGuard;
use crate::pipeline::waits::Side;

/// A part is to be worth about this much work of a branch, so that the branches end at about the
/// same time.
const WORTH_NS: u64 = 1_000_000;

/// What comes before a fan, and goes to a thread of its own.
pub trait Input<U>: Send {
    /// Its items.
    type Item: Send;

    /// Starts its thread.
    fn start<'scope, 'env: 'scope>(
        self,
        scope: &RunScope<'scope, 'env>,
        fan: &Arc<Fan<Self::Item, U>>,
    ) where
        Self: 'scope,
        U: 'scope;

    /// Counts what it holds as cancelled: it was never started.
    fn abandon(&mut self);

    /// Moves its counts to the shared counters.
    fn publish(&mut self);
}

/// A pipeline and the dispatcher of its items.
pub struct Dealing<P: Pull, U, D> {
    pub(super) head: P,
    pub(super) dispatcher: Dispatcher<P::Item, U, D>,
}

impl<P: Pull, U, D> std::fmt::Debug for Dealing<P, U, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dealing").finish_non_exhaustive()
    }
}

impl<P: Pull, U: Send, D: Deal<P::Item>> Input<U> for Dealing<P, U, D> {
    type Item = P::Item;

    fn start<'scope, 'env: 'scope>(
        mut self,
        scope: &RunScope<'scope, 'env>,
        fan: &Arc<Fan<P::Item, U>>,
    ) where
        Self: 'scope,
        U: 'scope,
    {
        let (there, inside) = (Arc::clone(fan), scope.clone());
        let started = scope.try_spawn("fan_out", move |_| {
            let caught = panics::catch("pipeline", || {
                let ctx = there.run.ctx_at(there.at - 1);
                let end = drive_in(
                    &inside,
                    &mut self.head,
                    &mut self.dispatcher,
                    &there.run,
                    ctx,
                    Pace::new(),
                );
                self.dispatcher.finish(end);
                drop(self);
            });
            if let Err(panic) = caught {
                there.run.panicked(panic);
            }
            Ok(())
        });
        if let Err(error) = started {
            fan.run.fail(fan.at, error.into());
        }
    }

    fn abandon(&mut self) {
        self.head.abandon();
    }

    fn publish(&mut self) {
        self.head.publish();
    }
}

/// Gathers items into chunks and deals them.
pub(super) struct Dispatcher<T, U, D> {
    chunk: Vec<T>,
    full: usize,
    post: Post<T, U, D>,
}

struct Post<T, U, D> {
    fan: Arc<Fan<T, U>>,
    deal: D,
    slow: Slow,
    parts: Parts<T>,
    /// Chunks dealt.
    sent: u64,
    most: usize,
}

impl<T, U, D: Deal<T>> Dispatcher<T, U, D> {
    pub(super) fn new(
        fan: Arc<Fan<T, U>>,
        deal: D,
        slow: Slow,
        branches: usize,
        room: Option<usize>,
    ) -> Self {
        let parts = if D::SHARED { 1 } else { branches };
        let parts = Parts {
            of: (0..parts).map(|_| blank(0)).collect(),
            gone: vec![false; parts],
            places: fan.marks,
        };
        let most = room.map_or(full::<T>(), |room| full::<T>().min(room));
        // One branch shows what an item costs it before many are dealt to it at once.
        Self { chunk: Vec::new(), full: 1, post: Post { fan, deal, slow, parts, sent: 0, most } }
    }

    /// Deals what is gathered and, at the end, says how much that was.
    pub(super) fn finish(&mut self, end: End) {
        let flow = self.send();
        let fan = &self.post.fan;
        let nobody_left = fan.queues.all_gone().is_some() && !fan.run.is_stopping();
        if (flow.is_continue() && end == End::Complete) || nobody_left {
            fan.queues.end();
        }
    }

    fn send(&mut self) -> Flow {
        if self.chunk.is_empty() {
            return Flow::Continue(());
        }
        let flow = self.post.send(std::mem::take(&mut self.chunk));
        self.full = self.post.size();
        flow
    }
}

/// What a part finds that is to be dealt.
enum Found {
    Room(Room),
    /// This branch is behind by as much as it may.
    Slow(usize),
}

fn blank<T>(number: u64) -> Part<T> {
    Part { number, items: Vec::new(), places: Vec::new() }
}

impl<T, U, D: Deal<T>> Post<T, U, D> {
    /// How many items the next chunk has.
    fn size(&self) -> usize {
        // Of one queue for all, branches take what is worth their while.
        if D::SHARED { self.most } else { self.fan.queues.cost.part(WORTH_NS).clamp(1, self.most) }
    }

    #[cold]
    #[inline(never)]
    fn send(&mut self, chunk: Vec<T>) -> Flow {
        let came = chunk.len();
        let counters = self.fan.counters();
        counters.entered.fetch_add(came as u64, Ordering::Relaxed);
        if let Err(panic) = panics::catch("pipeline", || self.deal.deal(chunk, &mut self.parts)) {
            self.parts.of.iter_mut().for_each(|part| part.items.clear());
            counters.failed.fetch_add(came as u64, Ordering::Relaxed);
            Run::panicked_at(self.fan.at);
            self.fan.run.panicked(panic);
            return Flow::Break(());
        }
        let parts: usize = self.parts.of.iter().map(|part| part.items.len()).sum();
        counters.made.fetch_add((parts as u64).wrapping_sub(came as u64), Ordering::Relaxed);
        let number = self.sent;
        self.sent += 1;
        let mut flow = Flow::Continue(());
        for branch in 0..self.parts.of.len() {
            let part = std::mem::replace(&mut self.parts.of[branch], blank(number + 1));
            let part = Part { number, ..part };
            if flow.is_break() {
                self.fan.refused(part.items.len(), false);
            } else if !part.items.is_empty() || (self.fan.in_order && !D::SHARED) {
                flow = self.deal_to(branch, part);
            }
        }
        if self.fan.queues.all_gone().is_some() { Flow::Break(()) } else { flow }
    }

    fn deal_to(&mut self, branch: usize, part: Part<T>) -> Flow {
        let fan = &self.fan;
        let items = part.items.len();
        loop {
            match self.room(branch, items) {
                Found::Room(Room::Free) => {
                    if let Err(part) = fan.queues.deal(branch, part) {
                        fan.refused(part.items.len(), false);
                    }
                    return Flow::Continue(());
                }
                Found::Room(Room::Gone { failed }) => {
                    fan.refused(items, failed);
                    if let Some(gone) = self.parts.gone.get_mut(branch) {
                        *gone = true;
                    }
                    return Flow::Continue(());
                }
                Found::Slow(slow) if self.slow == Slow::Drop => {
                    self.drop_slow(slow);
                    continue;
                }
                Found::Slow(slow) => {
                    let reason =
                        format!("branch {slow} is too slow: no room for {items} more items");
                    fan.run.fail(fan.at, reason.into());
                }
                Found::Room(Room::Stalled(other)) => {
                    fan.run.fail(fan.at, stalled(branch, other).into())
                }
                Found::Room(Room::Full | Room::Closed) => {}
            }
            fan.refused(items, false);
            return Flow::Break(());
        }
    }

    /// What there is for a part that is to be dealt to `branch`. Waits for room as far as branches
    /// may be slow.
    fn room(&self, branch: usize, items: usize) -> Found {
        let fan = &self.fan;
        let waits = self.slow == Slow::Wait || D::SHARED;
        match fan.queues.room(branch, items) {
            Room::Full if waits || fan.merge.is_held(branch) => {}
            Room::Full => return Found::Slow(branch),
            room => return Found::Room(room),
        }
        // A branch that waits for the consumer is not slow; but the one that the consumer waits for
        // may be.
        let found =
            fan.run.wait(fan.at, Side::Out, |cx| match fan.queues.poll_room(branch, items, cx) {
                Poll::Ready(room) => Poll::Ready(Found::Room(room)),
                Poll::Pending if waits || !fan.merge.is_held(branch) => Poll::Pending,
                Poll::Pending => match fan.queues.wanted() {
                    Some(other) if other != branch && !fan.merge.has_of(other) => {
                        Poll::Ready(Found::Slow(other))
                    }
                    _ => Poll::Pending,
                },
            });
        found.unwrap_or(Found::Room(Room::Closed))
    }

    /// Drops a branch that is behind by as much as it may.
    fn drop_slow(&self, branch: usize) {
        let fan = &self.fan;
        let Dropped { left, at, .. } = fan.queues.drop_branch(branch, true);
        fan.refuse(left, true);
        let reason = format!("branch {branch}: too slow");
        fan.counters().error("slow branch", 1, || reason.clone());
        fan.run.branch_ended(fan.at, branch, reason);
        // What it makes still is waited for no more.
        fan.merge.end_branch(branch, at);
        if fan.queues.all_gone() == Some(Failed::All) {
            fan.run
                .fail(fan.at, "every branch was dropped, the last one for being too slow".into());
        }
    }
}

fn stalled(full: usize, idle: usize) -> String {
    format!(
        "results cannot be merged: branch {full} is full while branch {idle}, whose next result is compared with its, gets \
         no items; sort after the merge, or let the branches share one queue"
    )
}

impl<T, U, D: Deal<T>> Outlet<T> for Dispatcher<T, U, D> {
    fn take(&mut self, item: T) -> Flow {
        self.chunk.push(item);
        if self.chunk.len() < self.full { Flow::Continue(()) } else { self.send() }
    }

    #[inline(always)]
    fn burst<A: Ask<T>>(&mut self, ask: A) -> Pulled {
        let Self { chunk, full, post } = self;
        let (mut items, mut size) = (MoveGuard::of(chunk), MoveGuard::of(full));
        ask.pull(&mut |item| {
            gather::push(&mut items.value, item);
            if items.value.len() < *size.value {
                return Flow::Continue(());
            }
            let flow = post.send(std::mem::take(&mut *items.value));
            *size.value = post.size();
            flow
        })
    }

    fn pause(&mut self, _ready: bool) -> Flow {
        self.send()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::task::Context as Task;

    use super::super::deal::Broadcast;
    use super::super::merge::{AHEAD, Made, Merge, Sequence};
    use super::super::queues::BranchQueues;
    use super::*;
    use crate::Context;

    fn post(slow: Slow) -> Post<u8, u8, Broadcast> {
        let run = Arc::new(Run::new(&Context::new(), vec!["source", "fan_out"], Vec::new(), true));
        let fan = Fan {
            queues: Arc::new(BranchQueues::new(2, false, 1)),
            merge: Merge::new(2, Sequence::Apart, 1),
            run,
            at: 1,
            in_order: true,
            marks: true,
            drops_failed: false,
            deals: true,
            counts: false,
        };
        let parts = Parts { of: Vec::new(), gone: vec![false; 2], places: true };
        Post { fan: Arc::new(fan), deal: Broadcast, slow, parts, sent: 0, most: 1 }
    }

    /// A branch that has no room for more items, and none for its results.
    fn held(fan: &Fan<u8, u8>, branch: usize) {
        fan.queues
            .deal(branch, Part { number: 1, items: vec![1], places: vec![0] })
            .expect("it is open");
        let made = Made { number: 0, items: vec![1; AHEAD], marks: Vec::new(), covers: 1 };
        fan.merge.put(branch, made, false).expect("it is open");
        let mut task = Task::from_waker(std::task::Waker::noop());
        assert!(fan.merge.poll_room(branch, 1, &mut task).is_pending());
    }

    #[test]
    fn a_branch_that_waits_for_the_consumer_is_not_slow_but_the_one_that_the_consumer_waits_for() {
        let post = post(Slow::Drop);
        held(&post.fan, 1);
        post.fan.queues.want(Some(0));
        assert!(matches!(post.room(1, 1), Found::Slow(0)));
        // It is not to blame if its result is only not taken yet: then there is room as soon as it
        // is.
        post.fan
            .merge
            .put(0, Made { number: 0, items: vec![1], marks: Vec::new(), covers: 1 }, false)
            .unwrap();
        post.fan.queues.close();
        assert!(matches!(post.room(1, 1), Found::Room(Room::Closed)));
    }

    #[test]
    fn a_branch_that_works_and_has_no_room_is_slow() {
        let post = post(Slow::Fail);
        post.fan.queues.deal(0, Part { number: 0, items: vec![1], places: vec![0] }).unwrap();
        post.fan.queues.want(Some(1));
        assert!(matches!(post.room(0, 1), Found::Slow(0)));
    }
}
