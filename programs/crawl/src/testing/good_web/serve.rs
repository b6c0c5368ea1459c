//! From listeners to connections, and the thread on which all of it runs.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use millstream::{Context, TaskScope, scope, task_scope};
use tokio::net::TcpListener;

use super::{GoodWeb, Listeners, Plan, connection};

impl GoodWeb {
    /// Serves the web on a thread beside `body`, and ends with it. Latencies are measured on the
    /// clock of `ctx`.
    ///
    /// # Errors
    /// When the ports cannot be had, or the thread cannot be started.
    ///
    /// # Panics
    /// When the body does.
    ///
    /// # Examples
    /// ```
    /// use std::io::{Read, Write};
    /// use std::net::TcpStream;
    ///
    /// use crawl::testing::good_web::{GoodWeb, Plan};
    /// use millstream::Context;
    ///
    /// let answer = GoodWeb::serve(&Context::new(), Plan::default(), |web| {
    ///     let mut stream = TcpStream::connect(web.address(0))?;
    ///     stream.write_all(b"GET /p/7 HTTP/1.1\r\nConnection: close\r\n\r\n")?;
    ///     let mut answer = String::new();
    ///     stream.read_to_string(&mut answer)?;
    ///     assert_eq!(web.requests(7), 1);
    ///     Ok::<_, std::io::Error>(answer)
    /// })??;
    /// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn serve<R>(ctx: &Context, plan: Plan, body: impl FnOnce(&Self) -> R) -> io::Result<R> {
        let (web, listeners) = Self::bind(plan)?;
        let served = web.clone();
        let ended = scope(ctx, |threads| {
            threads.spawn("good web", move |ctx| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
                runtime.block_on(served.run(ctx, listeners))
            });
            let out = body(&web);
            threads.context().cancel("the web is no longer needed");
            Ok(out)
        });
        ended.map_err(io::Error::other)
    }

    /// Serves the web until `ctx` is cancelled. Needs a runtime with input and output.
    ///
    /// # Errors
    /// When the runtime does not take the listeners, or a connection cannot be accepted.
    ///
    /// # Cancel safety
    /// Dropping it ends all connections.
    pub async fn run(self, ctx: &Context, listeners: Listeners) -> io::Result<()> {
        let serving = task_scope(ctx, async |tasks| {
            for (port, listener) in listeners.0.into_iter().enumerate() {
                let listener = TcpListener::from_std(listener)?;
                let (web, again) = (self.clone(), tasks.clone());
                tasks.spawn(
                    "accepts",
                    async move { accept(&web, again, listener, port as u64).await },
                );
            }
            Ok(())
        });
        // Connections need not look whether they are to end: they are dropped.
        let (mut serving, mut cancelled) = (pin!(serving), pin!(ctx.cancelled()));
        poll_fn(|cx| match cancelled.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(Ok(())),
            Poll::Pending => serving.as_mut().poll(cx).map_err(io::Error::other),
        })
        .await
    }
}

async fn accept(
    web: &GoodWeb,
    tasks: TaskScope<io::Error>,
    listener: TcpListener,
    port: u64,
) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let (site, ctx) = (Arc::clone(&web.site), tasks.context().clone());
        tasks.spawn("connection", async move {
            // A peer that goes away is none of the web's concern.
            drop(connection::serve(site, ctx, stream, port).await);
            Ok(())
        });
    }
}
