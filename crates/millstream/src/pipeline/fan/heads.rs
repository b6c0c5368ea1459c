//! Whose result is next where the branches' results are merged one by one: the smallest, or that of
//! the earliest item.

use std::cmp::Ordering;
use std::vec::IntoIter;

use super::merge::{Made, Mark, TAIL};
use super::order::Merging;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Wait until this branch shows its next result, or has finished.
    Wait(usize),
    /// Hand on this branch's next result.
    Hand(usize),
    /// All have finished.
    End,
}

/// The next results of all branches.
pub(super) trait Heads<U> {
    fn turn(&self) -> Turn;
    /// More results of a branch that was waited for.
    fn load(&mut self, branch: usize, made: Made<U>);
    fn end(&mut self, branch: usize);
    /// The next result of a branch whose turn it is.
    fn advance(&mut self, branch: usize) -> Option<U>;
    /// Everything that was loaded and not handed on.
    fn drain(&mut self) -> Vec<U>;
}

/// By comparison. Every branch must show its next result before one is chosen.
pub(super) struct Compared<U, M> {
    branches: Vec<Option<Compare<U>>>,
    merging: M,
}

struct Compare<U> {
    next: Option<U>,
    rest: IntoIter<U>,
}

impl<U, M: Merging<U>> Compared<U, M> {
    pub(super) fn new(branches: usize, merging: M) -> Self {
        let blank = |_| Some(Compare { next: None, rest: IntoIter::default() });
        Self { branches: (0..branches).map(blank).collect(), merging }
    }
}

impl<U, M: Merging<U>> Heads<U> for Compared<U, M> {
    #[inline]
    fn turn(&self) -> Turn {
        let mut best: Option<(usize, &U)> = None;
        for (branch, compare) in self.branches.iter().enumerate() {
            let Some(compare) = compare else { continue };
            let Some(next) = &compare.next else { return Turn::Wait(branch) };
            // The first of equals.
            match best {
                Some((_, first)) if self.merging.compare(next, first) != Ordering::Less => {}
                _ => best = Some((branch, next)),
            }
        }
        best.map_or(Turn::End, |(branch, _)| Turn::Hand(branch))
    }

    fn load(&mut self, branch: usize, made: Made<U>) {
        let mut rest = made.items.into_iter();
        let next = rest.next();
        self.branches[branch] = Some(Compare { next, rest });
    }

    fn end(&mut self, branch: usize) {
        self.branches[branch] = None;
    }

    #[inline]
    fn advance(&mut self, branch: usize) -> Option<U> {
        let compare = self.branches[branch].as_mut()?;
        std::mem::replace(&mut compare.next, compare.rest.next())
    }

    fn drain(&mut self) -> Vec<U> {
        let branches = std::mem::take(&mut self.branches).into_iter().flatten();
        branches.flat_map(|compare| compare.next.into_iter().chain(compare.rest)).collect()
    }
}

/// By the place of the item that a result was made of, where chunks are split between branches. A
/// branch whose next result cannot come before another's is not waited for.
pub(super) struct Placed<U> {
    branches: Vec<Option<Place<U>>>,
}

struct Place<U> {
    /// Chunk and place in it; nothing of this branch comes before that.
    at: (u64, u32),
    /// Results in a row that were made of the item there.
    run: u32,
    marks: IntoIter<Mark>,
    items: IntoIter<U>,
    /// Whether nothing more comes of the chunk.
    last: bool,
}

impl<U> Place<U> {
    /// Goes on to the next item of which something was made, as far as that is known.
    fn step(&mut self) {
        while self.run == 0 {
            match self.marks.next() {
                // What was held at the end has no place: it comes branch by branch.
                Some(mark) => {
                    self.at.1 = if self.at.0 == TAIL { 0 } else { mark.place };
                    self.run = mark.count;
                }
                None => {
                    if std::mem::take(&mut self.last) {
                        self.at = (self.at.0.saturating_add(1), 0);
                    }
                    return;
                }
            }
        }
    }
}

impl<U> Placed<U> {
    pub(super) fn new(branches: usize) -> Self {
        let blank = |_| {
            let (marks, items) = (IntoIter::default(), IntoIter::default());
            Some(Place { at: (0, 0), run: 0, marks, items, last: false })
        };
        Self { branches: (0..branches).map(blank).collect() }
    }
}

