//! TLS towards servers: whom to trust, who we are, and which protocol to agree on.
//!
//! Certificates come as PEM texts; where they lie, the shell knows.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret;

use super::settings::{Identity, ServerAddress, TlsSettings, UpstreamError};

/// Sessions remembered for each upstream, so that a new connection costs no full handshake.
const SESSIONS: usize = 256;

/// TLS settings for either protocol.
pub(super) struct Tls {
    pub http1: Arc<ClientConfig>,
    pub http2: Arc<ClientConfig>,
}

impl Tls {
    pub(super) fn build(settings: &TlsSettings) -> Result<Self, UpstreamError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| UpstreamError::Tls)?
            .with_root_certificates(roots(settings.ca_pem.as_deref())?);
        let mut config = match &settings.identity {
            Some(identity) => {
                let (chain, key) = own(identity)?;
                builder.with_client_auth_cert(chain, key).map_err(|_| UpstreamError::Identity)?
            }
            None => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        let mut http2 = config.clone();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        http2.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { http1: Arc::new(config), http2: Arc::new(http2) })
    }
}

/// The name that a server must prove.
pub(super) fn server_name(
    settings: &TlsSettings,
    address: &ServerAddress,
) -> Result<ServerName<'static>, UpstreamError> {
    let name = settings.server_name.as_deref().unwrap_or_else(|| address.bare_host());
    ServerName::try_from(name.to_owned()).map_err(|_| UpstreamError::ServerName)
}

fn roots(ca_pem: Option<&[u8]>) -> Result<RootCertStore, UpstreamError> {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = ca_pem {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.map_err(|_| UpstreamError::Ca)?).map_err(|_| UpstreamError::Ca)?;
        }
        return if roots.is_empty() { Err(UpstreamError::Ca) } else { Ok(roots) };
    }
    // One bad file among the system's does not spoil the others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(UpstreamError::SystemRoots) } else { Ok(roots) }
}

fn own(identity: &Identity) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), UpstreamError> {
    let chain = CertificateDer::pem_slice_iter(&identity.chain_pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|_| UpstreamError::Identity)?;
    if chain.is_empty() {
        return Err(UpstreamError::Identity);
    }
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.expose_secret().as_bytes());
    Ok((chain, key.map_err(|_| UpstreamError::Identity)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused_by_its_setting() {
        let ca = TlsSettings { ca_pem: Some(b"nothing".to_vec()), ..TlsSettings::default() };
        assert_eq!(Tls::build(&ca).err(), Some(UpstreamError::Ca));
        let certified = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let ca_pem = Some(certified.cert.pem().into_bytes());
        let identity = Some(Identity { chain_pem: b"nothing".to_vec(), key_pem: "nothing".into() });
        let settings = TlsSettings { ca_pem, identity, server_name: None };
        assert_eq!(Tls::build(&settings).err(), Some(UpstreamError::Identity));
        let name = TlsSettings { server_name: Some("no name".into()), ..settings };
        let address: ServerAddress = "https://h".parse().unwrap();
        assert_eq!(server_name(&name, &address), Err(UpstreamError::ServerName));
    }
}
