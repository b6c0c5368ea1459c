//! Contexts: how a cancellation spreads, what it costs in memory, deadlines, values, waiting.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::time::Duration;

use millstream::{Cancelled, Cause, CauseKind, Clock, Context, OnCancel, leak, scope};
use proptest::prelude::*;

use crate::support::{Count, poll};

#[test]
fn contexts_and_their_futures_go_to_any_thread() {
    fn promise<T: Send + Sync + Unpin + 'static>() {}
    promise::<Context>();
    promise::<Cause>();
    fn movable<T: Send + Unpin + 'static>() {}
    movable::<Cancelled>();
    movable::<OnCancel>();
    movable::<millstream::ContextSleep>();
}

// tokio#5249 and Go's WithCancelCause: a token that says why.
#[test]
fn a_cancellation_hands_its_cause_to_everyone_below() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let deep = ctx.child().child().with_value(1_u8);
    assert!(ctx.cancel(Cause::failed("the disk is full")));
    let cause = deep.cause().unwrap();
    assert_eq!((cause.kind(), cause.reason()), (CauseKind::Failed, "the disk is full"));
    assert!(cause.is_inherited() && !ctx.cause().unwrap().is_inherited());
    assert_eq!(deep.check(), Err(cause));
}

// tokio#7728: cancelling is one instant for the whole tree. Loom has the models; this is the same
// with many threads.
#[test]
fn cancelling_is_one_instant_for_the_whole_tree() {
    let guard = leak::Guard::new();
    for _ in 0..200 {
        let ctx = guard.context().child();
        let leaves: Vec<_> = (0..50).map(|_| ctx.child().child()).collect();
        scope::<_, (), _>(&guard.context(), |s| {
            s.spawn("looks", |_| {
                while !ctx.is_cancelled() {
                    std::hint::spin_loop();
                }
                assert!(leaves.iter().all(Context::is_cancelled));
                Ok(())
            });
            ctx.cancel("now");
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn a_hundred_thousand_children_are_cancelled_and_dropped() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let children: Vec<_> = (0..100_000).map(|_| ctx.child()).collect();
    assert_eq!(guard.census().contexts, 100_000);
    ctx.cancel("all of them");
    assert!(children.iter().all(Context::is_cancelled));
    drop(children);
    assert!(guard.census().places <= 64, "a crowd that has gone leaves no room behind");
}

#[test]
fn a_chain_a_hundred_thousand_deep_is_cancelled_and_dropped_without_deep_stack() {
    let guard = leak::Guard::new();
    let chain = |from: Context| (0..100_000).fold(from, |ctx, _| ctx.child());
    let top = guard.context().child();
    let cancelled = chain(top.clone());
    top.cancel("to the bottom");
    assert!(cancelled.is_cancelled());
    drop(cancelled);
    drop(chain(guard.context()));
}

#[test]
fn values_a_hundred_thousand_deep_are_found_and_dropped_without_deep_stack() {
    let guard = leak::Guard::new();
    let bottom =
        (0..100_000_u32).fold(guard.context().with_value("top"), |ctx, n| ctx.with_value(n));
    assert_eq!(bottom.value::<u32>().as_deref(), Some(&99_999));
    assert_eq!(bottom.value::<&str>().as_deref(), Some(&"top"));
    let detached = bottom.detached();
    drop(bottom);
    drop(detached);
}

#[test]
fn ten_million_short_lived_children_leave_no_trace() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let mut living = VecDeque::new();
    for n in 0..10_000_000_u32 {
        living.push_back(ctx.child());
        if living.len() > 16 {
            living.pop_front();
        }
        if n % 1_000_000 == 0 {
            let census = guard.census();
            assert!(census.contexts <= 17 && census.places <= 64, "{census:?}");
        }
    }
    drop(living);
    assert_eq!(guard.census().contexts, 0);
    assert!(guard.census().places <= 64);
}

#[test]
fn a_dropped_context_cancels_nothing() {
    let ctx = Context::new();
    let child = ctx.child();
    drop(ctx);
    assert!(!child.is_cancelled());
}

#[test]
fn a_deadline_is_the_earlier_of_its_own_and_its_parents() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    let hour = guard.context().with_timeout(Duration::from_secs(3600));
    let minute = hour.with_timeout(Duration::from_secs(60));
    let day = minute.with_timeout(Duration::from_secs(86_400));
    assert_eq!(day.deadline(), minute.deadline());
    clock.advance(Duration::from_secs(60));
    assert_eq!(minute.cause(), Some(Cause::deadline()));
    assert_eq!(
        day.cause().map(|cause| (cause.kind(), cause.is_inherited())),
        Some((CauseKind::Deadline, true))
    );
    assert!(!hour.is_cancelled());
}

#[test]
fn a_context_that_is_dropped_takes_its_timer_with_it() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    let ctx = guard.context().with_timeout(Duration::from_secs(1));
    let kept = ctx.child();
    assert_eq!(guard.census().deadlines, 1);
    drop(ctx);
    assert_eq!(guard.census().deadlines, 1, "a child inherits the deadline and keeps it alive");
    drop(kept);
    assert_eq!(guard.census().deadlines, 0);
}

