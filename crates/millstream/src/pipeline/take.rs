//! `take`: ends the input after a number of items.

use std::fmt;
use std::sync::Arc;

use super::flow::{Pull, Pulled, RunScope, Stepped, Stream};
use super::run::Run;
use super::step::{Flow, Leaf};

/// See [`Pipeline::take`](crate::Pipeline::take).
#[derive(Debug)]
pub struct Taken<F> {
    pub(crate) stream: F,
    pub(crate) count: u64,
}

impl<F: Stream> Stream for Taken<F> {
    type Item = F::Item;
    type Running = TakePull<F::Running>;
    type With<S: Leaf<F::Item>> = Stepped<Self, S>;
    const STAGES: usize = F::STAGES + 1;
    const THREADS: bool = F::THREADS;
    const BOUNDARY: bool = F::BOUNDARY;

    fn then<S: Leaf<F::Item>>(self, step: S) -> Stepped<Self, S> {
        Stepped(self, step)
    }

    fn names(&self, names: &mut Vec<&'static str>) {
        self.stream.names(names);
        names.push("take");
    }

    fn open(self, run: &Arc<Run>) -> Self::Running {
        run.has_take(F::STAGES, Some(self.count));
        TakePull {
            upstream: self.stream.open(run),
            left: self.count,
            done: false,
            run: Arc::clone(run),
            at: F::STAGES,
        }
    }
}

/// A running `take`.
pub struct TakePull<P> {
    upstream: P,
    left: u64,
    done: bool,
    run: Arc<Run>,
    at: usize,
}

impl<P> fmt::Debug for TakePull<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakePull").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Passes items on and stops the flow with the last one.
fn limited<'a, T>(left: &'a mut u64, emit: &'a mut impl FnMut(T) -> Flow) -> impl FnMut(T) -> Flow {
    |item| {
        *left -= 1;
        emit(item)?;
        if *left == 0 { Flow::Break(()) } else { Flow::Continue(()) }
    }
}

impl<P: Pull> TakePull<P> {
    /// The input ends here: what is on its way further up is given up, and counted.
    fn end(&mut self) -> Pulled {
        if !std::mem::replace(&mut self.done, true) {
            self.run.end_before(self.at);
            self.upstream.abandon();
            self.upstream.publish();
        }
        Pulled::End
    }
}

impl<P: Pull> Pull for TakePull<P> {
    type Item = P::Item;

    fn pull<const TIMED: bool>(
        &mut self,
        max: usize,
        emit: &mut impl FnMut(P::Item) -> Flow,
    ) -> Pulled {
        if self.left == 0 {
            return self.end();
        }
        let pulled = self.upstream.pull::<TIMED>(max, &mut limited(&mut self.left, emit));
        // A stop that comes with the last item may also be the run's; then the run knows why.
        if self.left == 0 && !self.run.is_stopping() { self.end() } else { pulled }
    }

    fn chunk(&self) -> Option<usize> {
        self.upstream.chunk()
    }

    fn ready(&self) -> bool {
        self.upstream.ready()
    }

    fn finish(&mut self, emit: &mut impl FnMut(P::Item) -> Flow) -> Flow {
        if self.done {
            return Flow::Continue(());
        }
        let flow = self.upstream.finish(&mut limited(&mut self.left, emit));
        if self.left == 0 && !self.run.is_stopping() {
            self.end();
            return Flow::Continue(());
        }
        flow
    }

    fn abandon(&mut self) {
        if !self.done {
            self.upstream.abandon();
        }
    }

    fn publish(&mut self) {
        if !self.done {
            self.upstream.publish();
        }
    }

    fn spawn_workers<'scope, 'env: 'scope>(&mut self, scope: &RunScope<'scope, 'env>)
    where
        Self: 'scope,
    {
        self.upstream.spawn_workers(scope);
    }
}
