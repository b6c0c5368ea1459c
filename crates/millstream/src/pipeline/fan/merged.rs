//! The consumer's side: takes what branches made, puts it into the order that is wanted, and hands
//! it on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::vec::IntoIter;

use super::heads::{Placed, Turn};
use super::merge::Next;
use super::queues::Failed;
use super::worker::Fan;
use crate::clock::ticks::Burst;
use crate::pipeline::chunk_drain::STRIDE;
use crate::pipeline::flow::Pulled;
use crate::pipeline::sleeper::LOOKS_AGAIN;
use crate::pipeline::step::Flow;
use crate::pipeline::terminal::MoveGuard;
use crate::pipeline::units::Units;
use crate::pipeline::waits::Side;

/// What was taken of the branches and not handed on.
pub(super) struct Merged<T, U> {
    fan: Arc<Fan<T, U>>,
    order: Order<U>,
    handed: usize,
}

/// How results are put into order.
enum Order<U> {
    /// The merge has done it.
    Whole(IntoIter<U>),
    Placed(Placed<U>),
}

impl<T, U> Merged<T, U> {
    pub(super) fn new(fan: Arc<Fan<T, U>>, branches: usize) -> Self {
        let order = match fan.marks {
            true => Order::Placed(Placed::new(branches)),
            false => Order::Whole(IntoIter::default()),
        };
        Self { fan, order, handed: 0 }
    }

    pub(super) fn fan(&self) -> &Arc<Fan<T, U>> {
        &self.fan
    }

    /// Results of the last pull.
    pub(super) fn handed(&self) -> usize {
        self.handed
    }

    pub(super) fn ready(&self) -> bool {
        let has_items = matches!(&self.order, Order::Whole(items) if items.len() > 0);
        has_items || self.fan.merge.has_next()
    }

    #[inline(always)]
    pub(super) fn pull<N: Units<U>>(
        &mut self,
        max: usize,
        emit: &mut impl FnMut(U) -> Flow,
    ) -> Pulled {
        let Self { fan, order, handed } = self;
        *handed = 0;
        match order {
            Order::Whole(items) => whole::<_, _, N>(fan, items, handed, max, emit),
            Order::Placed(heads) => one_by_one::<_, _, N>(fan, heads, handed, max, emit),
        }
    }

    /// Counts what nobody will take as cancelled.
    pub(super) fn abandon<N: Units<U>>(&mut self) {
        let fan = &self.fan;
        fan.refuse(fan.queues.close(), false);
        let left = match &mut self.order {
            Order::Whole(items) => std::mem::take(items).collect(),
            Order::Placed(heads) => heads.drain(),
        };
        let made = fan.merge.close().into_iter().flat_map(|made| made.items);
        fan.refused(made.chain(left).map(|item| N::of(&item) as usize).sum(), false);
    }
}

/// Hands on what one branch made of one part, or of some of it.
#[inline(always)]
fn whole<T, U, N: Units<U>>(
    fan: &Arc<Fan<T, U>>,
    items: &mut IntoIter<U>,
    handed: &mut usize,
    max: usize,
    emit: &mut impl FnMut(U) -> Flow,
) -> Pulled {
    if items.len() == 0 {
        match next(fan) {
            None | Some(Next::Closed) => return Pulled::Stopped,
            Some(Next::End) => return end(fan),
            Some(Next::Made(made)) => *items = made.items.into_iter(),
        }
    }
    let mut items = MoveGuard::of(items);
    let mut left = Left { count: 0, fan };
    let time = Burst::of(max);
    let mut wanted = max.min(items.value.len());
    while wanted > 0 && !time.is_at_end() {
        let now = wanted.min(STRIDE);
        wanted -= now;
        for item in items.value.by_ref().take(now) {
            left.count += N::of(&item);
            *handed += 1;
            if emit(item).is_break() {
                return Pulled::Stopped;
            }
        }
    }
    Pulled::More
}

/// How long the consumer waits at most before it looks after idle branches.
const PATIENCE_LAST: Duration = Duration::from_millis(64);

/// Waits for what is handed on next. Meanwhile no branch is idle for long beside items that it
/// could start.
fn next<T, U>(fan: &Fan<T, U>) -> Option<Next<U>> {
    let mut patience = LOOKS_AGAIN;
    loop {
        if let Some(next) =
            fan.run.wait_up_to(fan.at, Side::In, Some(patience), |cx| fan.merge.poll_next(cx))
        {
            return next;
        }
        fan.queues.wake_idle();
        patience = (patience * 2).min(PATIENCE_LAST);
    }
}

/// Hands on the result whose turn it is, again and again.
fn one_by_one<T, U, N: Units<U>>(
    fan: &Arc<Fan<T, U>>,
    heads: &mut Placed<U>,
    handed: &mut usize,
    max: usize,
    emit: &mut impl FnMut(U) -> Flow,
) -> Pulled {
    let mut burst = Burst::of(max);
    while !burst.is_finished() {
        match heads.turn() {
            Turn::End => return end(fan),
            Turn::Hand(branch) => {
                let Some(item) = heads.advance(branch) else { continue };
                let mut left = Left { count: 0, fan };
                left.count += N::of(&item);
                *handed += 1;
                burst.add();
                if emit(item).is_break() {
                    return Pulled::Stopped;
                }
            }
            // A pull waits for its first result only.
            Turn::Wait(branch) if *handed > 0 && !fan.merge.has_of(branch) => return Pulled::More,
            Turn::Wait(branch) => {
                match fan.run.wait(fan.at, Side::In, |cx| fan.merge.poll_branch(branch, cx)) {
                    None | Some(Next::Closed) => return Pulled::Stopped,
                    Some(Next::End) => heads.end(branch),
                    Some(Next::Made(made)) => heads.load(branch, made),
                }
            }
        }
    }
    Pulled::More
}

/// All branches have finished, perhaps before the input did.
#[cold]
fn end<T, U>(fan: &Fan<T, U>) -> Pulled {
    let failed = fan.queues.all_gone().is_some_and(|failed| failed != Failed::None);
    fan.refuse(fan.queues.close(), failed);
    Pulled::End
}

/// Counts results that were handed on, also when what follows unwinds.
struct Left<'a, T, U> {
    count: u64,
    fan: &'a Fan<T, U>,
}

impl<T, U> Drop for Left<'_, T, U> {
    fn drop(&mut self) {
        self.fan.counters().left.fetch_add(self.count, Ordering::Relaxed);
    }
}
