//! Which answer is behind which path, and the origins whose robots.txt is the problem.

use std::io;

use tokio::io::AsyncWriteExt;

use super::peer::{After, Peer, Request, Stream};
use super::{codings, framing, heads, statuses};

/// Every path of [`BadWeb::origin`](super::BadWeb::origin). The page at `/` links to all of them.
///
/// Most are named after what is wrong with them. Those that take a parameter:
/// `/redirect-chain?left=10`, `/large?bytes=20000000`, `/calendar?month=0`. `/busy-seconds`,
/// `/busy-date` and `/flaky` are well when asked again with the same query.
pub const PATHS: &[&str] = &ALL;

const COUNT: usize =
    1 + heads::PATHS.len() + framing::PATHS.len() + codings::PATHS.len() + statuses::PATHS.len();

const ALL: [&str; COUNT] = {
    let mut all = ["/page"; COUNT];
    let groups = [heads::PATHS, framing::PATHS, codings::PATHS, statuses::PATHS];
    let (mut group, mut next) = (0, 1);
    while group < groups.len() {
        let mut at = 0;
        while at < groups[group].len() {
            all[next] = groups[group][at];
            at += 1;
            next += 1;
        }
        group += 1;
    }
    all
};

/// What a robots.txt can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Robots {
    /// Status 503.
    Error,
    /// No answer.
    Silent,
    /// Status 404.
    Missing,
    /// 600 KiB, with `Disallow: /early` at its beginning and `Disallow: /late` at its end.
    Long,
    /// `Disallow: /private` after a byte order mark.
    Bom,
}

impl Robots {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Error, Self::Silent, Self::Missing, Self::Long, Self::Bom];
}

/// What an origin answers with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answers {
    Paths,
    Robots(Robots),
    /// The same page everywhere.
    Page,
}

impl<S: Stream> Peer<S> {
    /// Answers until one side has enough.
    pub(super) async fn converse(mut self, answers: Answers) -> io::Result<()> {
        while let Some(request) = self.request().await? {
            match answers.answer(&mut self, &request).await? {
                After::Next => {}
                After::Close => {
                    self.stream.shutdown().await?;
                    break;
                }
                After::Reset => {
                    self.stream.tcp().set_zero_linger()?;
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Answers {
    pub(super) async fn answer<S: Stream>(
        self,
        peer: &mut Peer<S>,
        request: &Request,
    ) -> io::Result<After> {
        match self {
            Self::Robots(kind) if request.path == "/robots.txt" => robots(peer, kind).await,
            Self::Robots(_) | Self::Page => peer.page("a page", &[]).await,
            Self::Paths => paths(peer, request).await,
        }
    }
}

async fn paths<S: Stream>(peer: &mut Peer<S>, request: &Request) -> io::Result<After> {
    let path = request.path.as_str();
    if heads::PATHS.contains(&path) {
        heads::answer(peer, request).await
    } else if framing::PATHS.contains(&path) {
        framing::answer(peer, request).await
    } else if codings::PATHS.contains(&path) {
        codings::answer(peer, request).await
    } else if statuses::PATHS.contains(&path) || path.starts_with("/deep/") {
        statuses::answer(peer, request).await
    } else if path == "/" {
        let links: Vec<String> = PATHS.iter().map(|path| (*path).to_owned()).collect();
        peer.page("everything that is bad", &links).await
    } else if path == "/page" {
        peer.page("a page", &["/".to_owned()]).await
    } else {
        peer.respond("404 Not Found", "Content-Type: text/plain\r\n", "no such path").await
    }
}

async fn robots<S: Stream>(peer: &mut Peer<S>, kind: Robots) -> io::Result<After> {
    let text = "Content-Type: text/plain; charset=utf-8\r\n";
    match kind {
        Robots::Error => peer.respond("503 Service Unavailable", "", "not now").await,
        Robots::Silent => peer.fall_silent().await,
        Robots::Missing => peer.respond("404 Not Found", "", "").await,
        Robots::Long => {
            let mut body = "User-agent: *\nDisallow: /early\n".to_owned();
            while body.len() < 600 * 1024 {
                body.push_str(
                    "Disallow: /filled-up-with-a-rule-that-forbids-nothing-of-interest\n",
                );
            }
            body.push_str("Disallow: /late\n");
            peer.respond("200 OK", text, body).await
        }
        Robots::Bom => {
            peer.respond("200 OK", text, "\u{feff}User-agent: *\nDisallow: /private\n").await
        }
    }
}
