//! The dealer's thread: what comes before the fan, and who gets what of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use super::deal::{Deal, Parts, Slow};
use super::dealt::{Dropped, Failed, Part, Room};
use super::lane::{Fan, full};
use crate::panics;
use crate::pipeline::drive::{Ask, End, Outlet, Pace, drive_in};
use crate::pipeline::flow::{Crew, Pull, Pulled};
use crate::pipeline::gather;
use crate::pipeline::run::Run;
use crate::pipeline::step::Flow;
use crate::pipeline::terminal::Loan;
use crate::pipeline::waits::Side;

/// A part is to be worth about this much work of a branch, so that the branches end at about the same time.
const WORTH_NS: u64 = 1_000_000;

/// What comes before a fan, and goes to a thread of its own.
pub trait Input<U>: Send {
    /// Its items.
    type Item: Send;

    /// Starts its thread.
    fn start<'scope, 'env: 'scope>(self, crew: &Crew<'scope, 'env>, fan: &Arc<Fan<Self::Item, U>>)
    where
        Self: 'scope,
        U: 'scope;

    /// Counts what it holds as cancelled: it was never started.
    fn abandon(&mut self);

    /// Moves its counts to the shared tallies.
    fn publish(&mut self);
}

/// A pipeline and the dealer of its items.
pub struct Dealing<P: Pull, U, D> {
    pub(super) head: P,
    pub(super) dealer: Dealer<P::Item, U, D>,
}

impl<P: Pull, U, D> std::fmt::Debug for Dealing<P, U, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dealing").finish_non_exhaustive()
    }
}

impl<P: Pull, U: Send, D: Deal<P::Item>> Input<U> for Dealing<P, U, D> {
    type Item = P::Item;

