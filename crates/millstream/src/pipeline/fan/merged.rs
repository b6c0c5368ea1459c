//! The consumer's side: takes what branches made, puts it into the order that is wanted, and hands it on.

use std::cmp::Ordering as Compared;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::vec::IntoIter;

use super::dealt::Failed;
use super::lane::Fan;
use super::merge::{Made, Next};
use super::order::Merging;
use crate::pipeline::flow::Pulled;
use crate::pipeline::step::Flow;
use crate::pipeline::terminal::Loan;
use crate::pipeline::thread::LOOK_EVERY;
use crate::pipeline::units::Units;

/// After so many compared results the consumer looks around.
const SORTED_BURST: usize = 1_024;

/// What was taken of the branches and not handed on.
pub(super) struct Merged<T, U, M> {
    fan: Arc<Fan<T, U>>,
    merging: M,
    items: IntoIter<U>,
    /// Where results are compared: each branch's, the next one first; none when it has ended.
    heads: Vec<Option<Head<U>>>,
    handed: usize,
}

struct Head<U> {
    next: Option<U>,
    rest: IntoIter<U>,
}

impl<U> Head<U> {
    fn advance(&mut self) -> Option<U> {
        let next = self.next.take();
        self.next = self.rest.next();
        next
    }
}

impl<T, U, M: Merging<U>> Merged<T, U, M> {
    pub(super) fn new(fan: Arc<Fan<T, U>>, merging: M, lanes: usize) -> Self {
        let blank = |_| Some(Head { next: None, rest: IntoIter::default() });
        let heads = (0..if M::SORTED { lanes } else { 0 }).map(blank).collect();
        Self { fan, merging, items: IntoIter::default(), heads, handed: 0 }
    }

    pub(super) fn fan(&self) -> &Arc<Fan<T, U>> {
        &self.fan
    }

    /// Results of the last pull.
    pub(super) fn handed(&self) -> usize {
        self.handed
    }

    pub(super) fn ready(&self) -> bool {
        self.items.len() > 0 || self.fan.merge.has_next()
    }

    #[inline(always)]
    pub(super) fn pull<N: Units<U>>(&mut self, emit: &mut impl FnMut(U) -> Flow) -> Pulled {
        self.handed = 0;
        if M::SORTED {
            return self.compared::<N>(emit);
        }
        if self.items.len() == 0 {
            match self.fan.run.wait(self.fan.at, |cx| self.fan.merge.poll_next(cx)) {
                None | Some(Next::Closed) => return Pulled::Stopped,
                Some(Next::End) => return self.end(),
                Some(Next::Made(made)) => self.items = joined(made).into_iter(),
            }
        }
        let Self { items, fan, handed, .. } = self;
        let mut items = Loan::of(items);
        let mut left = Left { count: 0, fan };
        for item in items.value.by_ref() {
            left.count += N::of(&item);
            *handed += 1;
            if emit(item).is_break() || (handed.is_multiple_of(LOOK_EVERY) && fan.ctx().is_cancelled()) {
                return Pulled::Stopped;
            }
        }
        Pulled::More
    }

    /// Hands on the smallest of what the branches have next, again and again.
    fn compared<N: Units<U>>(&mut self, emit: &mut impl FnMut(U) -> Flow) -> Pulled {
        while self.handed < SORTED_BURST {
            if let Some(pulled) = self.fill() {
                return pulled;
            }
            let Self { heads, merging, fan, handed, .. } = self;
            let Some(item) = smallest(heads, merging).and_then(Head::advance) else { return self.end() };
            let mut left = Left { count: 0, fan };
            left.count += N::of(&item);
            *handed += 1;
            if emit(item).is_break() || fan.ctx().is_cancelled() {
                return Pulled::Stopped;
            }
        }
        Pulled::More
    }

    /// Sees to it that every branch which has not ended shows its next result. None: so it is.
    fn fill(&mut self) -> Option<Pulled> {
        for lane in 0..self.heads.len() {
            while let Some(head) = &mut self.heads[lane]
                && head.next.is_none()
            {
                head.next = head.rest.next();
                if head.next.is_some() {
                    break;
                }
                // A pull waits for its first result only.
                if self.handed > 0 && !self.fan.merge.has_of(lane) {
                    return Some(Pulled::More);
                }
                match self.take_of(lane) {
                    None | Some(Next::Closed) => return Some(Pulled::Stopped),
                    Some(Next::End) => self.heads[lane] = None,
                    Some(Next::Made(made)) => {
                        self.heads[lane] = Some(Head { next: None, rest: joined(made).into_iter() });
                    }
                }
            }
        }
        None
    }

    fn take_of(&self, lane: usize) -> Option<Next<U>> {
        let fan = &self.fan;
        let mut wants = false;
        let next = fan.run.wait(fan.at, |cx| {
            let next = fan.merge.poll_lane(lane, cx);
            if next.is_pending() && !wants {
                wants = true;
                fan.dealt.want(Some(lane));
            }
            next
        });
        if wants {
            fan.dealt.want(None);
        }
        next
    }

    /// All branches have ended, perhaps before the input did.
    #[cold]
    fn end(&self) -> Pulled {
        let failed = self.fan.dealt.all_gone().is_some_and(|failed| failed != Failed::None);
        self.fan.refuse(self.fan.dealt.close(), failed);
        Pulled::End
    }

    /// Counts what nobody will take as cancelled.
    pub(super) fn abandon<N: Units<U>>(&mut self) {
        let fan = &self.fan;
        fan.refuse(fan.dealt.close(), false);
        let made = fan.merge.close().into_iter().flat_map(|made| made.items);
        let heads = std::mem::take(&mut self.heads);
        let compared = heads.into_iter().flatten().flat_map(|head| head.next.into_iter().chain(head.rest));
        let left = std::mem::take(&mut self.items).chain(made).chain(compared);
        fan.refused(left.map(|item| N::of(&item) as usize).sum(), false);
    }
}

/// Counts results that were handed on, also when what follows unwinds.
struct Left<'a, T, U> {
    count: u64,
    fan: &'a Fan<T, U>,
}

impl<T, U> Drop for Left<'_, T, U> {
    fn drop(&mut self) {
        self.fan.tally().left.fetch_add(self.count, Ordering::Relaxed);
    }
}

/// The branch with the smallest next result; the first of equals.
fn smallest<'a, U, M: Merging<U>>(heads: &'a mut [Option<Head<U>>], merging: &M) -> Option<&'a mut Head<U>> {
    let live = heads.iter_mut().flatten().filter(|head| head.next.is_some());
    live.reduce(|best, head| match (&best.next, &head.next) {
        (Some(a), Some(b)) if merging.compare(b, a) == Compared::Less => head,
        _ => best,
    })
}

/// What branches made of the parts of one chunk, in the order of the items that it was made of.
fn joined<U>(mut made: Vec<Made<U>>) -> Vec<U> {
    if made.len() <= 1 {
        return made.pop().map(|made| made.items).unwrap_or_default();
    }
    let mut parts: Vec<_> =
        made.into_iter().map(|made| (made.marks.into_iter().peekable(), made.items.into_iter())).collect();
    let mut all = Vec::with_capacity(parts.iter().map(|(_, items)| items.len()).sum());
    loop {
        let next = parts.iter_mut().filter_map(|(marks, items)| Some((marks.peek()?.place, marks, items)));
        let Some((_, marks, items)) = next.min_by_key(|(place, ..)| *place) else { return all };
        if let Some(mark) = marks.next() {
            all.extend(items.take(mark.count as usize));
        }
    }
}
