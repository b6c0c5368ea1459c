//! From a URL's host to a connection: name, addresses that are allowed, TCP, TLS.
//!
//! The address that was looked at is the one that is connected to. A name is never handed to the
//! system to connect by, so an answer that changes between the look and the connection changes
//! nothing.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use millstream::Context;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use url::{Host, Url};

use super::descriptors::is_exhausted;
use super::failure::Broken;
use super::refused::refused;
use super::resolve::Names;
use super::wire::Stream;
use crate::page::ErrorKind;

/// After this long the next address is tried beside the one that has not answered (RFC 8305).
const STAGGER: Duration = Duration::from_millis(250);

/// The most addresses of a name that are tried.
const MOST_ADDRESSES: usize = 6;

/// Makes connections.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) names: Names,
    pub(super) allow_private: bool,
    pub(super) roots: Option<Vec<CertificateDer<'static>>>,
    /// Made with the first connection that needs it: to read the system's certificates takes
    /// milliseconds.
    pub(super) tls: OnceLock<Arc<ClientConfig>>,
}

impl Dialer {
    /// A connection to the URL's host, and who is at its end.
    pub(super) async fn dial(
        &self,
        ctx: &Context,
        url: &Url,
    ) -> Result<(Stream, SocketAddr), Broken> {
        let (host, port) = target(url)?;
        let addresses = self.addresses(ctx, &host, port).await?;
        let (stream, remote) = connect(ctx, &addresses).await.map_err(|(address, error)| {
            let message = format!("expected a connection to {address}: {error}");
            Broken { is_ours: is_exhausted(&error), ..Broken::new(ErrorKind::Connect, message) }
        })?;
        // Requests are one write, so there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        if url.scheme() == "http" {
            return Ok((Stream::Plain(stream), remote));
        }
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|_| {
                Broken::new(ErrorKind::Tls, format!("expected a name for TLS: {name:?} is none"))
            })?,
            Host::Ipv4(address) => ServerName::from(IpAddr::V4(address)),
            Host::Ipv6(address) => ServerName::from(IpAddr::V6(address)),
        };
        let config = self.tls.get_or_init(|| Arc::new(tls_config(self.roots.as_deref())));
        let connector = TlsConnector::from(Arc::clone(config));
        let stream =
            connector.connect(name, stream).await.map_err(|error| Broken::of_tls(&error))?;
        Ok((Stream::Tls(Box::new(stream)), remote))
    }

    async fn addresses(
        &self,
        ctx: &Context,
        host: &Host<&str>,
        port: u16,
    ) -> Result<Vec<SocketAddr>, Broken> {
        let found: Arc<[IpAddr]> = match host {
            Host::Ipv4(address) => Arc::new([IpAddr::V4(*address)]),
            Host::Ipv6(address) => Arc::new([IpAddr::V6(*address)]),
            Host::Domain(name) => {
                self.names.addresses(ctx.clock(), name).await.map_err(|missing| {
                    let message = format!("expected an address of {name}: {}", missing.words);
                    Broken { is_ours: missing.is_ours, ..Broken::new(ErrorKind::Dns, message) }
                })?
            }
        };
        let mut refusal = None;
        let mut allowed = Vec::with_capacity(found.len().min(MOST_ADDRESSES));
        for address in found.iter().copied() {
            match refused(address) {
                Some(what) if !self.allow_private => refusal = Some((address, what)),
                _ => allowed.push(SocketAddr::new(address, port)),
            }
        }
        if let (true, Some((address, what))) = (allowed.is_empty(), refusal) {
            let message = format!("{address} is {what}: expected a public address");
            return Err(Broken::new(ErrorKind::Address, message));
        }
        Ok(by_turns(allowed))
    }
}

fn target(url: &Url) -> Result<(Host<&str>, u16), Broken> {
    match (url.scheme(), url.host(), url.port_or_known_default()) {
        ("http" | "https", Some(host), Some(port)) => Ok((host, port)),
        _ => {
            Err(Broken::new(ErrorKind::Protocol, format!("expected a URL of http or https: {url}")))
        }
    }
}

/// The resolver's order, but with the families by turns, so that a family that does not work costs
/// one [`STAGGER`] only.
fn by_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().copied() else { return addresses };
    let (mut one, mut other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first.is_ipv4());
    one.reverse();
    other.reverse();
    let mut mixed = Vec::with_capacity(MOST_ADDRESSES);
    while mixed.len() < MOST_ADDRESSES {
        let before = mixed.len();
        mixed.extend(one.pop());
        mixed.extend(other.pop());
        if mixed.len() == before {
            break;
        }
    }
    mixed.truncate(MOST_ADDRESSES);
    mixed
}

type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// The first connection that comes about; the next address is tried when one fails, or has not
/// answered after [`STAGGER`].
async fn connect(
    ctx: &Context,
    addresses: &[SocketAddr],
) -> Result<(TcpStream, SocketAddr), (SocketAddr, io::Error)> {
    if let [address] = addresses {
        return match TcpStream::connect(*address).await {
            Ok(stream) => Ok((stream, *address)),
            Err(error) => Err((*address, error)),
        };
    }
    let mut waiting = addresses.iter().copied();
    let mut attempts: Vec<(SocketAddr, Attempt)> = Vec::new();
    let mut last =
        (SocketAddr::from(([0, 0, 0, 0], 0)), io::Error::other("the name has no address"));
    loop {
        match waiting.next() {
            Some(address) => attempts.push((address, Box::pin(TcpStream::connect(address)))),
            None if attempts.is_empty() => return Err(last),
            None => {}
        }
        // Cancellation ends the wait too; the caller sees to it.
        let mut stagger = (waiting.len() > 0).then(|| ctx.sleep_async(STAGGER));
        let ended = poll_fn(|task| {
            for at in 0..attempts.len() {
                if let Poll::Ready(ended) = attempts[at].1.as_mut().poll(task) {
                    let (address, _) = attempts.swap_remove(at);
                    return Poll::Ready(Some((address, ended)));
                }
            }
            match stagger.as_mut().map(|sleep| Pin::new(sleep).poll(task)) {
                Some(Poll::Ready(_)) => Poll::Ready(None),
                _ => Poll::Pending,
            }
        });
        match ended.await {
            Some((address, Ok(stream))) => return Ok((stream, address)),
            Some((address, Err(error))) => last = (address, error),
            None => {}
        }
    }
}

/// Certificates verified against the given roots, or the system's; HTTP/1.1 only.
fn tls_config(roots: Option<&[CertificateDer<'static>]>) -> ClientConfig {
    let mut store = RootCertStore::empty();
    match roots {
        Some(roots) => store.add_parsable_certificates(roots.iter().cloned()),
        // Without a single one every certificate is refused, and the failure says so.
        None => store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
    };
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the suites of TLS 1.2 and 1.3")
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_there_is_an_end_of_addresses() {
        let addresses = |text: &str| -> Vec<SocketAddr> {
            text.split(' ').map(|ip| SocketAddr::new(ip.parse().unwrap(), 80)).collect()
        };
        assert_eq!(
            by_turns(addresses("2::1 2::2 2::3 1.0.0.1 1.0.0.2")),
            addresses("2::1 1.0.0.1 2::2 1.0.0.2 2::3")
        );
        assert_eq!(by_turns(addresses("1.0.0.1 1.0.0.2")), addresses("1.0.0.1 1.0.0.2"));
        assert_eq!(by_turns(vec![SocketAddr::from(([1, 1, 1, 1], 80)); 100]).len(), MOST_ADDRESSES);
        assert_eq!(by_turns(Vec::new()), []);
    }
}
