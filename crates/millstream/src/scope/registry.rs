//! The live list of what runs, by name.
//!
//! Each scope has a registry. One that a shutdown or a leak guard put into the context is above it
//! and lists the same tasks. A registry starts, stops and joins nothing.

use std::sync::Arc;
use std::time::Instant;

use slab::Slab;

use crate::context::Context;
use crate::sync::Mutex;

/// A task that runs: its name and since when.
///
/// # Examples
/// ```
/// use millstream::{Context, scope};
///
/// scope::<(), (), _>(&Context::new(), |s| {
///     s.spawn("reader", |ctx| { ctx.wait(); Ok(()) });
///     let running = s.running();
///     assert_eq!(running[0].name(), "reader");
///     s.context().cancel("seen");
///     Ok(())
/// }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Running {
    name: Arc<str>,
    since: Instant,
}

impl Running {
    /// The name it was spawned with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it was spawned, on the clock of its context.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Clock, Context, scope};
    ///
    /// let clock = Clock::manual();
    /// scope::<(), (), _>(&Context::with_clock(clock.clone()), |s| {
    ///     s.spawn("reader", |ctx| { ctx.wait(); Ok(()) });
    ///     clock.advance(Duration::from_secs(9));
    ///     assert_eq!(clock.now() - s.running()[0].since(), Duration::from_secs(9));
    ///     s.context().cancel("seen");
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn since(&self) -> Instant {
        self.since
    }
}

#[derive(Debug, Default)]
pub(crate) struct Registry {
    tasks: Mutex<Slab<Running>>,
    above: Option<Arc<Registry>>,
}

impl Registry {
    /// A registry whose tasks show on those that the context carries, too.
    pub(crate) fn below(ctx: &Context) -> Arc<Self> {
        let above = ctx.value::<Carried>().map(|carried| Arc::clone(&carried.0));
        Arc::new(Self { tasks: Mutex::default(), above })
    }

    /// Below this context, all tasks show on this registry.
    pub(crate) fn carried_by(self: &Arc<Self>, ctx: &Context) -> Context {
        ctx.with_value(Carried(Arc::clone(self)))
    }

    /// Lists a task until the ticket is dropped.
    pub(crate) fn enter(self: &Arc<Self>, name: Arc<str>, since: Instant) -> Ticket {
        let above =
            self.above.as_ref().map(|above| Box::new(above.enter(Arc::clone(&name), since)));
        let place = self.tasks.lock().insert(Running { name, since });
        Ticket { registry: Arc::clone(self), place, _above: above }
    }

    /// What runs now, the oldest first.
    pub(crate) fn running(&self) -> Vec<Running> {
        let mut running: Vec<_> = self.tasks.lock().iter().map(|(_, task)| task.clone()).collect();
        running.sort_by_key(Running::since);
        running
    }
}

struct Carried(Arc<Registry>);

#[derive(Debug)]
pub(crate) struct Ticket {
    registry: Arc<Registry>,
    place: usize,
    _above: Option<Box<Ticket>>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let task = self.registry.tasks.lock().try_remove(self.place);
        drop(task);
    }
}
