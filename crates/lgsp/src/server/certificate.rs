//! What a certificate says of itself: its names and its end. It verifies nothing.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// The names in a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// The subject's common name.
    pub(crate) common_name: Option<String>,
    /// Host names, lower case; `*.` in front stands for one label.
    pub(crate) dns: Vec<String>,
    /// URIs.
    pub(crate) uris: Vec<String>,
    /// Addresses.
    pub(crate) addresses: Vec<IpAddr>,
    /// E-mail addresses.
    pub(crate) emails: Vec<String>,
}

/// Bytes that are no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotACertificate;

impl fmt::Display for NotACertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an X.509 certificate")
    }
}

impl std::error::Error for NotACertificate {}

/// The names of a certificate, and its end in seconds since 1970.
pub(crate) fn read(der: &[u8]) -> Result<(Names, i64), NotACertificate> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| NotACertificate)?;
    if !rest.is_empty() {
        return Err(NotACertificate);
    }
    let mut names = Names {
        common_name: certificate
            .subject()
            .iter_common_name()
            .next()
            .and_then(|name| name.as_str().ok())
            .map(str::to_owned),
        ..Names::default()
    };
    let alternatives = certificate.subject_alternative_name().map_err(|_| NotACertificate)?;
    for name in alternatives.iter().flat_map(|names| &names.value.general_names) {
        match name {
            GeneralName::DNSName(name) => names.dns.push(name.to_ascii_lowercase()),
            GeneralName::URI(uri) => names.uris.push((*uri).to_owned()),
            GeneralName::RFC822Name(email) => names.emails.push((*email).to_owned()),
            GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
            _ => {}
        }
    }
    Ok((names, certificate.validity().not_after.timestamp()))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(bytes));
    }
    <[u8; 16]>::try_from(bytes).ok().map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)))
}

impl Names {
    /// The hosts that the certificate is for. One without alternative names is for its common name.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let mut hosts = self.dns.clone();
        hosts.extend(self.addresses.iter().map(IpAddr::to_string));
        if hosts.is_empty() {
            hosts.extend(self.common_name.as_ref().map(|name| name.to_ascii_lowercase()));
        }
        hosts
    }

    /// One name for people: the first host, or whatever else it has.
    pub(crate) fn title(&self) -> String {
        let first = |names: &Vec<String>| names.first().cloned();
        let title = self.common_name.clone().filter(|_| self.dns.is_empty());
        title.or_else(|| first(&self.dns)).or_else(|| first(&self.uris)).unwrap_or_else(|| "unnamed".to_owned())
    }
}

/// Whether a certificate's host covers a host; both lower case.
pub(crate) fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
        None => pattern == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    #[test]
    fn names_and_end_are_read() {
        let mut params = CertificateParams::new(vec!["Lgsp.Example".to_owned(), "192.0.2.7".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Trục tỉnh");
        params.subject_alt_names.push(SanType::URI("urn:lgsp:h11".try_into().unwrap()));
        params.subject_alt_names.push(SanType::Rfc822Name("a@lgsp.example".try_into().unwrap()));
        params.not_after = rcgen::date_time_ymd(2030, 1, 2);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let (names, end) = read(certificate.der()).unwrap();
        assert_eq!(names.common_name.as_deref(), Some("Trục tỉnh"));
        assert_eq!(names.hosts(), ["lgsp.example", "192.0.2.7"]);
        assert_eq!((names.uris.len(), names.emails.len(), names.addresses.len()), (1, 1, 1));
        assert_eq!((end, names.title().as_str()), (1_893_542_400, "lgsp.example"));
        assert_eq!(read(b"no certificate").unwrap_err(), NotACertificate);
        assert!(read(&[certificate.der(), &b"x"[..]].concat()).is_err());
    }

    #[test]
    fn a_wildcard_stands_for_one_label() {
        assert!(covers("a.example", "a.example") && covers("*.example", "a.example"));
        for (pattern, host) in [
            ("a.example", "b.example"),
            ("*.example", "a.b.example"),
            ("*.example", "example"),
            ("*.example", ".example"),
        ] {
            assert!(!covers(pattern, host), "{pattern} {host}");
        }
    }
}
