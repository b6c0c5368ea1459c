//! Scopes of threads and gathered results: who is joined, what is reported, what is kept.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, mpsc};
use std::time::Duration;

use millstream::{
    Cause, CauseKind, Clock, Context, Outcome, Policy, ScopeError, gather, leak, scope,
};

use crate::support;

#[test]
fn everything_is_joined_before_the_scope_returns() {
    let guard = leak::Guard::new();
    let ended = AtomicUsize::new(0);
    scope::<_, (), _>(&guard.context(), |s| {
        for n in 0..8 {
            let again = s.clone();
            let ended = &ended;
            s.spawn(format!("outer {n}"), move |_| {
                again.spawn("inner", move |_| {
                    ended.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                });
                ended.fetch_add(1, Ordering::SeqCst);
                Ok(())
            });
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(ended.into_inner(), 16);
}

// rayon#1102: an error of a task is the scope's.
#[test]
fn the_first_error_cancels_the_rest_and_is_returned_with_its_task() {
    let guard = leak::Guard::new();
    let seen = Mutex::new(None);
    let ended = scope(&guard.context(), |s| {
        s.spawn("waits", |ctx| {
            *seen.lock().unwrap() = Some(ctx.wait());
            Err("second")
        });
        s.spawn("fails", |_| Err("first"));
        Ok(())
    });
    let Err(ScopeError::Failed { task, error, after, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!((&*task, error, after), ("fails", "first", None));
    let cause = seen.into_inner().unwrap().unwrap();
    assert_eq!((cause.kind(), cause.reason()), (CauseKind::Failed, "fails"));
    assert!(!guard.context().is_cancelled(), "a scope cancels its own context, not the one above");
}

// conc#106, ants#169: a panic cancels the siblings too.
#[test]
fn a_panic_cancels_the_siblings() {
    let guard = leak::Guard::new();
    let ended = scope::<(), (), _>(&guard.context(), |s| {
        s.spawn("waits", |ctx| {
            assert_eq!(ctx.wait().kind(), CauseKind::Panicked);
            Ok(())
        });
        s.spawn("panics", |_| panic!("on purpose"));
        Ok(())
    });
    assert!(ended.unwrap_err().is_panicked());
}

// tokio#4516, tunny#24: never swallowed, never the end of the process. golang#53757: the first site
// is kept.
#[test]
fn a_panic_keeps_task_message_and_first_site() {
    let guard = leak::Guard::new();
    let line = line!() + 2;
    let ended = scope::<(), (), _>(&guard.context(), |s| {
        s.spawn("divide", |_| panic!("no zeros: {}", 0));
        Ok(())
    });
    let Err(ScopeError::Panicked(panic)) = ended else { panic!("{ended:?}") };
    assert_eq!((panic.task(), panic.message()), ("divide", "no zeros: 0"));
    let site = panic.location().unwrap();
    assert!(site.contains("scope.rs") && site.contains(&format!(":{line}:")), "{site}");
    assert!(panic.to_string().starts_with("divide panicked at "));
}

#[test]
fn a_panic_that_goes_through_nested_scopes_keeps_its_first_site() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let line = std::sync::atomic::AtomicU32::new(0);
    let ended = scope::<(), (), _>(&ctx, |s| {
        s.spawn("outer", |ctx| {
            let inner = scope::<(), (), _>(ctx, |s| {
                line.store(line!() + 1, Ordering::SeqCst);
                s.spawn("inner", |_| panic!("deep"));
                Ok(())
            });
            match inner {
                Err(ScopeError::Panicked(panic)) => panic.resume(),
                other => panic!("{other:?}"),
            }
        });
        Ok(())
    });
    let Err(ScopeError::Panicked(panic)) = ended else { panic!("{ended:?}") };
    assert_eq!((panic.task(), panic.message()), ("outer", "deep"));
    assert!(panic.location().unwrap().contains(&format!(":{}:", line.into_inner())), "{panic}");
}

// ants#146: when all workers panic, nobody is left waiting.
#[test]
fn all_tasks_panicking_at_once_leave_nobody_waiting() {
    let guard = leak::Guard::new();
    let barrier = Barrier::new(8);
    let ended = scope::<(), (), _>(&guard.context(), |s| {
        for n in 0..8 {
            let barrier = &barrier;
            s.spawn(format!("task {n}"), move |_| {
                barrier.wait();
                panic!("all together");
            });
        }
        Ok(())
    });
    assert!(ended.unwrap_err().is_panicked());
}

#[test]
fn a_payload_that_is_no_text_is_kept_for_who_resumes_it() {
    let guard = leak::Guard::new();
    let ended = scope::<(), (), _>(&guard.context(), |s| {
        s.spawn("odd", |_| std::panic::panic_any(42_u8));
        Ok(())
    });
    let Err(ScopeError::Panicked(panic)) = ended else { panic!("{ended:?}") };
    assert_eq!(panic.message(), "a value that is not text");
    let payload =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panic.resume())).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&42_u8));
}

