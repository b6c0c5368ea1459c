//! Certificates that are valid, and those that are not.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a server shows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Signed, for 127.0.0.1, of today.
    Valid,
    /// Valid until 2020.
    Expired,
    /// Signed by nobody else.
    SelfSigned,
    /// For another host.
    WrongHost,
}

impl Certificate {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Valid, Self::Expired, Self::SelfSigned, Self::WrongHost];
}

/// Signs certificates.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

impl Authority {
    pub(super) fn new() -> Result<Self, BoxError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key)?.der().clone();
        Ok(Self { issuer: Issuer::new(params, key), root })
    }

    pub(super) fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    pub(super) fn acceptor(&self, kind: Certificate) -> Result<TlsAcceptor, BoxError> {
        let key = KeyPair::generate()?;
        let host = if kind == Certificate::WrongHost { "other.example" } else { "127.0.0.1" };
        let mut params = CertificateParams::new(vec![host.to_owned()])?;
        if kind == Certificate::Expired {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let certificate = match kind {
            Certificate::SelfSigned => params.self_signed(&key)?,
            _ => params.signed_by(&key, &self.issuer)?,
        };
        let private = PrivateKeyDer::try_from(key.serialize_der())?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
