//! The futures in flight of one stage or one task, which drives them; only those that were woken
//! are polled.
//!
//! A place is used again by the next future, with its memory and its waker, so in the steady state
//! an item costs no allocation. A wake-up that comes late, for the future that had the place
//! before, costs one poll more.
//!
//! Invariants
//! 1. A place is in `woken` at most once: `queued` is set when it is put there, and unset before
//!    its future is polled.
//! 2. No wake-up is lost. Who finds `queued` set relies on the poll that is still to come: `swap`
//!    on both sides makes what it did before visible to that poll. Who finds it unset puts the
//!    place into `woken` under the lock, and takes the driver's waker with it; the driver leaves
//!    its waker under the same lock after it saw that `woken` was empty.
//! 3. Wakers are called and dropped with no lock held, futures are polled and dropped with no lock
//!    held.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

use crate::panics;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex};

/// Futures in flight, each with a tag that comes back with its output.
pub(crate) struct InFlight<F, Tag> {
    places: Vec<Place<F, Tag>>,
    free: Vec<usize>,
    /// Places with a new future, in the order of their begin.
    fresh: VecDeque<usize>,
    /// This number of them, and the places in `turn`, are polled before `woken` is looked at again:
    /// neither starves.
    fresh_now: usize,
    /// Places that were woken, the next one last.
    turn: Vec<usize>,
    ready: Arc<ReadyQueue>,
    running: usize,
}

struct Place<F, Tag> {
    future: Pin<Box<Option<F>>>,
    /// `None` while the place is free.
    tag: Option<Tag>,
    item_waker: Arc<ItemWaker>,
    waker: Waker,
}

/// What wakers and their driver have in common: which places were woken, and how the driver is.
pub(crate) struct ReadyQueue {
    state: Mutex<State>,
}

impl ReadyQueue {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State { woken: Vec::new(), driver: None }) }
    }

    /// Notes that a place was woken, and wakes the driver if it sleeps.
    pub(crate) fn push(&self, place: usize) {
        let mut state = self.state.lock();
        state.woken.push(place);
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Takes the places that were woken into `turn`, which is empty, the first one last; false if
    /// there are none: then the waker is kept, if one is given, and called when there are.
    pub(crate) fn look(&self, turn: &mut Vec<usize>, sleeps: Option<&Waker>) -> bool {
        let mut state = self.state.lock();
        if state.woken.is_empty() {
            let before = sleeps.and_then(|waker| state.driver.replace(waker.clone()));
            drop(state);
            drop(before);
            return false;
        }
        std::mem::swap(&mut state.woken, turn);
        drop(state);
        turn.reverse();
        true
    }
}

struct State {
    woken: Vec<usize>,
    driver: Option<Waker>,
}

/// One place's waker.
struct ItemWaker {
    ready: Arc<ReadyQueue>,
    place: usize,
    queued: AtomicBool,
}

impl Wake for ItemWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        self.ready.push(self.place);
    }
}

impl<F: Future, Tag> InFlight<F, Tag> {
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            fresh: VecDeque::new(),
            fresh_now: 0,
            turn: Vec::new(),
            ready: Arc::new(ReadyQueue::new()),
            running: 0,
        }
    }

    /// How many have not ended. While one is being polled it is not counted.
    pub(crate) fn len(&self) -> usize {
        self.running
    }

    /// The tags of those that have not ended, in no order.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.places.iter().filter_map(|place| place.tag.as_ref())
    }

    /// Takes a future in; it is polled soon.
    pub(crate) fn begin(&mut self, tag: Tag, future: F) {
        let place = self.free.pop().unwrap_or_else(|| self.new_place());
        let Place { future: home, tag: tag_of, .. } = &mut self.places[place];
        home.as_mut().set(Some(future));
        *tag_of = Some(tag);
        self.running += 1;
        self.fresh.push_back(place);
    }

    fn new_place(&mut self) -> usize {
        let place = self.places.len();
        let item_waker = Arc::new(ItemWaker {
            ready: Arc::clone(&self.ready),
            place,
            queued: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&item_waker));
        self.places.push(Place { future: Box::pin(None), tag: None, item_waker, waker });
        place
    }

    /// Polls one future that was woken: ready with its output, or with `None` if it has not ended.
    ///
    /// Pending when none was woken; the waker is called when one is.
    pub(crate) fn poll_one(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Tag, F::Output)>> {
        if self.turn.is_empty() && self.fresh_now == 0 && !self.look(cx) {
            return Poll::Pending;
        }
        if let Some(at) = self.turn.pop() {
            self.places[at].item_waker.queued.swap(false, Ordering::AcqRel);
            return Poll::Ready(self.poll_place(at));
        }
        self.fresh_now -= 1;
        // A late wake-up may have queued the place before its new future came; it stays queued, for
        // invariant 1.
        let next = self.fresh.pop_front();
        Poll::Ready(next.and_then(|at| self.poll_place(at)))
    }

    /// Takes what was woken and what is new; false, with the waker kept, if there is neither.
    fn look(&mut self, cx: &mut Context<'_>) -> bool {
        self.fresh_now = self.fresh.len();
        let sleeps = if self.fresh_now == 0 { Some(cx.waker()) } else { None };
        self.ready.look(&mut self.turn, sleeps) || self.fresh_now > 0
    }

    fn poll_place(&mut self, at: usize) -> Option<(Tag, F::Output)> {
        let place = &mut self.places[at];
        let future = place.future.as_mut().as_pin_mut()?;
        self.running -= 1;
        match future.poll(&mut Context::from_waker(&place.waker)) {
            Poll::Pending => {
                self.running += 1;
                None
            }
            Poll::Ready(output) => {
                place.future.as_mut().set(None);
                self.free.push(at);
                place.tag.take().map(|tag| (tag, output))
            }
        }
    }
}

