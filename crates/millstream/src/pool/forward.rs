//! What a pool is asked about jobs, it answers as the group of all of them. Not `cancel`: a pool is
//! aborted.

use std::sync::Arc;

use super::group::Group;
use super::worker::Worker;
use super::{JobHandle, Map, Pool, SubmitError, TrySubmitError};
use crate::context::{Cause, Context};

/// Jobs of no group of their own: each method does what the method of [`Group`] does that has its
/// name.
impl<S: 'static> Pool<S> {
    /// Submits a job that returns a `Result`, waiting for room in the queue: see [`Group::submit`].
    ///
    /// # Errors
    /// As [`Group::submit`].
    pub fn submit<F, T, E>(&self, ctx: &Context, job: F) -> Result<JobHandle<T, E>, SubmitError<F>>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.all.submit(ctx, job)
    }

    /// As [`submit`](Self::submit), for a job that wants its [`Worker`].
    ///
    /// # Errors
    /// As [`Group::submit`].
    pub fn submit_with<F, T, E>(
        &self,
        ctx: &Context,
        job: F,
    ) -> Result<JobHandle<T, E>, SubmitError<F>>
    where
        F: FnOnce(&mut Worker<'_, S>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.all.submit_with(ctx, job)
    }

    /// As [`submit`](Self::submit), if there is room now: see [`Group::try_submit`].
    ///
    /// # Errors
    /// As [`Group::try_submit`].
    pub fn try_submit<F, T, E>(&self, job: F) -> Result<JobHandle<T, E>, TrySubmitError<F>>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.all.try_submit(job)
    }

    /// As [`try_submit`](Self::try_submit), for a job that wants its [`Worker`].
    ///
    /// # Errors
    /// As [`Group::try_submit`].
    pub fn try_submit_with<F, T, E>(&self, job: F) -> Result<JobHandle<T, E>, TrySubmitError<F>>
    where
        F: FnOnce(&mut Worker<'_, S>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.all.try_submit_with(job)
    }

    /// As [`submit`](Self::submit), for a task: see [`Group::submit_async`].
    ///
    /// # Errors
    /// As [`Group::submit`].
    pub async fn submit_async<F, T, E>(
        &self,
        ctx: &Context,
        job: F,
    ) -> Result<JobHandle<T, E>, SubmitError<F>>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.all.submit_async(ctx, job).await
    }

    /// Submits a job that returns a plain value: see [`Group::spawn`].
    ///
    /// # Errors
    /// As [`Group::submit`].
    pub fn spawn<F, T>(&self, ctx: &Context, job: F) -> Result<JobHandle<T>, SubmitError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.all.spawn(ctx, job)
    }

    /// As [`spawn`](Self::spawn), for a job that wants its [`Worker`].
    ///
    /// # Errors
    /// As [`Group::submit`].
    pub fn spawn_with<F, T>(&self, ctx: &Context, job: F) -> Result<JobHandle<T>, SubmitError<F>>
    where
        F: FnOnce(&mut Worker<'_, S>) -> T + Send + 'static,
        T: Send + 'static,
    {
        self.all.spawn_with(ctx, job)
    }

    /// As [`spawn`](Self::spawn), if there is room now: see [`Group::try_spawn`].
    ///
    /// # Errors
    /// As [`Group::try_submit`].
    pub fn try_spawn<F, T>(&self, job: F) -> Result<JobHandle<T>, TrySubmitError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.all.try_spawn(job)
    }

    /// As [`spawn`](Self::spawn), for a task: see [`Group::spawn_async`].
    ///
    /// # Errors
    /// As [`Group::submit`].
    pub async fn spawn_async<F, T>(
        &self,
        ctx: &Context,
        job: F,
    ) -> Result<JobHandle<T>, SubmitError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.all.spawn_async(ctx, job).await
    }

    /// Results of `f` in the order of the items, while the pool works on the next ones: see
    /// [`Map`].
    pub fn map<I, F, T>(&self, ctx: &Context, items: I, f: F) -> Map<S, I::IntoIter, T>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.all.map(ctx, items, f)
    }

    /// As [`map`](Self::map), with the [`Worker`] that runs it.
    pub fn map_with<I, F, T>(&self, ctx: &Context, items: I, f: F) -> Map<S, I::IntoIter, T>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(&mut Worker<'_, S>, I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.all.map_with(ctx, items, f)
    }

    /// As [`map`](Self::map), for a function that returns a `Result`.
    pub fn try_map<I, F, T, E>(&self, ctx: &Context, items: I, f: F) -> Map<S, I::IntoIter, T, E>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.all.try_map(ctx, items, f)
    }

    /// As [`try_map`](Self::try_map), with the [`Worker`] that runs it.
    pub fn try_map_with<I, F, T, E>(
        &self,
        ctx: &Context,
        items: I,
        f: F,
    ) -> Map<S, I::IntoIter, T, E>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(&mut Worker<'_, S>, I::Item) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.all.try_map_with(ctx, items, f)
    }

    /// For jobs that take a number of the pool's [permits](super::Builder::permits): see
    /// [`Group::with_permits`].
    pub fn with_permits(&self, permits: u32) -> Group<S> {
        self.all.with_permits(permits)
    }

    /// For jobs of this name, which their panics report: see [`Group::named`].
    pub fn named(&self, name: impl Into<Arc<str>>) -> Group<S> {
        self.all.named(name)
    }

    /// Cancelled when the pool is aborted: what jobs of no other group see as [`Worker::context`].
    pub fn context(&self) -> &Context {
        self.all.context()
    }

    /// Waits until no job of the pool waits or runs: see [`Group::wait`].
    ///
    /// # Errors
    /// As [`Group::wait`].
    pub fn wait(&self, ctx: &Context) -> Result<(), Cause> {
        self.all.wait(ctx)
    }

    /// As [`wait`](Self::wait), for a task.
    ///
    /// # Errors
    /// As [`Group::wait`].
    pub async fn wait_async(&self, ctx: &Context) -> Result<(), Cause> {
        self.all.wait_async(ctx).await
    }
}
