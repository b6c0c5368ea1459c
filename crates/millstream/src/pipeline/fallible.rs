//! The pipelines that end with a `try_map`, whose policy can still be said. It knows no policy.

use super::flow::Stepped;
use super::parallel::Parallel;
use super::step::{Chain, TryMap};

/// The function that names an error's kind.
pub(super) type Kind<E> = fn(&E) -> &'static str;

/// A pipeline whose last stage is a [`try_map`](crate::Pipeline::try_map); not for implementing.
#[diagnostic::on_unimplemented(
    message = "`on_error` and `kinds` stand right behind `try_map`, whose errors they are about",
    label = "the stage before this call is not a `try_map`",
    note = "move the call up, so that it follows the `try_map`"
)]
pub trait Fallible {
    /// The same with another policy.
    type WithPolicy<Q>;
    /// The same with names for kinds of errors.
    type WithKinds<E>;

    /// Says what an error does.
    fn with_policy<Q>(self, policy: Q) -> Self::WithPolicy<Q>;

    /// Names an error's kind.
    fn with_kinds<E>(self, kind: fn(&E) -> &'static str) -> Self::WithKinds<E>;
}

impl<G, P, K> TryMap<G, P, K> {
    fn with_policy<Q>(self, policy: Q) -> TryMap<G, Q, K> {
        TryMap { work: self.work, policy, kind: self.kind }
    }

    fn with_kinds<E>(self, kind: Kind<E>) -> TryMap<G, P, Kind<E>> {
        TryMap { work: self.work, policy: self.policy, kind }
    }
}

impl<F, G, P, K> Fallible for Stepped<F, TryMap<G, P, K>> {
    type WithPolicy<Q> = Stepped<F, TryMap<G, Q, K>>;
    type WithKinds<E> = Stepped<F, TryMap<G, P, Kind<E>>>;

    fn with_policy<Q>(self, policy: Q) -> Self::WithPolicy<Q> {
        Stepped(self.0, self.1.with_policy(policy))
    }

    fn with_kinds<E>(self, kind: Kind<E>) -> Self::WithKinds<E> {
        Stepped(self.0, self.1.with_kinds(kind))
    }
}

impl<F, B, G, P, K> Fallible for Parallel<F, Chain<B, TryMap<G, P, K>>> {
    type WithPolicy<Q> = Parallel<F, Chain<B, TryMap<G, Q, K>>>;
    type WithKinds<E> = Parallel<F, Chain<B, TryMap<G, P, Kind<E>>>>;

    fn with_policy<Q>(self, policy: Q) -> Self::WithPolicy<Q> {
        let Self { stream, step: Chain(before, last), workers, ordered, buffer } = self;
        Parallel { stream, step: Chain(before, last.with_policy(policy)), workers, ordered, buffer }
    }

    fn with_kinds<E>(self, kind: Kind<E>) -> Self::WithKinds<E> {
        let Self { stream, step: Chain(before, last), workers, ordered, buffer } = self;
        Parallel { stream, step: Chain(before, last.with_kinds(kind)), workers, ordered, buffer }
    }
}
