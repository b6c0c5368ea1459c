//! `select!` and `select_async!`: wait for the first of several things.
//!
//! An arm is a future: a receive, a send, a timer, a context, a tick, or anything else that can be
//! awaited. The macros poll them in turn, on this thread or in this task, until one is ready, drop
//! the others, and run that arm's body. They add no synchronisation, no thread and no allocation;
//! that nothing is lost is the promise of the futures. All waits of the library keep it: each is
//! "cancel safe".
//!
//! The functions here are what the macros expand to, and not for other use.

use std::cell::Cell;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};

/// Waits on this thread for the first of several things, and runs that arm; of
/// [`select_async!`](crate::select_async) the twin for threads.
///
/// An arm is `pattern = future => body,`. The futures are the library's async twins:
/// [`Receiver::recv_async`], [`Sender::send_async`], [`Context::cancelled`],
/// [`Context::sleep_async`], [`Ticker::tick_async`], and all others that are cancel safe. They are
/// made again each time. When one is ready the others are dropped, then the body runs: it may
/// `break`, `return`, use `?`, and change what the futures had borrowed. The value of the body is
/// that of the macro. An arm with a condition, `pattern = future, if condition => body,`, takes
/// part only if it holds; the future is not made otherwise.
///
/// **Nothing is lost** by an arm that was not chosen. A receive has taken nothing; a send has left
/// its item in the option.
///
/// **Fair**: if several are ready, the search begins at a random arm, so each gets its turn. With
/// `biased;` in front, the first one written that is ready is chosen.
///
/// **Cancellation**: each wait of an arm takes its own context. If all take the same, an arm for
/// [`Context::cancelled`] is not needed: they end with the cause.
///
/// # Panics
/// If no arm takes part, because nothing could ever end the wait.
///
/// # Cost
/// That of the arms, each registered and deregistered once; a poll of each arm for every wake-up.
///
/// # Examples
/// Entries are stored in batches of 100, and each second what there is:
/// ```
/// use std::time::Duration;
/// use millstream::channel::Receiver;
/// use millstream::{Cause, Context, channel, select};
///
/// fn store(ctx: &Context, entries: &Receiver<String>, mut save: impl FnMut(Vec<String>)) -> Result<(), Cause> {
///     let mut batch = Vec::new();
///     let mut ticker = ctx.ticker(Duration::from_secs(1));
///     loop {
///         select! {
///             entry = entries.recv_async(ctx) => match entry {
///                 Ok(entry) => {
///                     batch.push(entry);
///                     if batch.len() >= 100 {
///                         save(std::mem::take(&mut batch));
///                     }
///                 }
///                 Err(_closed_or_cancelled) => break,
///             },
///             tick = ticker.tick_async() => {
///                 tick?;
///                 if !batch.is_empty() {
///                     save(std::mem::take(&mut batch));
///                 }
///             }
///         }
///     }
///     save(batch);
///     ctx.check()
/// }
///
/// let ctx = Context::new();
/// let (tx, rx) = channel(300);
/// for n in 0..250 {
///     tx.send(&ctx, format!("line {n}"))?;
/// }
/// drop(tx);
/// let mut saved = Vec::new();
/// store(&ctx, &rx, |batch| saved.push(batch.len()))?;
/// assert_eq!(saved.iter().sum::<usize>(), 250);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What is received is sent on, one item at a time; while there is one, no other is received:
/// ```
/// use millstream::{Context, channel, select};
///
/// let ctx = Context::new();
/// let (source, input) = channel(8);
/// let (output, end) = channel(8);
/// source.send(&ctx, 1)?;
/// source.send(&ctx, 2)?;
/// drop(source);
///
/// let mut held = None;
/// loop {
///     let full = held.is_some();
///     select! {
///         item = input.recv_async(&ctx), if !full => match item {
///             Ok(item) => held = Some(item),
///             Err(_) => break,
///         },
///         sent = output.send_async(&ctx, &mut held), if full => sent?,
///     }
/// }
/// assert_eq!(end.drain(), [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Receiver::recv_async`]: crate::channel::Receiver::recv_async
/// [`Sender::send_async`]: crate::channel::Sender::send_async
/// [`Context::cancelled`]: crate::Context::cancelled
/// [`Context::sleep_async`]: crate::Context::sleep_async
/// [`Ticker::tick_async`]: crate::context::Ticker::tick_async
#[macro_export]
macro_rules! select {
    ($($arms:tt)*) => { $crate::__select!(@order (block) $($arms)*) };
}

/// Awaits the first of several things, and runs that arm; all as for [`select!`], in a task.
///
/// # Panics
/// If no arm takes part, because nothing could ever end the wait.
///
/// # Cancel safety
/// Dropping the surrounding future while it waits drops the futures of all arms, and loses nothing.
///
/// # Examples
/// ```
/// # #[cfg(feature = "tokio")]
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::time::Duration;
/// use millstream::{Context, channel, select_async};
///
/// let ctx = Context::new();
/// let (tx, rx) = channel::<u8>(1);
/// let waited = select_async! {
///     item = rx.recv_async(&ctx) => item.ok(),
///     _ = ctx.sleep_async(Duration::from_millis(1)) => None,
/// };
/// assert_eq!(waited, None);
///
/// // In order: the receive is asked first.
/// tx.try_send(7).unwrap();
/// let received = select_async! {
///     biased;
///     item = rx.recv_async(&ctx) => item.ok(),
///     _ = std::future::ready(()) => None,
/// };
/// assert_eq!(received, Some(7));
/// # });
/// ```
#[macro_export]
macro_rules! select_async {
    ($($arms:tt)*) => { $crate::__select!(@order (await) $($arms)*) };
}