#[test]
fn a_panic_of_the_body_goes_on_after_all_tasks_have_finished() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let ended = AtomicBool::new(false);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        scope::<(), (), _>(&ctx, |s| {
            s.spawn("waits", |ctx| {
                ctx.wait();
                ended.store(true, Ordering::SeqCst);
                Ok(())
            });
            panic!("in the body");
        })
    }));
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"in the body"));
    assert!(ended.into_inner());
}

#[test]
fn an_error_of_the_body_cancels_the_tasks() {
    let guard = leak::Guard::new();
    let ended = scope::<(), _, _>(&guard.context(), |s| {
        s.spawn("waits", |ctx| {
            ctx.wait();
            Ok(())
        });
        Err("no")
    });
    assert_eq!(ended.unwrap_err().to_string(), "the body of the scope failed: no");
}

// Kotlin#1814: cancelled is another thing than failed, and has a type of its own.
#[test]
fn cancelled_from_outside_is_not_failed() {
    let guard = leak::Guard::new();
    let ctx = guard.context().child();
    let ended = scope::<(), String, _>(&ctx, |s| {
        s.spawn("waits", |ctx| {
            ctx.wait();
            Ok(())
        });
        ctx.cancel("go home");
        Ok(())
    });
    let error = ended.unwrap_err();
    assert!(error.is_cancelled() && !error.is_failed());
    assert_eq!(error.cause().unwrap().reason(), "go home");
}

#[test]
fn an_error_after_a_cancellation_is_kept_beside_its_cause() {
    let guard = leak::Guard::new();
    let ctx = guard.context().child();
    let ended = scope::<(), _, _>(&ctx, |s| {
        s.spawn("flushes", |ctx| {
            ctx.wait();
            Err("the disk is full")
        });
        ctx.cancel("go home");
        Ok(())
    });
    let error = ended.unwrap_err();
    assert!(error.is_failed());
    assert_eq!(error.cause().unwrap().reason(), "go home");
    let text = "flushes failed: the disk is full (after the scope ended: cancelled: go home)";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_scope_that_cancels_its_own_helpers_ends_well() {
    let guard = leak::Guard::new();
    let ended = scope::<_, (), _>(&guard.context(), |s| {
        s.spawn("ticker", |ctx| {
            ctx.wait();
            Ok(())
        });
        s.context().cancel("done");
        Ok(42)
    });
    assert_eq!(ended.unwrap(), 42);
}

#[test]
fn a_deadline_above_ends_the_scope_with_its_cause() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    let ctx = guard.context().with_timeout(Duration::from_secs(5));
    let ended = scope::<(), (), _>(&ctx, |s| {
        s.spawn("waits", |ctx| {
            ctx.wait();
            Ok(())
        });
        clock.advance(Duration::from_secs(5));
        Ok(())
    });
    assert_eq!(ended.unwrap_err().cause().unwrap().kind(), CauseKind::Deadline);
}

