//! Scopes of tasks on tokio: the same promises as those of threads, and what a dropped future does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use millstream::{Cause, CauseKind, Clock, ScopeError, leak, task_scope};

#[tokio::test]
async fn everything_is_awaited_before_the_scope_ends() {
    let guard = leak::Guard::new();
    let ended = Arc::new(AtomicUsize::new(0));
    task_scope::<_, (), _>(&guard.context(), async |s| {
        for n in 0..8 {
            let (again, ended) = (s.clone(), Arc::clone(&ended));
            s.spawn(format!("outer {n}"), async move {
                again.spawn("inner", async move {
                    tokio::task::yield_now().await;
                    ended.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                });
                Ok(())
            });
        }
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(ended.load(Ordering::SeqCst), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_error_cancels_the_rest_and_is_returned_with_its_task() {
    let guard = leak::Guard::new();
    let ended = task_scope(&guard.context(), async |s| {
        let ctx = s.context().clone();
        s.spawn("waits", async move {
            assert_eq!(ctx.cancelled().await.kind(), CauseKind::Failed);
            Err("second")
        });
        s.spawn("fails", async { Err("first") });
        Ok(())
    })
    .await;
    assert!(
        matches!(ended, Err(ScopeError::Failed { task, error: "first", .. }) if &*task == "fails")
    );
}

// tokio#4516, tokio#2002: a panic of a task is never swallowed.
#[tokio::test]
async fn a_panic_of_a_task_is_never_swallowed() {
    let guard = leak::Guard::new();
    let ended = task_scope::<(), (), _>(&guard.context(), async |s| {
        let ctx = s.context().clone();
        s.spawn("waits", async move {
            assert_eq!(ctx.cancelled().await.kind(), CauseKind::Panicked);
            Ok(())
        });
        s.spawn("panics", async {
            tokio::task::yield_now().await;
            panic!("after an await")
        });
        Ok(())
    })
    .await;
    let Err(ScopeError::Panicked(panic)) = ended else { panic!("{ended:?}") };
    assert_eq!((panic.task(), panic.message()), ("panics", "after an await"));
    assert!(panic.location().unwrap().contains("task_scope.rs"));
}

#[tokio::test]
async fn cancelled_from_outside_is_not_failed() {
    let guard = leak::Guard::new();
    let ctx = guard.context().child();
    let ended = task_scope::<(), (), _>(&ctx, async |s| {
        let inner = s.context().clone();
        s.spawn("waits", async move {
            inner.cancelled().await;
            Ok(())
        });
        ctx.cancel("go home");
        Ok(())
    })
    .await;
    assert!(ended.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn a_dropped_scope_aborts_its_tasks_and_cancels_its_context() {
    let guard = leak::Guard::new();
    let held = Arc::new(());
    let mut inner = None;
    {
        let root = guard.context();
        let scope = task_scope::<(), (), _>(&root, async |s| {
            inner = Some(s.context().clone());
            for _ in 0..4 {
                let held = Arc::clone(&held);
                s.spawn("never ends", async move {
                    std::future::pending::<()>().await;
                    drop(held);
                    Ok(())
                });
            }
            std::future::pending::<()>().await;
            Ok(())
        });
        let mut scope = std::pin::pin!(scope);
        std::future::poll_fn(|task| {
            assert!(scope.as_mut().poll(task).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        assert_eq!(Arc::strong_count(&held), 5);
    }
    while Arc::strong_count(&held) > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(inner.unwrap().cause(), Some(Cause::dropped()));
}

#[tokio::test]
async fn a_clone_that_outlives_its_scope_spawns_nothing() {
    let guard = leak::Guard::new();
    let late = task_scope::<_, (), _>(&guard.context(), async |s| Ok(s.clone())).await.unwrap();
    assert!(!late.spawn("late", async { unreachable!("never polled") }));
}

// JoinSet keeps what has finished until it is asked for; here a task that has finished is gone.
#[tokio::test]
async fn tasks_that_have_finished_are_forgotten() {
    let guard = leak::Guard::new();
    task_scope::<_, (), _>(&guard.context(), async |s| {
        for n in 0..1_000 {
            s.spawn(format!("task {n}"), async { Ok(()) });
            while !s.running().is_empty() {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn tasks_and_threads_wait_for_the_same_clock_and_context() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    let ended = task_scope(&guard.context(), async |s| {
        let ctx = s.context().clone();
        s.spawn("sleeps", async move { ctx.sleep_async(Duration::from_secs(3600)).await });
        while clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(3600));
        Ok::<_, Cause>(())
    })
    .await;
    ended.unwrap();
}