/// Both forms: reads the arms one by one, then writes the wait and the bodies.
///
/// The names `future` and `output` are made again by each step of the recursion, so each arm has
/// its own.
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    (@order $how:tt) => { ::core::compile_error!("select needs an arm: `pattern = future => body`") };
    (@order $how:tt biased;) => { $crate::__select!(@order $how) };
    (@order $how:tt biased; $($arms:tt)+) => { $crate::__select!(@arms $how (biased) [] $($arms)+) };
    (@order $how:tt $($arms:tt)+) => { $crate::__select!(@arms $how (fair) [] $($arms)+) };

    (@arms $how:tt $order:tt [$($read:tt)*] $p:pat = $f:expr $(, if $c:expr)? => $b:block, $($arms:tt)*) => {
        $crate::__select!(@arms $how $order [$($read)* { future output ($($c)?) ($f) ($p) ($b) }] $($arms)*)
    };
    (@arms $how:tt $order:tt [$($read:tt)*] $p:pat = $f:expr $(, if $c:expr)? => $b:block $($arms:tt)*) => {
        $crate::__select!(@arms $how $order [$($read)* { future output ($($c)?) ($f) ($p) ($b) }] $($arms)*)
    };
    (@arms $how:tt $order:tt [$($read:tt)*] $p:pat = $f:expr $(, if $c:expr)? => $b:expr, $($arms:tt)*) => {
        $crate::__select!(@arms $how $order [$($read)* { future output ($($c)?) ($f) ($p) ($b) }] $($arms)*)
    };
    (@arms $how:tt $order:tt [$($read:tt)*] $p:pat = $f:expr $(, if $c:expr)? => $b:expr) => {
        $crate::__select!(@arms $how $order [$($read)* { future output ($($c)?) ($f) ($p) ($b) }])
    };
    (@arms $how:tt $order:tt
        [$({ $future:ident $output:ident ($($c:expr)?) ($f:expr) ($p:pat) ($b:expr) })+]
    ) => {{
        $(let mut $output = ::core::option::Option::None;)+
        // The futures are gone before the bodies run: what they borrowed is free again.
        {
            $(let mut $future = ::core::pin::pin!($crate::__select!(@future ($($c)?) $f));)+
            if !($($future.is_some())||+) {
                $crate::select::no_arm();
            }
            let first_of_all = ::core::future::poll_fn(|task| {
                let arms = [$(::core::stringify!($future)),+].len();
                let start = $crate::__select!(@start $order arms);
                for turn in 0..arms {
                    let (at, mut arm) = ((start + turn) % arms, 0);
                    $(if $crate::select::next(&mut arm) == at {
                        if let ::core::option::Option::Some(future) = $future.as_mut().as_pin_mut() {
                            if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(future, task) {
                                $output = ::core::option::Option::Some(value);
                                return ::core::task::Poll::Ready(());
                            }
                        }
                    })+
                }
                ::core::task::Poll::Pending
            });
            $crate::__select!(@wait $how first_of_all)
        }
        $(if let ::core::option::Option::Some(value) = $output {
            let $p = value;
            $b
        } else)+ {
            ::core::unreachable!("the wait ends with the output of one arm")
        }
    }};

    (@future () $f:expr) => { ::core::option::Option::Some(::core::future::IntoFuture::into_future($f)) };
    (@future ($c:expr) $f:expr) => {
        if $c { ::core::option::Option::Some(::core::future::IntoFuture::into_future($f)) } else { ::core::option::Option::None }
    };
    (@start (biased) $arms:ident) => { 0 };
    (@start (fair) $arms:ident) => { $crate::select::start($arms) };
    (@wait (block) $future:ident) => { $crate::select::block_on($future) };
    (@wait (await) $future:ident) => { $future.await };
}

/// The number of the arm that is looked at next.
#[doc(hidden)]
pub fn next(arm: &mut usize) -> usize {
    let this = *arm;
    *arm += 1;
    this
}

/// A random arm of `arms`.
#[doc(hidden)]
pub fn start(arms: usize) -> usize {
    thread_local! {
        /// A fresh hasher's keys are random, and asking for them is cheap enough for once a thread.
        static SEED: Cell<u64> = Cell::new(RandomState::new().hash_one(0_u8) | 1);
    }
    // Marsaglia's xorshift: three steps a number, and never zero.
    let random = SEED.with(|seed| {
        let mut x = seed.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        seed.set(x);
        x
    });
    // The upper half is the better one.
    usize::try_from((random >> 32) % arms.max(1) as u64).unwrap_or(0)
}

#[doc(hidden)]
pub fn block_on<F: Future>(future: F) -> F::Output {
    crate::park::block_on(future)
}

/// Nothing can end the wait.
#[doc(hidden)]
#[track_caller]
pub fn no_arm() -> ! {
    panic!(
        "select has no arm whose condition holds, so it would wait forever: add one without a condition"
    )
}
