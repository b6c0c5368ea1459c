//! Names to addresses: the trait, the system's way, and the memory in front of either.
//!
//! What an address is worth is decided elsewhere, after this and for every connection: a name's
//! answer is never trusted.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use millstream::Clock;
use tokio::sync::OnceCell;

use super::descriptors;

/// A future of [`Resolve`].
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// A way from a name to its addresses.
///
/// # Examples
/// ```
/// use std::net::IpAddr;
/// use crawl::fetch::{Resolve, Resolving};
///
/// #[derive(Debug)]
/// struct OneAddress(IpAddr);
///
/// impl Resolve for OneAddress {
///     fn resolve<'a>(&'a self, _name: &'a str) -> Resolving<'a> {
///         Box::pin(async { Ok(vec![self.0]) })
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let stub = OneAddress([192, 0, 2, 1].into());
/// assert_eq!(stub.resolve("example.com").await.unwrap(), [IpAddr::from([192, 0, 2, 1])]);
/// # });
/// ```
pub trait Resolve: fmt::Debug + Send + Sync {
    /// The addresses of a name, the best first; an error or none if there is none.
    ///
    /// The name is as in the URL: lower case, international names in Punycode. The future may be
    /// dropped at any time.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a>;
}

/// The system's own way: `getaddrinfo` on a thread of tokio's for what blocks.
///
/// A question that nobody waits for any more goes on until the system has answered it.
///
/// # Examples
/// ```
/// use crawl::fetch::{Resolve, System};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let addresses = System.resolve("localhost").await.unwrap();
/// assert!(addresses.iter().all(|address| address.is_loopback()));
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
        })
    }
}

/// What is known of names, for a time: each is asked for once by however many fetches.
#[derive(Debug)]
pub(super) struct Names {
    resolver: Arc<dyn Resolve>,
    ttl: Duration,
    missing_ttl: Duration,
    most: usize,
    known: Mutex<HashMap<Box<str>, Known>>,
}

/// A question, and when it was asked. The answer fills the cell, for all that wait for it.
#[derive(Clone, Debug)]
struct Known {
    answer: Arc<OnceCell<Answer>>,
    asked: Instant,
}

/// Addresses, or why there are none.
pub(super) type Answer = Result<Arc<[IpAddr]>, Missing>;

/// Why a name has no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) words: Arc<str>,
    /// It may have one: it could not be asked for, since no descriptor was left.
    pub(super) is_ours: bool,
}

impl Names {
    pub(super) fn new(
        resolver: Arc<dyn Resolve>,
        ttl: Duration,
        missing_ttl: Duration,
        most: usize,
    ) -> Self {
        Self { resolver, ttl, missing_ttl, most: most.max(1), known: Mutex::default() }
    }

    /// The addresses of a name, from memory if they are fresh.
    ///
    /// When the fetch that asks is given up, the next one that waits asks in its place.
    pub(super) async fn addresses(&self, clock: &Clock, name: &str) -> Answer {
        let cell = self.known(clock.now(), name);
        let ask = async {
            match self.resolver.resolve(name).await {
                Ok(addresses) if addresses.is_empty() => {
                    Err(Missing { words: "no address".into(), is_ours: false })
                }
                Ok(addresses) => Ok(addresses.into()),
                Err(error) => {
                    let is_ours = descriptors::is_exhausted(&error) || descriptors::are_exhausted();
                    Err(Missing { words: error.to_string().into(), is_ours })
                }
            }
        };
        let answer = cell.get_or_init(|| ask).await.clone();
        if matches!(&answer, Err(missing) if missing.is_ours) {
            // Nothing was learnt.
            self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        }
        answer
    }