#[test]
fn a_deadline_that_has_passed_cancels_at_once() {
    let ctx = Context::with_clock(Clock::manual());
    assert_eq!(ctx.with_timeout(Duration::ZERO).cause(), Some(Cause::deadline()));
}

#[test]
fn a_timeout_too_long_to_represent_never_comes() {
    let ctx = Context::new().with_timeout(Duration::MAX);
    assert!(ctx.deadline().is_some() && !ctx.is_cancelled());
}

#[test]
fn a_deadline_on_the_real_clock_wakes_its_waiters() {
    let guard = leak::Guard::new();
    assert_eq!(guard.context().with_timeout(Duration::from_millis(1)).wait(), Cause::deadline());
}

#[test]
fn a_detached_context_keeps_values_and_clock_and_nothing_else() {
    let clock = Clock::manual();
    let ctx =
        Context::with_clock(clock.clone()).with_value(7_u64).with_timeout(Duration::from_secs(1));
    let detached = ctx.detached();
    clock.advance(Duration::from_secs(1));
    assert!(ctx.is_cancelled() && !detached.is_cancelled());
    assert_eq!(detached.deadline(), None);
    assert_eq!(detached.value::<u64>().as_deref(), Some(&7));
    assert_eq!(detached.clock().now(), clock.now());
}

#[test]
fn the_nearest_value_of_a_type_wins_and_others_stay() {
    let ctx = Context::new().with_value(1_u8).with_value("text");
    let inner = ctx.with_value(2_u8);
    assert_eq!(inner.value::<u8>().as_deref(), Some(&2));
    assert_eq!(ctx.value::<u8>().as_deref(), Some(&1));
    assert_eq!(inner.value::<&str>().as_deref(), Some(&"text"));
    assert_eq!(inner.value::<i64>(), None);
}

#[test]
fn a_callback_that_panics_stops_neither_the_others_nor_the_canceller() {
    let guard = leak::Guard::new();
    let (ctx, ran) = (guard.context(), Arc::new(AtomicUsize::new(0)));
    let child = ctx.child();
    for n in 0..10 {
        let ran = Arc::clone(&ran);
        let call = move |_: &Cause| {
            assert!(n % 5 != 3, "on purpose");
            ran.fetch_add(1, Ordering::SeqCst);
        };
        if n < 5 { ctx.on_cancel(call).keep() } else { child.on_cancel(call).keep() }
    }
    assert!(ctx.cancel("all"));
    assert_eq!(ran.load(Ordering::SeqCst), 8);
}

#[test]
fn callbacks_of_a_context_that_is_gone_are_gone_too() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    ctx.child().on_cancel(|_| panic!("gone")).keep();
    assert_eq!(guard.census().waiters, 0);
    ctx.cancel("nobody listens");
}

#[test]
fn a_callback_may_use_the_context_that_calls_it() {
    let ctx = Context::new();
    let (sender, receiver) = mpsc::channel();
    let again = ctx.clone();
    let call = move |cause: &Cause| {
        assert!(again.is_cancelled() && again.child().is_cancelled());
        assert!(!again.cancel("again"));
        drop(again.on_cancel(|_| ()));
        sender.send(cause.clone()).unwrap();
    };
    ctx.on_cancel(call).keep();
    ctx.cancel("first");
    assert_eq!(receiver.recv().unwrap().reason(), "first");
}

