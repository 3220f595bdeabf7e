//! What an upstream is made of: servers, waits, bounds, policies, TLS. Checked values with defaults.
//!
//! It reads no file and knows no configuration format: the shell does.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use lgsp_core::{Backoff, BreakerPolicy, OutlierPolicy, RetryBudgetPolicy};
use secrecy::SecretString;

/// One server of a service.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where it is.
    pub address: ServerAddress,
    /// Its share of the calls relative to the others; 0 counts as 1.
    pub weight: u32,
}

/// `http` or `https`, a host, a port, and the path that stands before the path of every call.
#[derive(Clone, Debug)]
pub struct ServerAddress {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    pub(super) host: HeaderValue,
    pub(super) port: u16,
    /// Without a slash at its end; empty when calls go to the root.
    pub(super) base: String,
}

/// What is wrong with the address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// It is no absolute address.
    NotAbsolute,
    /// Only `http` and `https` are called.
    Scheme,
    /// Credentials do not belong into an address: it is logged and shown.
    Credentials,
    /// A query cannot stand before the path of a call.
    Query,
    /// Port 0 is nobody's.
    Port,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAbsolute => "must be an absolute address such as http://host:port/path",
            Self::Scheme => "must begin with http:// or https://",
            Self::Credentials => "must not hold credentials",
            Self::Query => "must not have a query",
            Self::Port => "must not have port 0",
        })
    }
}

impl std::error::Error for AddressError {}

impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let parts = text.parse::<Uri>().map_err(|_| AddressError::NotAbsolute)?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(AddressError::NotAbsolute);
        };
        let usual = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return Err(AddressError::Scheme),
        };
        if authority.as_str().contains('@') {
            return Err(AddressError::Credentials);
        }
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        if path.query().is_some() {
            return Err(AddressError::Query);
        }
        let port = authority.port_u16().unwrap_or(usual);
        if port == 0 {
            return Err(AddressError::Port);
        }
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| AddressError::NotAbsolute)?;
        Ok(Self { scheme, host, port, base: path.path().trim_end_matches('/').to_owned(), authority })
    }
}

impl ServerAddress {
    pub(super) fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The host without the brackets of an IPv6 address.
    pub(super) fn bare_host(&self) -> &str {
        let host = self.authority.host();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.base)
    }
}

/// Whether calls go over HTTP/2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http2 {
    /// HTTP/1.1 only.
    #[default]
    Never,
    /// HTTP/2 only: agreed by ALPN under TLS, known beforehand without. Calls that may switch protocols go over
    /// HTTP/1.1 all the same.
    Always,
}

/// When a call is repeated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetrySettings {
    /// Tries of one call altogether; 1 repeats nothing.
    pub attempts: u32,
    /// Repeats relative to calls.
    pub budget: RetryBudgetPolicy,
}

/// How servers are asked whether they are well.
#[derive(Clone, Debug)]
pub struct ProbeSettings {
    /// What is asked for with GET, behind the server's own path. Any 2xx or 3xx means well.
    pub path: PathAndQuery,
    /// The pause between two probes of a server.
    pub every: Duration,
    /// An answer that takes longer means not well.
    pub timeout: Duration,
}

/// A certificate of our own, shown to servers that ask for one.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The chain in PEM, our certificate first.
    pub chain_pem: Vec<u8>,
    /// Its key in PEM.
    pub key_pem: SecretString,
}

/// How servers are recognised under TLS, and we by them.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// Who may have signed the servers' certificates, in PEM; nobody else then. Otherwise those whom the system
    /// trusts.
    pub ca_pem: Option<Vec<u8>>,
    /// Our own certificate.
    pub identity: Option<Identity>,
    /// The name to ask for and to find in the certificate, when it is not the host of the address.
    pub server_name: Option<String>,
}

