//! Whose result is next where the branches' results are merged one by one: that of the earliest
//! item.

use std::vec::IntoIter;

use super::merge::{Made, Mark, TAIL};

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

/// The next results of all branches, by the place of the item that a result was made of. A
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

    #[inline]
    pub(super) fn turn(&self) -> Turn {
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

    /// More results of a branch that was waited for.
    pub(super) fn load(&mut self, branch: usize, made: Made<U>) {
        let Some(place) = &mut self.branches[branch] else { return };
        if made.number != place.at.0 {
            place.at = (made.number, 0);
        }
        let last = made.is_last();
        (place.marks, place.items, place.last) =
            (made.marks.into_iter(), made.items.into_iter(), last);
        place.step();
    }

    pub(super) fn end(&mut self, branch: usize) {
        self.branches[branch] = None;
    }

    /// The next result of a branch whose turn it is.
    #[inline]
    pub(super) fn advance(&mut self, branch: usize) -> Option<U> {
        let place = self.branches[branch].as_mut()?;
        let item = place.items.next();
        place.run = place.run.saturating_sub(1);
        place.step();
        item
    }

    /// Everything that was loaded and not handed on.
    pub(super) fn drain(&mut self) -> Vec<U> {
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