// ants#92: names on what runs.
#[test]
fn what_runs_is_known_by_name_and_age() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    scope::<_, (), _>(&guard.context(), |s| {
        let start = clock.now();
        s.spawn("older", |ctx| {
            assert_eq!(std::thread::current().name(), Some("older"));
            ctx.wait();
            Ok(())
        });
        clock.advance(Duration::from_secs(1));
        s.spawn("with a \0 in it", |ctx| {
            ctx.wait();
            Ok(())
        });
        let running: Vec<_> =
            s.running().iter().map(|task| (task.name().to_owned(), task.since() - start)).collect();
        let expected = [("older", 0), ("with a \0 in it", 1)];
        assert_eq!(
            running,
            expected.map(|(name, age)| (name.to_owned(), Duration::from_secs(age)))
        );
        assert_eq!(guard.census().tasks.len(), 2);
        s.context().cancel("seen");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_task_spawned_after_the_end_finds_its_context_cancelled() {
    let guard = leak::Guard::new();
    let ran = AtomicBool::new(false);
    let ended = scope::<(), _, _>(&guard.context(), |s| {
        s.context().cancel("over");
        s.spawn("late", |ctx| {
            assert_eq!(ctx.cause().unwrap().reason(), "over");
            ran.store(true, Ordering::SeqCst);
            Err("reported anyway")
        });
        Ok(())
    });
    assert!(ended.unwrap_err().is_failed() && ran.into_inner());
}

#[test]
fn a_thread_that_the_system_refuses_is_an_error_with_a_name() {
    if support::role().is_some() {
        let ended = scope::<_, (), _>(&Context::new(), |s| {
            for n in 0..10_000 {
                s.spawn(format!("thread {n}"), |ctx| {
                    ctx.wait();
                    Ok(())
                });
                if s.context().is_cancelled() {
                    break;
                }
            }
            Ok(())
        });
        let Err(ScopeError::NotStarted(refused)) = ended else { panic!("{ended:?}") };
        println!("refused: {refused}");
        scope::<_, (), _>(&Context::new(), |s| {
            let waits = |ctx: &Context| {
                ctx.wait();
                Ok(())
            };
            while s.try_spawn("filler", waits).is_ok() {}
            // The clock's thread is refused as well; a sleep ends all the same.
            s.context().sleep(Duration::from_millis(50)).unwrap();
            println!("slept without a thread");
            s.context().cancel("seen");
            Ok(())
        })
        .unwrap();
        return;
    }
    if !cfg!(target_os = "linux") {
        return;
    }
    // Room for a dozen large stacks, and among them for all else.
    let test = "scope::a_thread_that_the_system_refuses_is_an_error_with_a_name";
    let output =
        support::run_as("refused", test, "export RUST_MIN_STACK=268435456; ulimit -v 3500000;")
            .output()
            .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("slept without a thread"), "{text}");
    assert!(
        text.contains("refused: thread ") && text.contains("the system refused a thread"),
        "{text}"
    );
}

// conc#115, pond: results in the order of spawning, whatever the order of ending.
#[test]
fn gathered_results_are_in_the_order_of_spawning() {
    let guard = leak::Guard::new();
    let (first, second) = (Barrier::new(2), Barrier::new(2));
    let gathered = gather(&guard.context(), Policy::FirstError, |g| {
        g.spawn("last to end", |_| {
            second.wait();
            Ok::<_, Cause>(1)
        });
        g.spawn("second to end", |_| {
            first.wait();
            second.wait();
            Ok(2)
        });
        g.spawn("first to end", |_| {
            first.wait();
            Ok(3)
        });
    });
    assert_eq!(gathered.all().unwrap(), [1, 2, 3]);
}

// conc#156: results beside and after an error are not lost.
#[test]
fn results_beside_errors_and_panics_are_kept() {
    let guard = leak::Guard::new();
    let gathered = gather(&guard.context(), Policy::All, |g| {
        g.spawn("good", |_| Ok(1));
        g.spawn("bad", |_| Err("no"));
        g.spawn("ugly", |_| panic!("on purpose"));
        g.spawn("also good", |_| Ok(4));
    });
    let kinds: Vec<_> = gathered
        .outcomes()
        .iter()
        .map(|(name, outcome)| match outcome {
            Outcome::Done(value) => format!("{name}: {value}"),
            Outcome::Failed(error) => format!("{name}: {error}"),
            Outcome::Panicked(panic) => format!("{name}: {}", panic.message()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, ["good: 1", "bad: no", "ugly: on purpose", "also good: 4"]);
    assert_eq!(gathered.done().collect::<Vec<_>>(), [1, 4]);
}

#[test]
fn the_first_error_of_a_gather_cancels_the_rest_which_count_as_cancelled() {
    let guard = leak::Guard::new();
    let gathered = gather(&guard.context(), Policy::FirstError, |g| {
        g.spawn("waits", |ctx| {
            ctx.wait();
            Err::<(), _>("because of the cancel")
        });
        g.spawn("fails", |_| Err("first"));
        g.context().wait();
        g.spawn("late", |_| unreachable!("not started any more"));
    });
    let [(_, waits), (_, fails), (_, late)] = gathered.outcomes() else { panic!("{gathered:?}") };
    assert!(matches!(waits, Outcome::Cancelled { error: Some("because of the cancel"), .. }));
    assert!(matches!(fails, Outcome::Failed("first")));
    assert!(
        matches!(late, Outcome::Cancelled { error: None, cause, .. } if cause.kind() == CauseKind::Failed)
    );
    assert_eq!(gathered.all().unwrap_err().to_string(), "fails failed: first");
}

#[test]
fn the_first_success_cancels_the_rest() {
    let guard = leak::Guard::new();
    let gathered = gather(&guard.context(), Policy::FirstSuccess, |g| {
        g.spawn("slow", |ctx| Err(ctx.wait()));
        g.spawn("broken", |_| Err(Cause::failed("broken")));
        g.spawn("fast", |_| Ok("fast"));
    });
    assert!(
        matches!(&gathered.outcomes()[0].1, Outcome::Cancelled { cause, .. } if *cause == Cause::finished())
    );
    assert_eq!(gathered.first().unwrap(), "fast");
}

// JDK PR27392: partial results at the deadline.
#[test]
fn at_the_deadline_what_is_done_is_the_result() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    let (sender, done) = mpsc::channel();
    let gathered = gather(&guard.context(), Policy::UntilDeadline(Duration::from_secs(1)), |g| {
        g.spawn("in time", move |_| {
            sender.send(()).unwrap();
            Ok(1)
        });
        g.spawn("too slow", |ctx| ctx.sleep(Duration::from_secs(3600)).map(|()| 2));
        done.recv().unwrap();
        clock.wait_for_sleepers(1);
        clock.advance(Duration::from_secs(1));
    });
    assert!(
        matches!(&gathered.outcomes()[1].1, Outcome::Cancelled { cause, .. } if *cause == Cause::deadline())
    );
    assert_eq!(gathered.done().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_gather_without_tasks_has_no_results_and_no_first() {
    let guard = leak::Guard::new();
    let nothing = gather::<(), (), _>(&guard.context(), Policy::All, |_| ());
    assert_eq!(nothing.clone().all().unwrap(), []);
    assert!(nothing.first().unwrap_err().is_cancelled());
}

#[test]
fn a_leak_guard_reports_what_was_left() {
    let guard = leak::Guard::with_clock(Clock::manual());
    let kept = guard.context().with_timeout(Duration::from_secs(1));
    kept.on_cancel(|_| ()).keep();
    let left = guard.finish().unwrap_err();
    assert_eq!(left.to_string(), "contexts: 1; waiting futures and callbacks: 1; deadlines: 1");
}

#[test]
fn a_leak_guard_names_tasks_that_still_run() {
    let outer = leak::Guard::new();
    let guard = leak::Guard::new();
    let ctx = guard.context();
    scope::<_, (), _>(&ctx, |s| {
        s.spawn("stuck", |ctx| {
            ctx.wait();
            Ok(())
        });
        assert!(guard.finish().unwrap_err().to_string().starts_with("tasks: stuck; contexts: 1"));
        s.context().cancel("seen");
        Ok(())
    })
    .unwrap();
    assert!(outer.census().is_empty(), "guards do not see each other's tests");
}
