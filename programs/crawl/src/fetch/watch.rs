//! The time limits of one fetch, and its cancellation, on one timer.
//!
//! The timer is set once, for the shortest of the limits, and looked at again only when it rings: a
//! fetch that is quick costs one timer, however many bytes it reads.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use millstream::{Cause, Context, ContextSleep};

use super::settings::Settings;
use super::wire::Meter;

/// Why a wait ended before what it waited for.
#[derive(Debug)]
pub(super) enum Stop {
    Cancelled(Cause),
    Late(String),
}

/// A part of a fetch with a limit of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage<'a> {
    /// What was waited for, for the message.
    pub(super) expected: &'static str,
    pub(super) limit: Duration,
    /// If there is one, the limit starts again with every byte.
    pub(super) progress: Option<&'a Meter>,
}

#[derive(Debug)]
pub(super) struct Watch<'a> {
    ctx: &'a Context,
    pub(super) started: Instant,
    whole: Duration,
    shortest: Duration,
    timer: Option<ContextSleep>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(ctx: &'a Context, settings: &Settings) -> Self {
        let shortest =
            settings.connect_timeout.min(settings.head_timeout).min(settings.idle_timeout);
        Self { ctx, started: ctx.clock().now(), whole: settings.timeout, shortest, timer: None }
    }

    pub(super) fn ctx(&self) -> &'a Context {
        self.ctx
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.ctx.clock().now().saturating_duration_since(self.started)
    }

    /// Awaits `f`, within the stage's limit and the whole one.
    pub(super) async fn during<T>(
        &mut self,
        stage: Stage<'_>,
        f: impl Future<Output = T>,
    ) -> Result<T, Stop> {
        let mut f = pin!(f);
        let mut since = self.ctx.clock().now();
        let mut seen = stage.progress.map_or(0, Meter::received);
        poll_fn(|task| {
            if let Poll::Ready(value) = f.as_mut().poll(task) {
                return Poll::Ready(Ok(value));
            }
            if let Some(meter) = stage.progress
                && meter.received() != seen
            {
                seen = meter.received();
                since = self.ctx.clock().now();
            }
            self.poll_limits(task, &stage, since).map(Err)
        })
        .await
    }

    fn poll_limits(
        &mut self,
        task: &mut TaskContext<'_>,
        stage: &Stage<'_>,
        since: Instant,
    ) -> Poll<Stop> {
        loop {
            let now = self.ctx.clock().now();
            let whole = self.whole.saturating_sub(now.saturating_duration_since(self.started));
            let left = stage.limit.saturating_sub(now.saturating_duration_since(since));
            if whole.is_zero() {
                return Poll::Ready(Stop::Late(format!("not complete within {:?}", self.whole)));
            }
            if left.is_zero() {
                return Poll::Ready(Stop::Late(format!(
                    "no {} within {:?}",
                    stage.expected, stage.limit
                )));
            }
            // A later stage's limit ends no sooner than the shortest one from now, so the timer
            // never rings too late for it.
            let wait = whole.min(left).min(self.shortest);
            let timer = self.timer.get_or_insert_with(|| self.ctx.sleep_async(wait));
            match Pin::new(timer).poll(task) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(cause)) => return Poll::Ready(Stop::Cancelled(cause)),
                Poll::Ready(Ok(())) => self.timer = None,
            }
        }
    }
}
