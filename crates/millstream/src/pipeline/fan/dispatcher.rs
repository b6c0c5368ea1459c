//! The dispatcher's thread: what comes before the fan, and who gets what of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::deal::{Deal, Parts};
use super::queues::{Part, Room};
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
    parts: Parts<T>,
    /// Chunks dealt.
    sent: u64,
    most: usize,
}

impl<T, U, D: Deal<T>> Dispatcher<T, U, D> {
    pub(super) fn new(fan: Arc<Fan<T, U>>, deal: D, branches: usize, room: Option<usize>) -> Self {
        let parts = if D::SHARED { 1 } else { branches };
        let parts = Parts {
            of: (0..parts).map(|_| blank(0)).collect(),
            gone: vec![false; parts],
            places: fan.marks,
        };
        let most = room.map_or(full::<T>(), |room| full::<T>().min(room));
        // One branch shows what an item costs it before many are dealt to it at once.
        Self { chunk: Vec::new(), full: 1, post: Post { fan, deal, parts, sent: 0, most } }
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
        match self.room(branch, items) {
            Room::Free => {
                if let Err(part) = fan.queues.deal(branch, part) {
                    fan.refused(part.items.len(), false);
                }
                Flow::Continue(())
            }
            Room::Gone { failed } => {
                fan.refused(items, failed);
                if let Some(gone) = self.parts.gone.get_mut(branch) {
                    *gone = true;
                }
                Flow::Continue(())
            }
            Room::Full | Room::Closed => {
                fan.refused(items, false);
                Flow::Break(())
            }
        }
    }

    /// Waits until there is room for a part that is to be dealt to `branch`, or never will be.
    fn room(&self, branch: usize, items: usize) -> Room {
        let fan = &self.fan;
        match fan.queues.room(branch, items) {
            Room::Full => fan
                .run
                .wait(fan.at, Side::Out, |cx| fan.queues.poll_room(branch, items, cx))
                .unwrap_or(Room::Closed),
            room => room,
        }
    }
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