    fn start<'scope, 'env: 'scope>(mut self, crew: &Crew<'scope, 'env>, fan: &Arc<Fan<P::Item, U>>)
    where
        Self: 'scope,
        U: 'scope,
    {
        let (there, inside) = (Arc::clone(fan), crew.clone());
        let started = crew.try_spawn("fan_out", move |_| {
            let caught = panics::catch("pipeline", || {
                let ctx = there.run.ctx_at(there.at - 1);
                let end = drive_in(&inside, &mut self.head, &mut self.dealer, &there.run, ctx, Pace::new());
                self.dealer.finish(end);
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
pub(super) struct Dealer<T, U, D> {
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
    dealt: u64,
    most: usize,
}

impl<T, U, D: Deal<T>> Dealer<T, U, D> {
    pub(super) fn new(
        fan: Arc<Fan<T, U>>,
        deal: D,
        slow: Slow,
        branches: usize,
        room: Option<usize>,
    ) -> Self {
        let parts = if D::SHARED { 1 } else { branches };
        let parts =
            Parts { of: (0..parts).map(|_| blank(0)).collect(), gone: vec![false; parts], places: fan.marks };
        let most = room.map_or(full::<T>(), |room| full::<T>().min(room));
        // One branch shows what an item costs it before many are dealt to it at once.
        Self { chunk: Vec::new(), full: 1, post: Post { fan, deal, slow, parts, dealt: 0, most } }
    }

    /// Deals what is gathered and, at the end, says how much that was.
    pub(super) fn finish(&mut self, end: End) {
        let flow = self.send();
        let fan = &self.post.fan;
        let nobody_left = fan.dealt.all_gone().is_some() && !fan.run.is_stopping();
        if (flow.is_continue() && end == End::Complete) || nobody_left {
            fan.dealt.end();
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
        if D::SHARED { self.most } else { self.fan.dealt.cost.part(WORTH_NS).clamp(1, self.most) }
    }

    #[cold]
    #[inline(never)]
    fn send(&mut self, chunk: Vec<T>) -> Flow {
        let came = chunk.len();
        let tally = self.fan.tally();
        tally.entered.fetch_add(came as u64, Ordering::Relaxed);
        if let Err(panic) = panics::catch("pipeline", || self.deal.deal(chunk, &mut self.parts)) {
            self.parts.of.iter_mut().for_each(|part| part.items.clear());
            tally.failed.fetch_add(came as u64, Ordering::Relaxed);
            Run::panicked_at(self.fan.at);
            self.fan.run.panicked(panic);
            return Flow::Break(());
        }
        let parts: usize = self.parts.of.iter().map(|part| part.items.len()).sum();
        tally.made.fetch_add((parts as u64).wrapping_sub(came as u64), Ordering::Relaxed);
        let number = self.dealt;
        self.dealt += 1;
        let mut flow = Flow::Continue(());
        for lane in 0..self.parts.of.len() {
            let part = std::mem::replace(&mut self.parts.of[lane], blank(number + 1));
            let part = Part { number, ..part };
            if flow.is_break() {
                self.fan.refused(part.items.len(), false);
            } else if !part.items.is_empty() || (self.fan.in_order && !D::SHARED) {
                flow = self.deal_to(lane, part);
            }
        }
        if self.fan.dealt.all_gone().is_some() { Flow::Break(()) } else { flow }
    }

    fn deal_to(&mut self, lane: usize, part: Part<T>) -> Flow {
        let fan = &self.fan;
        let items = part.items.len();
        loop {
            match self.room(lane, items) {
                Found::Room(Room::Free) => {
                    if let Err(part) = fan.dealt.deal(lane, part) {
                        fan.refused(part.items.len(), false);
                    }
                    return Flow::Continue(());
                }
                Found::Room(Room::Gone { failed }) => {
                    fan.refused(items, failed);
                    if let Some(gone) = self.parts.gone.get_mut(lane) {
                        *gone = true;
                    }
                    return Flow::Continue(());
                }
                Found::Slow(slow) if self.slow == Slow::Drop => {
                    self.drop_slow(slow);
                    continue;
                }
                Found::Slow(slow) => {
                    let told = format!("branch {slow} is too slow: no room for {items} more items");
                    fan.run.fail(fan.at, told.into());
                }
                Found::Room(Room::Stalled(other)) => fan.run.fail(fan.at, stalled(lane, other).into()),
                Found::Room(Room::Full | Room::Closed) => {}
            }
            fan.refused(items, false);
            return Flow::Break(());
        }
    }

    /// What there is for a part that is to be dealt to `lane`. Waits for room as far as branches may be slow.
    fn room(&self, lane: usize, items: usize) -> Found {
        let fan = &self.fan;
        let waits = self.slow == Slow::Wait || D::SHARED;
        match fan.dealt.room(lane, items) {
            Room::Full if waits || fan.merge.is_held(lane) => {}
            Room::Full => return Found::Slow(lane),
            room => return Found::Room(room),
        }
        // Who waits for the consumer is not slow; but the one may be for whom the consumer waits.
        let found = fan.run.wait(fan.at, Side::Out, |cx| match fan.dealt.poll_room(lane, items, cx) {
            Poll::Ready(room) => Poll::Ready(Found::Room(room)),
            Poll::Pending if waits || !fan.merge.is_held(lane) => Poll::Pending,
            Poll::Pending => match fan.dealt.wanted() {
                Some(other) if other != lane && !fan.merge.has_of(other) => Poll::Ready(Found::Slow(other)),
                _ => Poll::Pending,
            },
        });
        found.unwrap_or(Found::Room(Room::Closed))
    }

    /// Drops a branch that is behind by as much as it may.
    fn drop_slow(&self, lane: usize) {
        let fan = &self.fan;
        let Dropped { left, at, .. } = fan.dealt.drop_lane(lane, true);
        fan.refuse(left, true);
        let told = format!("branch {lane}: too slow");
        fan.tally().error("slow branch", 1, || told.clone());
        fan.run.branch_ended(fan.at, lane, told);
        // What it makes still is waited for no more.
        fan.merge.end_lane(lane, at);
        if fan.dealt.all_gone() == Some(Failed::All) {
            fan.run.fail(fan.at, "every branch was dropped, the last one for being too slow".into());
        }
    }
}

fn stalled(full: usize, idle: usize) -> String {
    format!(
        "results cannot be merged: branch {full} is full while branch {idle}, whose next result is compared with its, gets \
         no items; sort after the merge, or let the branches share one queue"
    )
}

impl<T, U, D: Deal<T>> Outlet<T> for Dealer<T, U, D> {
    fn take(&mut self, item: T) -> Flow {
        self.chunk.push(item);
        if self.chunk.len() < self.full { Flow::Continue(()) } else { self.send() }
    }

    #[inline(always)]
    fn burst<A: Ask<T>>(&mut self, ask: A) -> Pulled {
        let Self { chunk, full, post } = self;
        let (mut items, mut size) = (Loan::of(chunk), Loan::of(full));
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
    use super::super::dealt::Dealt;
    use super::super::merge::{AHEAD, Made, Merge, Sequence};
    use super::*;
    use crate::Context;

    fn post(slow: Slow) -> Post<u8, u8, Broadcast> {
        let run = Arc::new(Run::new(&Context::new(), vec!["source", "fan_out"], Vec::new(), true));
        let fan = Fan {
            dealt: Arc::new(Dealt::new(2, false, 1)),
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
        Post { fan: Arc::new(fan), deal: Broadcast, slow, parts, dealt: 0, most: 1 }
    }

    /// A branch that has no room for more items, and none for its results.
    fn held(fan: &Fan<u8, u8>, lane: usize) {
        fan.dealt.deal(lane, Part { number: 1, items: vec![1], places: vec![0] }).expect("it is open");
        let made = Made { number: 0, items: vec![1; AHEAD], marks: Vec::new(), covers: 1 };
        fan.merge.put(lane, made, false).expect("it is open");
        let mut task = Task::from_waker(std::task::Waker::noop());
        assert!(fan.merge.poll_room(lane, 1, &mut task).is_pending());
    }

    #[test]
    fn a_branch_that_waits_for_the_consumer_is_not_slow_but_the_one_that_the_consumer_waits_for() {
        let post = post(Slow::Drop);
        held(&post.fan, 1);
        post.fan.dealt.want(Some(0));
        assert!(matches!(post.room(1, 1), Found::Slow(0)));
        // It is not to blame if its result is only not taken yet: then there is room as soon as it is.
        post.fan
            .merge
            .put(0, Made { number: 0, items: vec![1], marks: Vec::new(), covers: 1 }, false)
            .unwrap();
        post.fan.dealt.close();
        assert!(matches!(post.room(1, 1), Found::Room(Room::Closed)));
    }

    #[test]
    fn a_branch_that_works_and_has_no_room_is_slow() {
        let post = post(Slow::Fail);
        post.fan.dealt.deal(0, Part { number: 0, items: vec![1], places: vec![0] }).unwrap();
        post.fan.dealt.want(Some(1));
        assert!(matches!(post.room(0, 1), Found::Slow(0)));
    }
}
