//! The wait until no job of a group, or of a whole pool, waits or runs.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, Waker};

use super::line::Desk;
use super::member::Member;
use crate::context::{Cause, Context};
use crate::sync::Arc;
use crate::waiters::Key;

/// Waits for the end of a group's jobs, or of all.
///
/// # Cancel safety
/// Dropping it ends the wait.
pub(crate) async fn quiet<J, D: Desk<J>>(
    desk: &D,
    member: Option<&Arc<Member<J>>>,
    ctx: &Context,
) -> Result<(), Cause> {
    let mut quiet = Quiet { desk, member, key: None };
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
struct Quiet<'a, J, D: Desk<J>> {
    desk: &'a D,
    member: Option<&'a Arc<Member<J>>>,
    key: Option<Key>,
}

impl<J, D: Desk<J>> Quiet<'_, J, D> {
    fn poll(&mut self, waker: &Waker) -> bool {
        let key = &mut self.key;
        let (ended, old) = match self.member {
            Some(member) => member.poll_ended(key, waker),
            None => self.desk.with_line(|line, _| line.poll_quiet(key, waker)),
        };
        drop(old);
        ended
    }
}

impl<J, D: Desk<J>> Drop for Quiet<'_, J, D> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        let waker = match self.member {
            Some(member) => member.forget(key),
            None => self.desk.with_line(|line, _| line.forget_quiet(key)),
        };
        drop(waker);
    }
}
