//! `batch` with a time limit: the thread that gathers is free to watch the time, so what came
//! before has its own.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use super::counters::{Burst, ChainCounts, Counters, Counts};
use super::flow::{Pull, Pulled, RunScope, Stepped, Stream};
use super::probe::Probe;
use super::run::Run;
use super::step::{Flow, Leaf};
use super::thread::{ThreadPull, Threaded};
use super::waits::Side;
use super::window::Next;
use crate::batch::{Batch, Filling, Weigh};
use crate::clock::Sleep;

/// See [`Pipeline::batch`](crate::Pipeline::batch).
#[derive(Debug)]
pub struct TimedBatch<F, W> {
    pub(crate) stream: Threaded<F>,
    pub(crate) policy: Batch<W>,
    pub(crate) within: Duration,
}

impl<F: Stream, W: Weigh<F::Item>> Stream for TimedBatch<F, W> {
    type Item = Vec<F::Item>;
    type Running = TimedBatchPull<F::Running, W>;
    type With<S: Leaf<Vec<F::Item>>> = Stepped<Self, S>;
    const STAGES: usize = Threaded::<F>::STAGES + 1;
    const THREADS: bool = true;
    const BOUNDARY: bool = true;

    fn then<S: Leaf<Vec<F::Item>>>(self, step: S) -> Stepped<Self, S> {
        Stepped(self, step)
    }

    fn names(&self, names: &mut Vec<&'static str>) {
        self.stream.names(names);
        names.push("batch");
    }

    fn open(self, run: &Arc<Run>) -> Self::Running {
        let Self { stream, policy, within } = self;
        TimedBatchPull {
            upstream: stream.open(run),
            filling: Filling::new(),
            due: None,
            came: 0,
            policy,
            within,
            total: Counts::default(),
            probe: Probe { run: Arc::clone(run), at: Threaded::<F>::STAGES },
        }
    }
}

/// A running batch with a time limit.
pub struct TimedBatchPull<P: Pull, W> {
    upstream: ThreadPull<P>,
    filling: Filling<P::Item>,
    /// When the batch must leave; set by its first item.
    due: Option<Sleep>,
    /// Items of the last pull.
    came: usize,
    policy: Batch<W>,
    within: Duration,
    total: Counts,
    probe: Probe,
}

impl<P: Pull, W> fmt::Debug for TimedBatchPull<P, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedBatchPull").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// What the gathering thread woke up for.
enum Event<T> {
    Came(Next<T>),
    Due,
}

impl<P: Pull, W: Weigh<P::Item>> TimedBatchPull<P, W> {
    fn wait(&mut self) -> Event<P::Item> {
        let link = self.upstream.shared();
        let due = &mut self.due;
        let event = self.probe.run.wait(self.probe.at, Side::In, |cx| {
            // The time first: a steady stream of items must not put it off.
            if let Some(sleep) = due
                && Pin::new(sleep).poll(cx).is_ready()
            {
                return Poll::Ready(Event::Due);
            }
            link.window.poll_next(cx).map(Event::Came)
        });
        event.unwrap_or(Event::Came(Next::Closed))
    }

    fn counters(&self) -> &Counters {
        self.probe.counters()
    }

    fn send(
        &mut self,
        batch: Option<Vec<P::Item>>,
        emit: &mut impl FnMut(Vec<P::Item>) -> Flow,
    ) -> Flow {
        self.due = None;
        batch.map_or(Flow::Continue(()), emit)
    }

    fn gather(
        &mut self,
        chunk: VecDeque<P::Item>,
        max: usize,
        emit: &mut impl FnMut(Vec<P::Item>) -> Flow,
    ) -> Pulled {
        let link = Arc::clone(self.upstream.shared());
        let mut came = 0;
        let pulled = link.hand_on(chunk, max, &mut came, &mut |item| {
            let mut counts = Burst::of(&mut self.total);
            let weight =
                self.probe.call::<false, _>(&mut counts.counts, || self.policy.weigh.weigh(&item));
            drop(counts);
            let full = self.filling.add(&self.policy, weight, item);
            if full.is_some() {
                self.send(full, emit)?;
                if self.filling.len() >= self.policy.count {
                    let alone = self.filling.take();
                    self.send(alone, emit)?;
                }
            }
            if self.due.is_none() && self.filling.len() > 0 {
                self.due = Some(self.probe.run.ctx().clock().sleep(self.within));
            }
            Flow::Continue(())
        });
        self.came = came;
        pulled
    }
}

impl<P: Pull, W: Weigh<P::Item>> Pull for TimedBatchPull<P, W> {
    type Item = Vec<P::Item>;

    fn pull<const TIMED: bool>(
        &mut self,
        max: usize,
        emit: &mut impl FnMut(Self::Item) -> Flow,
    ) -> Pulled {
        if !self.upstream.is_started() {
            return Pulled::NeedThreads;
        }
        let flow = match self.wait() {
            Event::Came(Next::End) => return Pulled::End,
            Event::Came(Next::Closed) => return Pulled::Stopped,
            Event::Came(Next::Results(chunk)) => return self.gather(chunk, max, emit),
            Event::Due => {
                let batch = self.filling.take();
                self.send(batch, emit)
            }
        };
        if flow.is_continue() { Pulled::More } else { Pulled::Stopped }
    }

    fn chunk(&self) -> Option<usize> {
        Some(self.came)
    }

    fn ready(&self) -> bool {
        self.upstream.ready()
    }

    fn finish(&mut self, emit: &mut impl FnMut(Self::Item) -> Flow) -> Flow {
        let batch = self.filling.take();
        self.send(batch, emit)
    }

    fn abandon(&mut self) {
        self.counters().cancelled.fetch_add(self.filling.len() as u64, Ordering::Relaxed);
        self.upstream.abandon();
    }

    fn publish(&mut self) {
        self.total.publish(&self.probe.run.stages, self.probe.at);
    }

    fn spawn_workers<'scope, 'env: 'scope>(&mut self, scope: &RunScope<'scope, 'env>)
    where
        Self: 'scope,
    {
        self.upstream.spawn_workers(scope);
    }
}
