//! A listener's TLS: reads certificates and keys, chooses the certificate by the host that the client asks for, checks
//! clients' certificates. A changed file means a whole new [`TlsSetup`]; nothing of the old one lives on, above all not
//! its sessions, because one that is resumed is not checked against new authorities.

mod error;

use std::path::Path;
use std::sync::Arc;

use lgsp_config::{CertificateFiles, ClientCertificates, Tls};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

pub use error::TlsError;

use super::certificate::{self, covers};
use super::peer::{ClientCertificate, PeerTls, Shown};

/// Everything that connections are encrypted with, from one reading of the files.
pub(crate) struct TlsSetup {
    pub(super) config: Arc<ServerConfig>,
    names: Arc<[Vec<String>]>,
    ends: Vec<CertificateEnd>,
}

/// When a certificate ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateEnd {
    /// Its first name, for people.
    pub(crate) name: String,
    /// In seconds since 1970.
    pub(crate) at: i64,
}

/// The largest file that is read: a long chain has tens of kilobytes, a list of revoked certificates a few megabytes.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The protocols of [`super::Server`], the better one first.
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];
const HTTP2: &[u8] = b"h2";

impl TlsSetup {
    /// Reads everything that `tls` names.
    ///
    /// # Errors
    /// Everything that is wrong with the files. That a certificate has ended is not: [`Self::ends`] tells.
    pub(crate) fn load(tls: &Tls) -> Result<Self, Vec<TlsError>> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (mut errors, mut ends) = (Vec::new(), Vec::new());
        let mut shown = Vec::new();
        for files in &tls.certificates {
            match read_certificate(files, &provider) {
                Ok((one, end)) => {
                    shown.push(one);
                    ends.push(end);
                }
                Err(error) => errors.push(error),
            }
        }
        let clients = match &tls.clients {
            None => WebPkiClientVerifier::no_client_auth(),
            Some(clients) => read_clients(clients, &provider, &mut ends).unwrap_or_else(|error| {
                errors.push(error);
                WebPkiClientVerifier::no_client_auth()
            }),
        };
        if !errors.is_empty() {
            return Err(errors);
        }
        let names = shown.iter().map(|one: &Certificate| one.names.clone()).collect();
        let config = server_config(provider, clients, shown).map_err(|error| vec![TlsError::Setup(error)])?;
        Ok(Self { config: Arc::new(config), names, ends })
    }

    /// When each certificate ends, those of clients' authorities included.
    pub(crate) fn ends(&self) -> &[CertificateEnd] {
        &self.ends
    }

    /// What a handshake showed of the client, and whether it chose HTTP/2; `None`: it chose no protocol.
    pub(super) fn peer(&self, stream: &TlsStream<TcpStream>) -> (PeerTls, Option<bool>) {
        let (_, connection) = stream.get_ref();
        let server_name = connection.server_name().map(str::to_ascii_lowercase);
        let leaf = connection.peer_certificates().and_then(|chain| chain.first());
        // The verifier has read it already; should this reader disagree, the client counts as one without.
        let certificate = leaf.and_then(|leaf| ClientCertificate::read(leaf).ok());
        let index = server_name.as_ref().map_or(0, |host| position(&self.names, host).unwrap_or(0));
        let shown = Shown { names: self.names.clone(), index };
        let http2 = connection.alpn_protocol().map(|protocol| protocol == HTTP2);
        (PeerTls { server_name, certificate, shown }, http2)
    }
}

/// The first certificate that is for a host.
fn position(names: &[Vec<String>], host: &str) -> Option<usize> {
    names.iter().position(|names| names.iter().any(|name| covers(name, host)))
}

fn server_config(
    provider: Arc<CryptoProvider>,
    clients: Arc<dyn ClientCertVerifier>,
    certificates: Vec<Certificate>,
) -> Result<ServerConfig, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_client_cert_verifier(clients).with_cert_resolver(Arc::new(Resolver(certificates)));
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    // Tickets instead of stored sessions: ten thousand clients cost no memory.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

#[derive(Debug)]
struct Certificate {
    names: Vec<String>,
    key: Arc<CertifiedKey>,
}

/// Chooses by the host that the client asks for; the first certificate is for everything else.
#[derive(Debug)]
struct Resolver(Vec<Certificate>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name().map(str::to_ascii_lowercase);
        let is_for =
            |one: &&Certificate| host.as_ref().is_some_and(|host| one.names.iter().any(|name| covers(name, host)));
        // A host may have two certificates with keys of different kinds.
        let fits = |one: &&Certificate| one.key.key.choose_scheme(hello.signature_schemes()).is_some();
        let mut named = self.0.iter().filter(is_for);
        let chosen = named.clone().find(fits).or_else(|| named.next()).or_else(|| self.0.first());
        chosen.map(|one| one.key.clone())
    }
}

fn read_certificate(
    files: &CertificateFiles,
    provider: &CryptoProvider,
) -> Result<(Certificate, CertificateEnd), TlsError> {
    let chain = read_chain(&files.cert)?;
    let key = PrivateKeyDer::from_pem_slice(&read_file(&files.key)?).map_err(|_| TlsError::NoKey(files.key.clone()))?;
    let first = chain.first().ok_or_else(|| TlsError::NoCertificate(files.cert.clone()))?;
    let (names, at) = certificate::read(first).map_err(|_| TlsError::Malformed(files.cert.clone()))?;
    let end = CertificateEnd { name: names.title(), at };
    let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch(files.cert.clone(), files.key.clone()),
        rustls::Error::InvalidCertificate(_) => TlsError::Malformed(files.cert.clone()),
        _ => TlsError::NoKey(files.key.clone()),
    })?;
    Ok((Certificate { names: names.hosts(), key: Arc::new(key) }, end))
}

fn read_clients(
    clients: &ClientCertificates,
    provider: &Arc<CryptoProvider>,
    ends: &mut Vec<CertificateEnd>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let path = &clients.authorities;
    let mut roots = RootCertStore::empty();
    for authority in read_chain(path)? {
        let (names, at) = certificate::read(&authority).map_err(|_| TlsError::Malformed(path.clone()))?;
        ends.push(CertificateEnd { name: names.title(), at });
        roots.add(authority).map_err(|_| TlsError::Malformed(path.clone()))?;
    }
    if roots.is_empty() {
        return Err(TlsError::NoCertificate(path.clone()));
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    if let Some(revoked) = &clients.revoked {
        builder = builder.with_crls(read_revoked(revoked)?).only_check_end_entity_revocation();
    }
    if !clients.required {
        builder = builder.allow_unauthenticated();
    }
    builder.build().map_err(|_| TlsError::NoRevoked(clients.revoked.clone().unwrap_or_default()))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read_file(path)?).collect();
    read.map_err(|_| TlsError::NoCertificate(path.to_owned()))
}

fn read_revoked(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&read_file(path)?).collect();
    let lists = read.map_err(|_| TlsError::NoRevoked(path.to_owned()))?;
    if lists.is_empty() { Err(TlsError::NoRevoked(path.to_owned())) } else { Ok(lists) }
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |error| TlsError::Unreadable(path.to_owned(), error);
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_FILE_BYTES {
        return Err(TlsError::TooLarge(path.to_owned()));
    }
    std::fs::read(path).map_err(unreadable)
}

#[cfg(test)]
mod tests;
