//! Spans for `tracing`: what the crate runs on behalf of whom. Without the feature `tracing` all of
//! it is nothing.

/// What a span is of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// The body of a scope, and what it waits for.
    Scope,
    /// A thread of a scope: a worker of a stage, too.
    Thread,
    /// A task of a scope.
    #[cfg(feature = "tokio")]
    Task,
    /// A job of a pool.
    Job,
}

#[cfg(feature = "tracing")]
mod on {
    use tracing::info_span;
    use tracing::span::{EnteredSpan, Span};

    use super::Kind;

    /// The span in which something was asked for.
    #[derive(Clone, Debug)]
    pub(crate) struct Parent(Span);

    impl Parent {
        pub(crate) fn here() -> Self {
            Self(Span::current())
        }

        /// Enters a span below it, until the guard is dropped.
        pub(crate) fn enter(&self, kind: Kind, name: &str) -> EnteredSpan {
            self.below(kind, name).entered()
        }

        /// The future in a span below it.
        #[cfg(feature = "tokio")]
        pub(crate) fn within<F: std::future::Future>(
            &self,
            kind: Kind,
            name: &str,
            future: F,
        ) -> impl std::future::Future<Output = F::Output> + use<F> {
            tracing::Instrument::instrument(future, self.below(kind, name))
        }

        fn below(&self, kind: Kind, name: &str) -> Span {
            match kind {
                Kind::Scope => info_span!(parent: &self.0, "scope"),
                Kind::Thread => info_span!(parent: &self.0, "thread", name),
                #[cfg(feature = "tokio")]
                Kind::Task => info_span!(parent: &self.0, "task", name),
                Kind::Job => info_span!(parent: &self.0, "job", name),
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use super::Kind;

    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Parent;

    /// Nothing is entered.
    pub(crate) struct Outside;

    /// As the guard with the feature has one, so that `drop(span)` reads the same in both builds.
    impl Drop for Outside {
        fn drop(&mut self) {}
    }

    impl Parent {
        pub(crate) fn here() -> Self {
            Self
        }

        #[must_use]
        pub(crate) fn enter(self, _: Kind, _: &str) -> Outside {
            Outside
        }

        #[cfg(feature = "tokio")]
        pub(crate) fn within<F: std::future::Future>(self, _: Kind, _: &str, future: F) -> F {
            future
        }
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) use off::Parent;
#[cfg(feature = "tracing")]
pub(crate) use on::Parent;
