//! The wait until no job of a group, or of a whole pool, waits or runs.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, Waker};

use super::group_state::GroupState;
use super::job_queue::Submit;
use crate::context::{Cause, Context};
use crate::sync::Arc;
use crate::waiters::Key;

/// Waits for the end of a group's jobs, or of all.
///
/// # Cancel safety
/// Dropping it ends the wait.
pub(crate) async fn quiet<J, D: Submit<J>>(
    pool: &D,
    group: Option<&Arc<GroupState<J>>>,
    ctx: &Context,
) -> Result<(), Cause> {
    let mut quiet = WaitIdle { pool, group, key: None };
    let mut cancelled = ctx.cancelled();
    poll_fn(|task| {
        if quiet.poll(task.waker()) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut cancelled).poll(task).map(Err)
    })
    .await
}

/// A place among those who wait.
struct WaitIdle<'a, J, D: Submit<J>> {
    pool: &'a D,
    group: Option<&'a Arc<GroupState<J>>>,
    key: Option<Key>,
}

impl<J, D: Submit<J>> WaitIdle<'_, J, D> {
    fn poll(&mut self, waker: &Waker) -> bool {
        let key = &mut self.key;
        let (ended, old) = match self.group {
            Some(group) => group.poll_ended(key, waker),
            None => self.pool.with_line(|line, _| line.poll_idle(key, waker)),
        };
        drop(old);
        ended
    }
}

impl<J, D: Submit<J>> Drop for WaitIdle<'_, J, D> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        let waker = match self.group {
            Some(group) => group.forget(key),
            None => self.pool.with_line(|line, _| line.forget_idle(key)),
        };
        drop(waker);
    }
}