#[test]
fn a_callback_on_a_cancelled_context_runs_at_once_on_this_thread() {
    let ctx = Context::new();
    ctx.cancel("before");
    let (sender, receiver) = mpsc::channel();
    let here = std::thread::current().id();
    let guard = ctx
        .on_cancel(move |cause| sender.send((cause.clone(), std::thread::current().id())).unwrap());
    assert_eq!(receiver.try_recv().unwrap(), (Cause::from("before"), here));
    guard.keep();
}

#[test]
fn a_dropped_guard_takes_its_callback_back() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let registered = ctx.on_cancel(|_| panic!("taken back"));
    assert_eq!(guard.census().waiters, 1);
    drop(registered);
    assert_eq!(guard.census().waiters, 0);
    ctx.cancel("nobody listens");
}

#[test]
fn a_future_dropped_at_any_point_leaves_nothing_behind() {
    let guard = leak::Guard::with_clock(Clock::manual());
    let ctx = guard.context();
    let (count, waker) = Count::new();
    let mut polled = ctx.cancelled();
    assert!(poll(&mut polled, &waker).is_pending());
    let mut asleep = ctx.sleep_async(Duration::from_secs(1));
    assert!(poll(&mut asleep, &waker).is_pending());
    assert_eq!((guard.census().waiters, guard.census().sleeps), (2, 1));
    drop((polled, asleep, ctx.cancelled(), ctx.sleep_async(Duration::ZERO)));
    assert!(guard.census().is_empty());
    ctx.cancel("nobody waits");
    assert_eq!(count.get(), 0);
}

#[test]
fn a_future_that_moves_to_another_task_wakes_that_one() {
    let ctx = Context::new();
    let ((first, waker_1), (second, waker_2)) = (Count::new(), Count::new());
    let mut cancelled = ctx.cancelled();
    assert!(poll(&mut cancelled, &waker_1).is_pending());
    assert!(poll(&mut cancelled, &waker_2).is_pending());
    ctx.cancel("now");
    assert_eq!((first.get(), second.get()), (0, 1));
    assert_eq!(poll(&mut cancelled, &waker_1), Poll::Ready("now".into()));
}

// conc#107, ants#237, go#27837: whatever blocks must end with its context.
#[test]
fn a_blocked_sleep_ends_when_its_context_does() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    let ctx = guard.context();
    let slept = Mutex::new(None);
    scope::<_, (), _>(&ctx, |s| {
        s.spawn("sleeper", |ctx| {
            *slept.lock().unwrap() = Some(ctx.sleep(Duration::from_secs(3600)));
            Ok(())
        });
        clock.wait_for_sleepers(1);
        s.context().cancel("wake up");
        Ok(())
    })
    .unwrap();
    assert_eq!(
        slept.into_inner().unwrap(),
        Some(Err("wake up".into())).map(|slept| slept.map_err(inherit_not))
    );
}

/// The scope's own context was cancelled, so the task sees the cause as it was given.
fn inherit_not(cause: Cause) -> Cause {
    assert!(!cause.is_inherited());
    cause
}

#[test]
fn a_future_can_cancel_a_context_and_ends_with_it() {
    let guard = leak::Guard::new();
    let (_, waker) = Count::new();
    let ctx = guard.context().child();
    let mut never = Box::pin(ctx.cancel_when(std::future::pending::<Cause>()));
    assert!(poll(&mut never, &waker).is_pending());
    let mut now = Box::pin(ctx.cancel_when(async { "theirs" }));
    assert_eq!(poll(&mut now, &waker), Poll::Ready("theirs".into()));
    assert_eq!(poll(&mut never, &waker), Poll::Ready("theirs".into()));
    let other = guard.context().child();
    drop(other.cancel_when(async { "dropped before it was polled" }));
    assert!(!other.is_cancelled());
}