/// Each future goes by itself: a second panic while a first one unwinds would abort the process.
impl<F, Tag> Drop for InFlight<F, Tag> {
    fn drop(&mut self) {
        let mut first = None;
        for place in &mut self.places {
            let future = panics::catch("future", || place.future.as_mut().set(None));
            let tag = panics::catch("future", || drop(place.tag.take()));
            first = first.or(future.err()).or(tag.err());
        }
        if let Some(panic) = first
            && !std::thread::panicking()
        {
            panic.resume();
        }
    }
}

impl<F, Tag> std::fmt::Debug for InFlight<F, Tag> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InFlight").field("running", &self.running).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::future::{pending, poll_fn, ready};

    use super::*;

    fn cx() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    #[test]
    fn an_empty_set_and_a_set_of_sleepers_are_pending() {
        let mut set = InFlight::new();
        assert!(set.poll_one(&mut cx()).is_pending());
        set.begin(1, pending::<()>());
        assert_eq!(set.poll_one(&mut cx()), Poll::Ready(None));
        assert!(set.poll_one(&mut cx()).is_pending());
        assert_eq!(set.len(), 1);
    }

    #[test]
    fn a_place_is_used_again_and_its_old_waker_does_no_harm() {
        let mut set = InFlight::new();
        let mut old = None;
        for round in 0..3 {
            set.begin(round, ready(round));
            assert_eq!(set.poll_one(&mut cx()), Poll::Ready(Some((round, round))));
            old = Some(set.places[0].waker.clone());
        }
        assert_eq!((set.len(), set.places.len()), (0, 1));
        old.unwrap().wake();
        assert_eq!(set.poll_one(&mut cx()), Poll::Ready(None));
        assert!(set.poll_one(&mut cx()).is_pending());
    }

    #[test]
    fn a_future_is_polled_once_for_any_number_of_wake_ups() {
        let mut polls = 0;
        let mut waker = None;
        let mut set = InFlight::new();
        set.begin(
            (),
            poll_fn(|cx| {
                polls += 1;
                waker = Some(cx.waker().clone());
                Poll::<()>::Pending
            }),
        );
        assert_eq!(set.poll_one(&mut cx()), Poll::Ready(None));
        let item_waker = Arc::clone(&set.places[0].item_waker);
        item_waker.wake_by_ref();
        item_waker.wake_by_ref();
        assert_eq!(set.poll_one(&mut cx()), Poll::Ready(None));
        assert!(set.poll_one(&mut cx()).is_pending());
        drop(set);
        assert_eq!(polls, 2);
    }
}

/// `RUSTFLAGS="--cfg loom" cargo test -p millstream --no-default-features --lib in_flight --release --target-dir target/loom`
#[cfg(all(test, loom))]
mod models {
    use std::future::poll_fn;

    use loom::sync::atomic::AtomicUsize;

    use super::*;

    /// A future that ends when its flag is set, and leaves its waker with the thread that sets it.
    struct Flag {
        set: AtomicBool,
        waker: Mutex<Option<Waker>>,
    }

    impl Flag {
        fn raise(&self) {
            self.set.store(true, Ordering::Release);
            let waker = self.waker.lock().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }

        fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
            *self.waker.lock() = Some(cx.waker().clone());
            if self.set.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
        }
    }

    #[test]
    fn no_wake_up_of_two_futures_by_two_threads_is_lost() {
        // Three threads without a bound take minutes; with this one, seconds.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let flags: Vec<_> = (0..2)
                .map(|_| Arc::new(Flag { set: AtomicBool::new(false), waker: Mutex::new(None) }))
                .collect();
            let threads: Vec<_> = flags
                .iter()
                .map(|flag| {
                    let flag = Arc::clone(flag);
                    loom::thread::spawn(move || flag.raise())
                })
                .collect();
            let mut set = InFlight::new();
            for (tag, flag) in flags.iter().enumerate() {
                let flag = Arc::clone(flag);
                set.begin(tag, poll_fn(move |cx| flag.poll(cx)));
            }
            let mut ended = 0;
            while ended < 2 {
                ended +=
                    usize::from(loom::future::block_on(poll_fn(|cx| set.poll_one(cx))).is_some());
            }
            assert_eq!(set.len(), 0);
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    #[test]
    fn what_was_done_before_a_wake_up_that_found_the_place_queued_is_seen_by_the_poll() {
        loom::model(|| {
            let mut set = InFlight::new();
            let steps = Arc::new(AtomicUsize::new(0));
            let seen = Arc::clone(&steps);
            // Relaxed on purpose: the order must come from the set.
            set.begin(
                (),
                poll_fn(move |_| match seen.load(Ordering::Relaxed) {
                    2 => Poll::Ready(()),
                    _ => Poll::Pending,
                }),
            );
            let (there, waker) = (Arc::clone(&steps), set.places[0].waker.clone());
            let other = loom::thread::spawn(move || {
                there.fetch_add(1, Ordering::Relaxed);
                waker.wake();
            });
            // The other one's wake-up comes before this one, between this one and the poll, or
            // after the poll.
            steps.fetch_add(1, Ordering::Relaxed);
            set.places[0].item_waker.wake_by_ref();
            while loom::future::block_on(poll_fn(|cx| set.poll_one(cx))).is_none() {}
            other.join().unwrap();
        });
    }
}
