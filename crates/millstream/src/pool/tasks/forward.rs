//! What a task pool is asked about jobs, it answers as the group of all of them. Not `cancel`: a
//! pool is aborted.

use std::future::Future;
use std::sync::Arc;

use super::super::{JobHandle, SubmitError, TrySubmitError};
use super::{TaskGroup, TaskMap, TaskPool};
use crate::context::{Cause, Context};

/// Jobs of no group of their own: each method does what the method of [`TaskGroup`] does that has
/// its name.
impl TaskPool {
    /// Submits a future that returns a `Result`, waiting for room in the queue: see
    /// [`TaskGroup::submit`].
    ///
    /// # Errors
    /// As [`TaskGroup::submit`].
    pub async fn submit<F, T, E>(
        &self,
        ctx: &Context,
        job: F,
    ) -> Result<JobHandle<T, E>, SubmitError<F>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.all.submit(ctx, job).await
    }

    /// As [`submit`](Self::submit), if there is room now: see [`TaskGroup::try_submit`].
    ///
    /// # Errors
    /// As [`TaskGroup::try_submit`].
    pub fn try_submit<F, T, E>(&self, job: F) -> Result<JobHandle<T, E>, TrySubmitError<F>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.all.try_submit(job)
    }

    /// Submits a future that returns a plain value: see [`TaskGroup::spawn`].
    ///
    /// # Errors
    /// As [`TaskGroup::submit`].
    pub async fn spawn<F, T>(&self, ctx: &Context, job: F) -> Result<JobHandle<T>, SubmitError<F>>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.all.spawn(ctx, job).await
    }

    /// As [`spawn`](Self::spawn), if there is room now: see [`TaskGroup::try_spawn`].
    ///
    /// # Errors
    /// As [`TaskGroup::try_submit`].
    pub fn try_spawn<F, T>(&self, job: F) -> Result<JobHandle<T>, TrySubmitError<F>>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.all.try_spawn(job)
    }

    /// Results of the futures that `f` makes, in the order of the items: see [`TaskMap`].
    pub fn map<I, F, Fut, T>(&self, ctx: &Context, items: I, f: F) -> TaskMap<I::IntoIter, T>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.all.map(ctx, items, f)
    }

    /// As [`map`](Self::map), for futures that return a `Result`.
    pub fn try_map<I, F, Fut, T, E>(
        &self,
        ctx: &Context,
        items: I,
        f: F,
    ) -> TaskMap<I::IntoIter, T, E>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.all.try_map(ctx, items, f)
    }

    /// For jobs that take a number of the pool's [permits](super::TaskBuilder::permits): see
    /// [`TaskGroup::with_permits`].
    pub fn with_permits(&self, permits: u32) -> TaskGroup {
        self.all.with_permits(permits)
    }

    /// For jobs of this name, which their panics report: see [`TaskGroup::named`].
    pub fn named(&self, name: impl Into<Arc<str>>) -> TaskGroup {
        self.all.named(name)
    }

    /// Cancelled when the pool is aborted or dropped: see [`TaskGroup::context`].
    pub fn context(&self) -> &Context {
        self.all.context()
    }

    /// Waits until no job of the pool waits or runs: see [`TaskGroup::wait`].
    ///
    /// # Errors
    /// As [`TaskGroup::wait`].
    pub async fn wait(&self, ctx: &Context) -> Result<(), Cause> {
        self.all.wait(ctx).await
    }
}