#[test]
fn many_threads_wait_for_one_context() {
    let guard = leak::Guard::new();
    let ctx = guard.context().child();
    let woken = AtomicUsize::new(0);
    scope::<_, (), _>(&guard.context(), |s| {
        for n in 0..16 {
            let (ctx, woken) = (&ctx, &woken);
            s.spawn(format!("waiter {n}"), move |_| {
                assert_eq!(ctx.wait().reason(), "all");
                woken.fetch_add(1, Ordering::SeqCst);
                Ok(())
            });
        }
        ctx.cancel("all");
        Ok(())
    })
    .unwrap();
    assert_eq!(woken.into_inner(), 16);
}

#[test]
fn threads_make_and_drop_children_while_their_parent_is_cancelled() {
    let guard = leak::Guard::new();
    let ctx = guard.context().child();
    scope::<_, (), _>(&guard.context(), |s| {
        for n in 0..4 {
            let ctx = &ctx;
            s.spawn(format!("maker {n}"), move |_| {
                let mut kept = VecDeque::new();
                while !ctx.is_cancelled() {
                    kept.push_back(ctx.child().child());
                    if kept.len() > 8 {
                        kept.pop_front();
                    }
                }
                assert!(kept.iter().all(Context::is_cancelled));
                assert!(ctx.child().is_cancelled());
                Ok(())
            });
        }
        for _ in 0..1_000 {
            drop(ctx.child());
        }
        ctx.cancel("enough");
        Ok(())
    })
    .unwrap();
}

#[test]
fn causes_read_well() {
    let expected = [
        (Cause::from("no more work"), "cancelled: no more work"),
        (Cause::from(String::from("owned")), "cancelled: owned"),
        (Cause::deadline(), "the deadline has passed"),
        (Cause::signal(2), "signal 2 (SIGINT)"),
        (Cause::signal(64), "signal 64"),
        (Cause::failed("read"), "failed: read"),
        (Cause::panicked("parse panicked"), "panicked: parse panicked"),
        (Cause::finished(), "finished"),
        (Cause::dropped(), "the other side is gone"),
    ];
    for (cause, text) in expected {
        assert_eq!(cause.to_string(), text);
        assert!(!cause.is_inherited());
    }
}

#[derive(Clone, Debug)]
enum Step {
    Child(prop::sample::Index),
    Cancel(prop::sample::Index),
    Drop(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => any::<prop::sample::Index>().prop_map(Step::Child),
        1 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        2 => any::<prop::sample::Index>().prop_map(Step::Drop),
    ];
    prop::collection::vec(step, 0..120)
}

/// The simplest thing that could be right: each context knows its ancestors, and a cancel walks
/// over all of them.
struct Model {
    ancestors: Vec<usize>,
    cause: Option<(usize, bool)>,
    real: Option<Context>,
}

proptest! {
    #[test]
    fn any_tree_is_cancelled_as_the_simple_model_says(steps in steps()) {
        let guard = leak::Guard::new();
        let mut nodes = vec![Model { ancestors: vec![], cause: None, real: Some(guard.context()) }];
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Child(at) => {
                    let at = at.index(nodes.len());
                    let Some(parent) = &nodes[at].real else { continue };
                    let ancestors = [nodes[at].ancestors.as_slice(), &[at]].concat();
                    let cause = nodes[at].cause.map(|(number, _)| (number, true));
                    nodes.push(Model { ancestors, cause, real: Some(parent.child()) });
                }
                Step::Cancel(at) => {
                    let at = at.index(nodes.len());
                    let Some(real) = &nodes[at].real else { continue };
                    prop_assert_eq!(real.cancel(number.to_string()), nodes[at].cause.is_none());
                    for (index, node) in nodes.iter_mut().enumerate() {
                        if node.cause.is_none() && (index == at || node.ancestors.contains(&at)) {
                            node.cause = Some((number, index != at));
                        }
                    }
                }
                Step::Drop(at) => {
                    let at = at.index(nodes.len());
                    nodes[at].real = None;
                }
            }
        }
        for node in &nodes {
            let Some(real) = &node.real else { continue };
            let cause = real.cause().map(|cause| (cause.reason().parse::<usize>().unwrap(), cause.is_inherited()));
            prop_assert_eq!(cause, node.cause);
        }
    }
}
