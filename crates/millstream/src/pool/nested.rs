//! What a job's submission to its own full pool does.

/// What becomes of a job that is submitted by a job of the same pool when there is no room.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use millstream::{Context, Pool, pool::{Nested, SubmitError}};
///
/// let ctx = Context::new();
/// let pool = Arc::new(Pool::builder().workers(1).queue(0).nested(Nested::Refuse).build(&ctx)?);
/// let (again, there) = (Arc::clone(&pool), ctx.clone());
/// let outer = pool.spawn(&ctx, move || match again.spawn(&there, || ()) {
///     Err(SubmitError::Nested(_)) => "refused",
///     _ => "taken",
/// })?;
/// assert_eq!(outer.join()?, "refused");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nested {
    /// It is run on the spot, inside of the job that submits it.
    RunHere,
    /// It comes back as [`SubmitError::Nested`](super::SubmitError::Nested).
    Refuse,
}