    fn known(&self, now: Instant, name: &str) -> Arc<OnceCell<Answer>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(name)
            && self.is_fresh(entry, now)
        {
            return Arc::clone(&entry.answer);
        }
        if known.len() >= self.most {
            self.make_room(&mut known, now);
        }
        let entry = Known { answer: Arc::default(), asked: now };
        let cell = Arc::clone(&entry.answer);
        known.insert(name.into(), entry);
        cell
    }

    fn is_fresh(&self, entry: &Known, now: Instant) -> bool {
        let ttl = match entry.answer.get() {
            None | Some(Ok(_)) => self.ttl,
            Some(Err(_)) => self.missing_ttl,
        };
        now.saturating_duration_since(entry.asked) < ttl
    }

    /// Forgets what is stale; if nothing is, the older half, so that it is not done for every name.
    fn make_room(&self, known: &mut HashMap<Box<str>, Known>, now: Instant) {
        known.retain(|_, entry| self.is_fresh(entry, now));
        if known.len() < self.most {
            return;
        }
        let mut ages: Vec<Instant> = known.values().map(|entry| entry.asked).collect();
        let middle = ages.len() / 2;
        let (_, median, _) = ages.select_nth_unstable(middle);
        let median = *median;
        known.retain(|_, entry| entry.asked > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Knows names that do not start with "missing", and counts the questions.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl Resolve for Counting {
        fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
            Box::pin(async move {
                self.0.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                if name.starts_with("missing") {
                    Ok(Vec::new())
                } else {
                    Ok(vec![[192, 0, 2, 1].into()])
                }
            })
        }
    }

    fn names(most: usize) -> (Names, Arc<Counting>, Clock) {
        let counting = Arc::new(Counting::default());
        let resolver = Arc::clone(&counting);
        let names = Names::new(resolver, Duration::from_secs(60), Duration::from_secs(5), most);
        (names, counting, Clock::manual())
    }

    #[tokio::test]
    async fn a_name_is_asked_for_once_until_its_time_has_passed() {
        let (names, asked, clock) = names(10);
        let (one, two) =
            tokio::join!(names.addresses(&clock, "a.test"), names.addresses(&clock, "a.test"));
        assert_eq!((one.unwrap().len(), two.unwrap().len()), (1, 1));
        clock.advance(Duration::from_secs(59));
        names.addresses(&clock, "a.test").await.unwrap();
        assert_eq!(asked.0.load(Ordering::Relaxed), 1);
        clock.advance(Duration::from_secs(1));
        names.addresses(&clock, "a.test").await.unwrap();
        assert_eq!(asked.0.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn that_a_name_is_missing_is_believed_for_a_shorter_time() {
        let (names, asked, clock) = names(10);
        for _ in 0..3 {
            let missing = names.addresses(&clock, "missing.test").await.unwrap_err();
            assert_eq!((&*missing.words, missing.is_ours), ("no address", false));
        }
        assert_eq!(asked.0.load(Ordering::Relaxed), 1);
        clock.advance(Duration::from_secs(5));
        names.addresses(&clock, "missing.test").await.unwrap_err();
        assert_eq!(asked.0.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn no_more_names_are_kept_than_allowed_and_the_young_stay() {
        let (names, asked, clock) = names(10);
        for number in 0..1000 {
            clock.advance(Duration::from_millis(1));
            names.addresses(&clock, &format!("{number}.test")).await.unwrap();
            assert!(names.known.lock().unwrap().len() <= 10);
        }
        names.addresses(&clock, "999.test").await.unwrap();
        assert_eq!(asked.0.load(Ordering::Relaxed), 1000);
    }

    #[tokio::test]
    async fn a_waiter_for_a_lookup_that_is_given_up_looks_up_itself() {
        let (names, asked, clock) = names(10);
        {
            let mut given_up = Box::pin(names.addresses(&clock, "a.test"));
            let polled =
                std::future::poll_fn(|task| std::task::Poll::Ready(given_up.as_mut().poll(task)))
                    .await;
            assert!(polled.is_pending());
        }
        names.addresses(&clock, "a.test").await.unwrap();
        assert_eq!(asked.0.load(Ordering::Relaxed), 2);
    }
}