/// Everything about the calls to the servers of one service.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// 1 to 64 servers.
    pub servers: Vec<ServerSettings>,
    /// From the look-up of the name to the end of the TLS handshake.
    pub connect_timeout: Duration,
    /// From the request, or the last piece of its body that could be sent, to the head of the answer.
    pub timeout: Duration,
    /// Between two pieces of the answer's body.
    pub silence: Duration,
    /// Calls at a time; more are refused at once.
    pub concurrency: u32,
    /// A connection that was idle for longer is closed: less than the servers keep it.
    pub idle_timeout: Duration,
    /// HTTP/1.1 or HTTP/2.
    pub http2: Http2,
    /// When a call is repeated.
    pub retry: RetrySettings,
    /// When the whole upstream is left alone.
    pub breaker: BreakerPolicy,
    /// When a single server is left alone.
    pub outlier: OutlierPolicy,
    /// How servers are asked whether they are well; without it only calls tell.
    pub probe: Option<ProbeSettings>,
    /// Certificates.
    pub tls: TlsSettings,
    /// The largest head of an answer in bytes.
    pub max_response_head: usize,
}

impl UpstreamSettings {
    /// These servers with the default of everything else.
    pub fn new(servers: Vec<ServerSettings>) -> Self {
        Self {
            servers,
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            silence: Duration::from_secs(60),
            concurrency: 100,
            // The shortest usual keep-alive is 5 seconds (Node.js, Apache).
            idle_timeout: Duration::from_secs(4),
            http2: Http2::Never,
            retry: RetrySettings { attempts: 2, budget: RetryBudgetPolicy::default() },
            breaker: BreakerPolicy {
                consecutive: 5,
                open: Backoff { first: Duration::from_secs(5), max: Duration::from_secs(60), spread: 0.2 },
            },
            outlier: OutlierPolicy {
                consecutive: 5,
                ejection: Backoff { first: Duration::from_secs(5), max: Duration::from_secs(300), spread: 0.2 },
                share: 0.5,
                probes: 2,
            },
            probe: None,
            tls: TlsSettings::default(),
            max_response_head: 32 * 1024,
        }
    }
}

/// Why an upstream could not be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamError {
    /// There are none, or more than 64.
    Servers(usize),
    /// `tls.ca` holds no certificate that can be read.
    Ca,
    /// The system's trusted certificates cannot be read, and there is no `tls.ca`.
    SystemRoots,
    /// The own certificate or its key cannot be read, or they do not belong together.
    Identity,
    /// A server's name, or `tls.server_name`, cannot stand in a certificate.
    ServerName,
    /// The TLS library refuses the settings.
    Tls,
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Servers(count) => write!(f, "an upstream has 1 to 64 servers, not {count}"),
            Self::Ca => f.write_str("tls.ca holds no certificate in PEM that can be read"),
            Self::SystemRoots => {
                f.write_str("the system's trusted certificates cannot be read (package ca-certificates)")
            }
            Self::Identity => f.write_str("tls.cert and tls.key cannot be read or do not belong together"),
            Self::ServerName => f.write_str("the server's name cannot stand in a certificate"),
            Self::Tls => f.write_str("the TLS settings cannot be used"),
        }
    }
}

impl std::error::Error for UpstreamError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        for (text, shown, port, host) in [
            ("http://h", "http://h", 80, "h"),
            ("https://h.vn:8443/a/b/", "https://h.vn:8443/a/b", 8443, "h.vn"),
            ("http://[::1]:81/", "http://[::1]:81", 81, "::1"),
        ] {
            let address: ServerAddress = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.port, address.bare_host()), (shown, port, host));
        }
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        for (text, error) in [
            ("/path", AddressError::NotAbsolute),
            ("host:80", AddressError::NotAbsolute),
            ("", AddressError::NotAbsolute),
            ("ftp://h/", AddressError::Scheme),
            ("http://a:b@h/", AddressError::Credentials),
            ("http://h/?a=1", AddressError::Query),
            ("http://h:0/", AddressError::Port),
        ] {
            assert_eq!(text.parse::<ServerAddress>().unwrap_err(), error, "{text}");
        }
    }
}
