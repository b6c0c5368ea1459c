//! What can be said of fans.

use super::branch::Branch;
use super::deal::{Deal, FanOut};
use super::fanned::Fanned;
use super::joined::Joined;
use super::order::{Arrival, InOrder};
use crate::pipeline::Pipeline;
use crate::pipeline::flow::Stream;
use crate::pipeline::units::Units;

impl<T> Pipeline<Branch<T>> {
    /// Which branch it is, from 0 on.
    #[must_use]
    pub fn number(&self) -> usize {
        self.stream.number
    }
}

/// Fan-out.
impl<F: Stream> Pipeline<F> {
    /// Deals items to branches, each a pipeline on a thread of its own, and merges what comes of
    /// them.
    ///
    /// `branch` is called once for each branch and gives its pipeline: any stages, boundaries and
    /// batches. What was before runs on one thread more. [`FanOut`] says which items a branch gets,
    /// and what becomes of one that fails.
    ///
    /// **Order** is that of arrival; of one branch the order of its results. See
    /// [`in_order`](Pipeline::in_order).
    ///
    /// A branch that has all it wants (a `take`) ends by itself; when all have, the input ends.
    ///
    /// # Errors
    /// The first error or panic of a branch ends the run; its source is the branch's own
    /// [`Error`](crate::Error). In the report, [`branches`](crate::Report::branches) has the
    /// branches' own reports, and the line "fan_out" their sums.
    ///
    /// # Cancel safety
    /// What is dealt and not handed on when the run is cancelled counts as cancelled; all threads
    /// are joined.
    ///
    /// # Cost
    /// A thread for each branch and one for what was before; then a few nanoseconds an item: see
    /// the README's table. For cheap stages one loop is faster, and [`parallel`](Self::parallel)
    /// finds out by itself whether threads pay.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, FanOut, Pipeline};
    ///
    /// let squares: Vec<u64> = Pipeline::from_iter(1..=5)
    ///     .fan_out(FanOut::shared(3), |branch| branch.map(|n| n * n))
    ///     .in_order()
    ///     .collect(&Context::new())?;
    /// assert_eq!(squares, [1, 4, 9, 16, 25]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn fan_out<B, U, D>(
        self,
        how: FanOut<D>,
        branch: impl FnMut(Pipeline<Branch<F::Item>>) -> Pipeline<B, U>,
    ) -> Pipeline<Fanned<F, B, U, D, Arrival>, U>
    where
        B: Stream,
        U: Units<B::Item>,
        D: Deal<F::Item>,
    {
        self.with(|stream| Fanned::new(stream, how, branch))
    }
}

/// The order of a fan's results.
impl<F, B, U, D> Pipeline<Fanned<F, B, U, D, Arrival>, U>
where
    F: Stream,
    B: Stream,
    D: Deal<F::Item>,
{
    /// Hands results on in the order of the items that they were made of; of a broadcast, those of
    /// one item branch by branch.
    ///
    /// At most four chunks for each branch are between the oldest result that is awaited and the
    /// newest item that is worked on. What a branch holds back (a batch) counts as made of the last
    /// item in it.
    ///
    /// The branch that the next result comes from is waited for; the others go on until four pieces
    /// of their results wait.
    ///
    /// # Cancel safety
    /// As of [`fan_out`](Self::fan_out).
    ///
    /// # Cost
    /// Where branches share one queue, none beyond that of the fan. Else results are merged one by
    /// one, some 20 ns each.
    ///
    /// A branch with a boundary of its own cannot say what its results were made of, and does not
    /// compile:
    /// ```compile_fail,E0080
    /// use millstream::{Context, FanOut, Pipeline};
    /// let items = Pipeline::from_iter(0..9).fan_out(FanOut::shared(2), |branch| branch.thread());
    /// items.in_order().collect(&Context::new());
    /// ```
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, FanOut, Pipeline};
    /// let twice = Pipeline::from_iter(["a", "b"])
    ///     .fan_out(FanOut::broadcast(2), |branch| {
    ///         let number = branch.number();
    ///         branch.map(move |item| format!("{item}{number}"))
    ///     })
    ///     .in_order()
    ///     .collect(&Context::new())?;
    /// assert_eq!(twice, ["a0", "a1", "b0", "b1"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn in_order(self) -> Pipeline<Fanned<F, B, U, D, InOrder>, U> {
        const {
            assert!(
                !B::BOUNDARY,
                "a branch whose results are wanted in order has no boundary of its own"
            )
        }
        self.replace(Fanned::merging)
    }
}

/// Fan-in of pipelines that have sources of their own.
impl<B, U> Pipeline<Joined<B, U>, U>
where
    B: Stream,
    U: Units<B::Item>,
{
    /// Runs pipelines side by side, each on a thread of its own, and hands on their results as they
    /// come.
    ///
    /// They are of one type; a source or a stage that differs goes into a `Box` or an enum. No
    /// pipelines give no results.
    ///
    /// **Order** of each one's results is kept.
    ///
    /// # Errors
    /// The first error or panic of one of them ends the run. A slow consumer holds them all back.
    ///
    /// # Cancel safety
    /// As of [`fan_out`](Self::fan_out).
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    ///
    /// let inputs = [vec![1, 4, 9], vec![2, 3, 10]];
    /// let mut merged = Pipeline::fan_in(inputs.map(Pipeline::from_iter)).collect(&Context::new())?;
    /// merged.sort_unstable();
    /// assert_eq!(merged, [1, 2, 3, 4, 9, 10]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn fan_in(pipelines: impl IntoIterator<Item = Pipeline<B, U>>) -> Self {
        let joined = Joined::new(pipelines);
        Self { stream: joined, names: Vec::new(), monitor: None, units: std::marker::PhantomData }
    }
}
