//! Requests that came to the wrong place: for another host, or for two. What is at the right place, the routes say.

use hyper::header::HOST;
use hyper::{Method, Request, Version};

use super::certificate::covers;
use super::peer::{Peer, Shown};

/// Why a request is not for us as it stands: the last part of the path that is answered instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misplaced {
    /// `CONNECT`: this is no forward proxy.
    Tunnel,
    /// The request line names a host that is none of ours: this is no forward proxy.
    Forward,
    /// Request line (or `:authority`) and `Host` name different hosts, or none.
    Contradiction,
    /// The host has another certificate than the one that the client was shown.
    OtherCertificate,
}

impl Misplaced {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Tunnel | Self::Forward => "forward",
            Self::Contradiction => "authority",
            Self::OtherCertificate => "misdirected",
        }
    }
}

/// The hosts that the listener knows to be its own, apart from its certificates.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnHosts(Vec<String>);

impl OwnHosts {
    /// The host of a base URL, and an address that is listened on.
    pub(crate) fn new(url: &str, address: std::net::IpAddr) -> Self {
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = host_of(host.split('/').next().unwrap_or_default()).to_ascii_lowercase();
        Self(vec![host, address.to_string()])
    }
}

/// Checks where a request wants to go.
pub(super) fn check<B>(request: &Request<B>, peer: &Peer, own: &OwnHosts) -> Result<(), Misplaced> {
    if request.method() == Method::CONNECT {
        return Err(Misplaced::Tunnel);
    }
    let shown = peer.tls.as_ref().map(|tls| (tls.server_name.is_some(), &tls.shown));
    let asked = request.uri().authority();
    let several = shown.is_some_and(|(named, shown)| named && shown.names.len() > 1);
    if asked.is_none() && request.version() < Version::HTTP_2 && !several {
        return Ok(());
    }
    let header = request.headers().get(HOST).map(|host| host.to_str().unwrap_or("@"));
    let authority = match (asked.map(|authority| authority.as_str()), header) {
        (Some(asked), Some(header)) if !asked.eq_ignore_ascii_case(header) => return Err(Misplaced::Contradiction),
        (Some(text), _) | (None, Some(text)) => text,
        (None, None) => return Err(Misplaced::Contradiction),
    };
    if authority.contains('@') {
        return Err(Misplaced::Contradiction);
    }
    let host = host_of(authority).to_ascii_lowercase();
    let known = shown.map(|(_, shown)| shown);
    if several && known.is_some_and(|shown| is_of_another(shown, &host)) {
        return Err(Misplaced::OtherCertificate);
    }
    if asked.is_some() && request.version() < Version::HTTP_2 && !is_own(own, known, &host) {
        return Err(Misplaced::Forward);
    }
    Ok(())
}

/// Whether another certificate than the one that was shown is for the host.
fn is_of_another(shown: &Shown, host: &str) -> bool {
    let is_for = |names: &Vec<String>| names.iter().any(|name| covers(name, host));
    shown.names.iter().any(is_for) && !shown.names.get(shown.index).is_some_and(is_for)
}

fn is_own(own: &OwnHosts, shown: Option<&Shown>, host: &str) -> bool {
    let mut certified = shown.iter().flat_map(|shown| shown.names.iter().flatten());
    own.0.iter().any(|name| name == host) || certified.any(|name| covers(name, host))
}

/// The host of `host:port`, without the brackets of an IPv6 address.
fn host_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use super::*;
    use crate::server::peer::PeerTls;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn peer(server_name: Option<&str>) -> Peer {
        let names = Arc::new([vec!["a.example".to_owned()], vec!["*.b.example".to_owned()]]);
        let shown = Shown { names, index: 0 };
        let tls = PeerTls { server_name: server_name.map(str::to_owned), certificate: None, shown };
        Peer { tls: Some(Arc::new(tls)), ..Peer::plain(ADDRESS) }
    }

    fn ask(peer: &Peer, method: &str, uri: &str, host: Option<&str>, version: Version) -> Result<(), Misplaced> {
        let mut request = Request::builder().method(method).uri(uri).version(version);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        check(&request.body(()).unwrap(), peer, &OwnHosts::new("https://gateway.example:8443/x", ADDRESS))
    }

    #[test]
    fn a_host_of_another_certificate_is_misdirected() {
        let http1 = |server_name, host| ask(&peer(server_name), "GET", "/", Some(host), Version::HTTP_11);
        let http2 = |uri, host| ask(&peer(Some("a.example")), "GET", uri, host, Version::HTTP_2);
        assert_eq!(http1(Some("a.example"), "A.example:443"), Ok(()));
        assert_eq!(http1(Some("a.example"), "c.b.example"), Err(Misplaced::OtherCertificate));
        assert_eq!(http1(Some("a.example"), "elsewhere.example"), Ok(()), "of no certificate: the routes know");
        assert_eq!(http1(None, "c.b.example"), Ok(()), "a client that asked for no host contradicts nothing");
        assert_eq!(http2("https://c.b.example/", None), Err(Misplaced::OtherCertificate));
        assert_eq!(http2("https://a.example/", Some("a.example")), Ok(()));
    }

    #[test]
    fn two_hosts_in_one_request_are_a_contradiction() {
        let plain = Peer::plain(ADDRESS);
        for (uri, host, version) in [
            ("http://gateway.example/", Some("other.example"), Version::HTTP_11),
            ("http://gateway.example/", Some("other.example"), Version::HTTP_2),
            ("http://user@gateway.example/", None, Version::HTTP_2),
            ("/", None, Version::HTTP_2),
        ] {
            assert_eq!(ask(&plain, "GET", uri, host, version), Err(Misplaced::Contradiction), "{uri}");
        }
        assert_eq!(ask(&plain, "GET", "/", Some("anything"), Version::HTTP_11), Ok(()));
        assert_eq!(ask(&plain, "GET", "/", Some("anything"), Version::HTTP_2), Ok(()));
    }

    #[test]
    fn nothing_is_forwarded_to_other_hosts() {
        let plain = Peer::plain(ADDRESS);
        let http1 = |method, uri, host| ask(&plain, method, uri, Some(host), Version::HTTP_11);
        assert_eq!(http1("CONNECT", "other.example:443", "other.example:443"), Err(Misplaced::Tunnel));
        assert_eq!(http1("GET", "http://other.example/", "other.example"), Err(Misplaced::Forward));
        assert_eq!(http1("GET", "http://gateway.example:8443/", "gateway.example:8443"), Ok(()));
        assert_eq!(http1("GET", "http://192.0.2.1:80/", "192.0.2.1:80"), Ok(()));
        assert_eq!(ask(&peer(None), "GET", "http://a.example/", Some("a.example"), Version::HTTP_11), Ok(()));
    }
}
