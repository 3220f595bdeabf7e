//! What a verified client certificate says, as far as it can stand for a member. Verifying is the listener's.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lgsp_config::{CertificateBinding, Fingerprint, San};

use crate::server::Peer;

/// A client certificate that the listener verified: its chain, its time, that the client has its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CertificateFacts<'a> {
    /// SHA-256 of the DER in lower case hexadecimal digits.
    pub(crate) fingerprint: &'a str,
    /// Subject alternative names: hosts in lower case.
    pub(crate) dns: &'a [String],
    /// URIs.
    pub(crate) uris: &'a [String],
    /// Addresses.
    pub(crate) addresses: &'a [IpAddr],
    /// E-mail addresses.
    pub(crate) emails: &'a [String],
}

impl<'a> CertificateFacts<'a> {
    /// The certificate at the other end of a connection, if there is one.
    pub(crate) fn of(peer: &'a Peer) -> Option<Self> {
        let certificate = peer.certificate()?;
        let names = &certificate.names;
        Some(Self {
            fingerprint: &certificate.fingerprint,
            dns: &names.dns,
            uris: &names.uris,
            addresses: &names.addresses,
            emails: &names.emails,
        })
    }

    /// Everything about it that a member can be bound to. The subject's common name is not among it: nothing says what
    /// an authority checked of it.
    pub(super) fn bindings(&self) -> impl Iterator<Item = CertificateBinding> {
        let whole = format!("sha256:{}", self.fingerprint).parse::<Fingerprint>().ok();
        let dns = self.dns.iter().map(|name| San::Dns(name.to_ascii_lowercase()));
        let uris = self.uris.iter().map(|uri| San::Uri(uri.clone()));
        let addresses = self.addresses.iter().map(|address| San::Ip(*address));
        let emails = self.emails.iter().map(|email| San::Email(email.clone()));
        let names = dns.chain(uris).chain(addresses).chain(emails).map(CertificateBinding::San);
        whole.map(CertificateBinding::Fingerprint).into_iter().chain(names)
    }
}

/// The certificate's name in tokens that are bound to it (RFC 8705 §3.1).
pub(crate) fn certificate_thumbprint(certificate: &CertificateFacts<'_>) -> Option<String> {
    let digits = certificate.fingerprint.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}
