//! `thread`: what came before runs on a thread of its own, what follows on another.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::chunk_drain;
use super::counters::Counters;
use super::drive::{Ask, End, Outlet, Pace, drive_in};
use super::flow::{Pull, Pulled, RunScope, Stepped, Stream};
use super::gather;
use super::run::Run;
use super::step::{Flow, Leaf};
use super::terminal::MoveGuard;
use super::waits::Side;
use super::window::{Ahead, Next, Piece, Window};
use crate::clock::stopwatch;
use crate::panics;

/// A chunk holds about this many bytes of items.
const CHUNK_BYTES: usize = 32 * 1024;
/// Full chunks between two threads, at most, where the user said nothing else.
const CHUNKS: usize = 16;

/// See [`Pipeline::thread`](crate::Pipeline::thread).
#[derive(Debug)]
pub struct Threaded<F> {
    pub(crate) stream: F,
    /// Items that may be between the two threads, if the user said how many.
    pub(crate) buffer: Option<usize>,
}

/// How many items are between two threads.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Items of a full chunk.
    full: usize,
    /// Items that may wait in front of a chunk.
    ahead: u64,
}

impl Sizes {
    fn of<T>(buffer: Option<usize>) -> Self {
        let full = (CHUNK_BYTES / size_of::<T>().max(1)).clamp(16, 8_192);
        match buffer {
            None => Self { full, ahead: (full * (CHUNKS - 1)) as u64 },
            // One chunk is gathered while the others wait.
            Some(buffer) => {
                let full = (buffer / 4).clamp(1, full);
                Self { full, ahead: buffer.saturating_sub(2 * full - 1).max(1) as u64 }
            }
        }
    }

    /// Items that may be on their way: those that wait, a chunk that is sent, and one that is
    /// handed on.
    fn bound(self) -> u64 {
        self.ahead + 2 * self.full as u64 - 1
    }
}

impl<F> Stream for Threaded<F>
where
    F: Stream,
{
    type Item = F::Item;
    type Running = ThreadPull<F::Running>;
    type With<S: Leaf<F::Item>> = Stepped<Self, S>;
    const STAGES: usize = F::STAGES + 1;
    const THREADS: bool = true;
    const BOUNDARY: bool = true;

    fn then<S: Leaf<F::Item>>(self, step: S) -> Stepped<Self, S> {
        Stepped(self, step)
    }

    fn names(&self, names: &mut Vec<&'static str>) {
        self.stream.names(names);
        names.push("thread");
    }

    fn open(self, run: &Arc<Run>) -> ThreadPull<F::Running> {
        let counters = &run.stages.all[F::STAGES];
        counters.counts_in.store(true, Ordering::Relaxed);
        counters.counts_out.store(true, Ordering::Relaxed);
        let link =
            Arc::new(Link { window: Window::new(true), run: Arc::clone(run), at: F::STAGES });
        let sizes = Sizes::of::<F::Item>(self.buffer);
        counters.bound.store(sizes.bound(), Ordering::Relaxed);
        ThreadPull { upstream: Some(self.stream.open(run)), link, sizes, came: 0 }
    }
}

/// What the two threads share.
pub(crate) struct Link<T> {
    pub(crate) window: Window<T>,
    pub(crate) run: Arc<Run>,
    pub(crate) at: usize,
}

impl<T> Link<T> {
    pub(crate) fn counters(&self) -> &Counters {
        &self.run.stages.all[self.at]
    }

    /// Counts what nobody will take as cancelled.
    pub(crate) fn abandon(&self) {
        let left: usize = self.window.close().iter().map(Vec::len).sum();
        self.counters().cancelled.fetch_add(left as u64, Ordering::Relaxed);
    }

    /// Waits for the next chunk, and counts the wait.
    pub(crate) fn next(&self) -> Next<T> {
        let waits = stopwatch();
        let next = self
            .run
            .wait(self.at, Side::In, |cx| self.window.poll_next(cx))
            .unwrap_or(Next::Closed);
        add(&self.counters().wait_in_ns, waits);
        next
    }

    /// Hands on up to `max` of a chunk's items, and adds how many to `handed`. The others are taken
    /// next.
    #[inline(always)]
    pub(crate) fn hand_on(
        &self,
        mut chunk: VecDeque<T>,
        max: usize,
        handed: &mut usize,
        emit: &mut impl FnMut(T) -> Flow,
    ) -> Pulled {
        let (counters, came) = (self.counters(), chunk.len());
        let flow =
            chunk_drain::hand_on(&mut chunk, max, &counters.cancelled, Some(&counters.left), emit);
        *handed = came - chunk.len();
        if let Some(left) = self.window.put_back(chunk) {
            counters.cancelled.fetch_add(left.len() as u64, Ordering::Relaxed);
        }
        if flow.is_continue() { Pulled::More } else { Pulled::Stopped }
    }
}

fn add(cell: &std::sync::atomic::AtomicU64, since: Instant) {
    cell.fetch_add(
        u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX),
        Ordering::Relaxed,
    );
}

/// The consumer's side of the link; holds what comes before until a thread is there for it.
pub struct ThreadPull<P: Pull> {
    upstream: Option<P>,
    link: Arc<Link<P::Item>>,
    sizes: Sizes,
    /// Items of the last pull.
    came: usize,
}

impl<P: Pull> fmt::Debug for ThreadPull<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPull")
            .field("started", &self.upstream.is_none())
            .finish_non_exhaustive()
    }
}

