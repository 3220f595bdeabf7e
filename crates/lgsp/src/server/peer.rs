//! Who is at the other end of a connection, as far as the connection itself shows. What that entitles to, it does not say.

use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;

use super::certificate::{Names, NotACertificate};

/// The other end of a connection.
#[derive(Clone)]
pub(crate) struct Peer {
    /// Its address; behind a balancer that speaks the PROXY protocol, the one that the balancer names.
    pub(crate) address: IpAddr,
    /// What TLS shows of it; `None` on a plain connection.
    pub(crate) tls: Option<Arc<PeerTls>>,
}

/// What TLS shows of the other end.
pub(crate) struct PeerTls {
    /// The host that the client asked for (SNI), lower case.
    pub(crate) server_name: Option<String>,
    /// The certificate that the client proved to hold the key of, checked against the listener's authorities.
    pub(crate) certificate: Option<ClientCertificate>,
    /// Which of the listener's certificates the client was shown.
    pub(super) shown: Shown,
}

/// The names of the listener's certificates, and which one a client saw.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) names: Arc<[Vec<String>]>,
    pub(super) index: usize,
}

/// A verified certificate of a client.
pub(crate) struct ClientCertificate {
    /// Its SHA-256 in lower case hexadecimal digits.
    pub(crate) fingerprint: String,
    /// Its names.
    pub(crate) names: Names,
}

impl Peer {
    /// An address without TLS.
    pub(crate) fn plain(address: IpAddr) -> Self {
        Self { address, tls: None }
    }

    /// The client's certificate, if it showed one.
    pub(crate) fn certificate(&self) -> Option<&ClientCertificate> {
        self.tls.as_ref()?.certificate.as_ref()
    }
}

impl ClientCertificate {
    /// Reads a certificate that was verified.
    ///
    /// # Errors
    /// When it is not one after all.
    pub(crate) fn read(der: &CertificateDer<'_>) -> Result<Self, NotACertificate> {
        let (names, _) = super::certificate::read(der)?;
        Ok(Self { fingerprint: fingerprint(der), names })
    }
}

/// SHA-256 in lower case hexadecimal digits.
fn fingerprint(der: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]));
    digest(&SHA256, der).as_ref().iter().flat_map(digits).collect()
}
