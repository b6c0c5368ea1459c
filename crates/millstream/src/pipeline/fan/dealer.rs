//! The dealer's thread: what comes before the fan, and who gets what of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::deal::{Deal, Parts, Slow};
use super::dealt::{Part, Room};
use super::lane::{Fan, full};
use crate::panics;
use crate::pipeline::drive::{Ask, End, Outlet, Pace, drive_in};
use crate::pipeline::flow::{Crew, Pull, Pulled};
use crate::pipeline::gather;
use crate::pipeline::run::Run;
use crate::pipeline::step::Flow;
use crate::pipeline::terminal::Loan;

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
        let (fan, dealt) = (&self.post.fan, self.post.dealt);
        let nobody_left = fan.dealt.all_gone().is_some() && !fan.run.is_stopping();
        if (flow.is_continue() && end == End::Complete) || nobody_left {
            fan.dealt.end();
            fan.merge.end_input(dealt);
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

fn blank<T>(number: u64) -> Part<T> {
    Part { number, items: Vec::new(), places: Vec::new() }
}

impl<T, U, D: Deal<T>> Post<T, U, D> {
    /// How many items the next chunk has.
    fn size(&self) -> usize {
        match self.fan.dealt.pace.load(Ordering::Relaxed) {
            0 => self.most,
            each => usize::try_from(WORTH_NS / each).unwrap_or(usize::MAX).clamp(1, self.most),
        }
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
        let room = match fan.dealt.room(lane) {
            Room::Full if items == 0 => Room::Free,
            Room::Full if self.slow == Slow::Wait || D::SHARED => {
                let room = fan.run.wait(fan.at, |cx| fan.dealt.poll_room(lane, cx));
                room.unwrap_or(Room::Closed)
            }
            room => room,
        };
        match room {
            Room::Free => match fan.dealt.deal(lane, part) {
                Ok(()) => return Flow::Continue(()),
                Err(part) => {
                    fan.refused(part.items.len(), false);
                    return Flow::Continue(());
                }
            },
            Room::Gone { failed } => {
                fan.refused(items, failed);
                if let Some(gone) = self.parts.gone.get_mut(lane) {
                    *gone = true;
                }
                return Flow::Continue(());
            }
            Room::Full if self.slow == Slow::Drop => {
                fan.refused(items, true);
                self.parts.gone[lane] = true;
                self.drop_slow(lane);
                return Flow::Continue(());
            }
            Room::Full => fan
                .run
                .fail(fan.at, format!("branch {lane} is too slow: no room for {items} more items").into()),
            Room::Stalled(other) => fan.run.fail(fan.at, stalled(lane, other).into()),
            Room::Closed => {}
        }
        fan.refused(items, false);
        Flow::Break(())
    }

    /// Drops a branch that is behind by as much as it may.
    fn drop_slow(&self, lane: usize) {
        let fan = &self.fan;
        // What it makes of the part that it works on is taken still.
        let (left, _it_works_on) = fan.dealt.drop_lane(lane, true);
        fan.refuse(left, true);
        let told = format!("branch {lane}: too slow");
        fan.tally().error("slow branch", 1, || told.clone());
        fan.run.branch_ended(fan.at, lane, told);
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