impl<U> Heads<U> for Placed<U> {
    #[inline]
    fn turn(&self) -> Turn {
        let live = self
            .branches
            .iter()
            .enumerate()
            .filter_map(|(branch, place)| Some((branch, place.as_ref()?)));
        match live.min_by_key(|(_, place)| place.at) {
            None => Turn::End,
            Some((branch, place)) if place.run == 0 => Turn::Wait(branch),
            Some((branch, _)) => Turn::Hand(branch),
        }
    }

    fn load(&mut self, branch: usize, made: Made<U>) {
        let Some(place) = &mut self.branches[branch] else { return };
        if made.number != place.at.0 {
            place.at = (made.number, 0);
        }
        let last = made.is_last();
        (place.marks, place.items, place.last) =
            (made.marks.into_iter(), made.items.into_iter(), last);
        place.step();
    }

    fn end(&mut self, branch: usize) {
        self.branches[branch] = None;
    }

    #[inline]
    fn advance(&mut self, branch: usize) -> Option<U> {
        let place = self.branches[branch].as_mut()?;
        let item = place.items.next();
        place.run = place.run.saturating_sub(1);
        place.step();
        item
    }

    fn drain(&mut self) -> Vec<U> {
        std::mem::take(&mut self.branches)
            .into_iter()
            .flatten()
            .flat_map(|place| place.items)
            .collect()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where a result comes from: chunk, place, branch.
    type From = (u64, u32, usize);

    /// What a branch made, in pieces of at most `most` results.
    fn pieces(results: &[From], chunks: u64, most: usize) -> Vec<Made<From>> {
        let mut all = Vec::new();
        for number in (0..chunks).chain([TAIL]) {
            let of: Vec<From> = results.iter().copied().filter(|from| from.0 == number).collect();
            for piece in of.chunks(most) {
                let marks = piece.iter().map(|from| Mark { place: from.1, count: 1 }).collect();
                all.push(Made { number, items: piece.to_vec(), marks, covers: 0 });
            }
            if number != TAIL {
                all.push(Made { number, items: Vec::new(), marks: Vec::new(), covers: 1 });
            }
        }
        all
    }

    proptest! {
        #[test]
        fn results_come_by_chunk_and_place_and_none_is_waited_for_in_vain(
            results in prop::collection::vec((0_u64..4, 0_u32..5, 0_usize..3), 0..60),
            most in 1_usize..5,
        ) {
            let number = |from: From| if from.0 == 3 { (TAIL, 0, from.2) } else { from };
            let mut expected: Vec<From> = results.into_iter().map(number).collect();
            expected.sort_unstable();
            let mut branches: Vec<_> = (0..3)
                .map(|branch| {
                    let own: Vec<From> = expected.iter().copied().filter(|from| from.2 == branch).collect();
                    pieces(&own, 3, most).into_iter()
                })
                .collect();
            let mut heads = Placed::new(3);
            let mut all = Vec::new();
            loop {
                match heads.turn() {
                    Turn::Hand(branch) => all.extend(heads.advance(branch)),
                    Turn::Wait(branch) => match branches[branch].next() {
                        Some(made) => heads.load(branch, made),
                        None => heads.end(branch),
                    },
                    Turn::End => break,
                }
            }
            prop_assert_eq!(all, expected);
        }
    }

    #[test]
    fn a_branch_that_has_done_a_chunk_is_not_waited_for_before_the_others_have() {
        let mut heads = Placed::new(2);
        let made = |number, items: Vec<u8>, last| {
            let marks = items.iter().map(|_| Mark { place: 0, count: 1 }).collect();
            Made { number, items, marks, covers: u64::from(last) }
        };
        heads.load(0, made(0, vec![], true));
        assert_eq!(heads.turn(), Turn::Wait(1));
        heads.load(1, made(0, vec![7], false));
        assert_eq!(heads.turn(), Turn::Hand(1));
        assert_eq!(heads.advance(1), Some(7));
        assert_eq!(heads.turn(), Turn::Wait(1), "more may come of the same item");
        heads.end(1);
        assert_eq!(heads.turn(), Turn::Wait(0));
        heads.end(0);
        assert_eq!(heads.turn(), Turn::End);
    }
}