impl<P: Pull> ThreadPull<P> {
    pub(crate) fn shared(&self) -> &Arc<Link<P::Item>> {
        &self.link
    }

    pub(crate) fn is_started(&self) -> bool {
        self.upstream.is_none()
    }
}

impl<P: Pull> Pull for ThreadPull<P> {
    type Item = P::Item;

    #[inline(always)]
    fn pull<const TIMED: bool>(
        &mut self,
        max: usize,
        emit: &mut impl FnMut(P::Item) -> Flow,
    ) -> Pulled {
        if self.upstream.is_some() {
            return Pulled::NeedThreads;
        }
        match self.link.next() {
            Next::End => Pulled::End,
            Next::Closed => Pulled::Stopped,
            Next::Results(chunk) => self.link.hand_on(chunk, max, &mut self.came, emit),
        }
    }

    fn chunk(&self) -> Option<usize> {
        Some(self.came)
    }

    fn ready(&self) -> bool {
        self.link.window.has_next()
    }

    fn abandon(&mut self) {
        self.link.abandon();
        if let Some(upstream) = &mut self.upstream {
            upstream.abandon();
            upstream.publish();
        }
    }

    fn publish(&mut self) {}

    fn spawn_workers<'scope, 'env: 'scope>(&mut self, scope: &RunScope<'scope, 'env>)
    where
        Self: 'scope,
    {
        let Some(mut upstream) = self.upstream.take() else { return };
        let link = Arc::clone(&self.link);
        let (at, sizes) = (link.at, self.sizes);
        let (run, run_there) = (Arc::clone(&link.run), Arc::clone(&link.run));
        let inside = scope.clone();
        let started = scope.try_spawn("thread", move |_| {
            let caught = panics::catch("pipeline", || {
                let mut feed = Feed::new(link, sizes);
                let end = drive_in(
                    &inside,
                    &mut upstream,
                    &mut feed,
                    &run_there,
                    run_there.ctx_at(at),
                    Pace::new(),
                );
                feed.finish(end);
                drop(upstream);
            });
            if let Err(panic) = caught {
                run_there.panicked(panic);
            }
            Ok(())
        });
        if let Err(error) = started {
            run.fail(at, error.into());
        }
    }
}

/// The producer's side: gathers items and sends them on when a chunk is full, or the burst has
/// finished.
struct Feed<T> {
    chunk: Vec<T>,
    full: usize,
    post: Post<T>,
}

/// The way to the other thread.
struct Post<T> {
    link: Arc<Link<T>>,
    ahead: u64,
    sent: u64,
}

impl<T> Post<T> {
    /// Sends a chunk, waiting for room, and gives back an empty one; none when nobody takes it any
    /// more.
    #[cold]
    #[inline(never)]
    fn send(&mut self, chunk: Vec<T>) -> Option<Vec<T>> {
        let items = chunk.len() as u64;
        let counters = self.link.counters();
        counters.entered.fetch_add(items, Ordering::Relaxed);
        // A chunk goes whole: it is bounded as well, and what waits in front of it is.
        let ahead = Ahead { next: self.sent, count: 1, room: self.ahead };
        let waits = stopwatch();
        let room = self
            .link
            .run
            .wait(self.link.at, Side::Out, |cx| self.link.window.poll_room(ahead, cx))
            .flatten();
        add(&counters.wait_out_ns, waits);
        let piece = Piece { start: self.sent, covers: items, results: chunk };
        if room.is_some() && self.link.window.put(piece).is_ok() {
            self.sent += items;
            return Some(self.link.window.blank());
        }
        counters.cancelled.fetch_add(items, Ordering::Relaxed);
        None
    }

    /// Sends `chunk` and leaves an empty one. Its address does not escape, so that a loop around
    /// this keeps it in registers.
    #[inline(always)]
    fn exchange(&mut self, chunk: &mut Vec<T>) -> Flow {
        match self.send(std::mem::take(chunk)) {
            Some(fresh) => {
                *chunk = fresh;
                Flow::Continue(())
            }
            None => Flow::Break(()),
        }
    }
}

impl<T> Feed<T> {
    fn new(link: Arc<Link<T>>, Sizes { full, ahead }: Sizes) -> Self {
        Self { chunk: Vec::new(), full, post: Post { link, ahead, sent: 0 } }
    }

    /// Sends what is gathered.
    fn send(&mut self) -> Flow {
        if self.chunk.is_empty() { Flow::Continue(()) } else { self.post.exchange(&mut self.chunk) }
    }

    fn finish(&mut self, end: End) {
        if self.send().is_continue() && end == End::Complete {
            self.post.link.window.end(self.post.sent);
        }
    }
}

impl<T> Outlet<T> for Feed<T> {
    #[inline(always)]
    fn take(&mut self, item: T) -> Flow {
        self.chunk.push(item);
        if self.chunk.len() < self.full { Flow::Continue(()) } else { self.send() }
    }

    #[inline(always)]
    fn burst<A: Ask<T>>(&mut self, ask: A) -> Pulled {
        let Self { chunk, full, post } = self;
        let (mut items, full) = (MoveGuard::of(chunk), *full);
        ask.pull(&mut |item| {
            gather::push(&mut items.value, item);
            if items.value.len() < full {
                Flow::Continue(())
            } else {
                post.exchange(&mut items.value)
            }
        })
    }

    fn pause(&mut self, _ready: bool) -> Flow {
        self.send()
    }
}
