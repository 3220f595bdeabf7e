//! Which addresses may be called: a resolver that drops what a partner from outside must never make us reach.
//!
//! The check is made on the addresses that are about to be connected to, so a name that changes its mind between
//! check and call gains nothing. Addresses written as numbers skip the resolver; they are checked with the settings.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// How far a client may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Anywhere: the partner stands inside the unit's own network.
    Anywhere,
    /// Public addresses only.
    PublicOnly,
}

/// Whether the host of an address is a number that `reach` forbids.
pub(crate) fn forbidden_literal(host: &str, reach: Reach) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    reach == Reach::PublicOnly && bare.parse().is_ok_and(|ip| !is_public(ip))
}

/// Whether an address belongs to the public internet.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = a == 192 && b == 0 && c == 0;
    let benchmark = a == 198 && (18..20).contains(&b);
    let unusable = a == 0 || a >= 240 || ip.is_multicast() || ip.is_documentation();
    !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared || protocol || benchmark || unusable)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    if let Some(v4) = ip.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    // Addresses that carry an IPv4 one: 64:ff9b::/96 (NAT64) and 2002::/16 (6to4).
    let [.., c, d] = segments;
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(Ipv4Addr::from((u32::from(c) << 16) | u32::from(d)));
    }
    if segments[0] == 0x2002 {
        return is_public_v4(Ipv4Addr::from((u32::from(segments[1]) << 16) | u32::from(segments[2])));
    }
    let global = segments[0] & 0xe000 == 0x2000;
    let documentation = segments[0] == 0x2001 && segments[1] == 0x0db8;
    global && !documentation
}

#[derive(Clone)]
pub(crate) struct GuardedResolver {
    inner: GaiResolver,
    reach: Reach,
}

impl GuardedResolver {
    pub(super) fn new(reach: Reach) -> Self {
        Self { inner: GaiResolver::new(), reach }
    }
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = self.inner.call(name);
        let reach = self.reach;
        Box::pin(async move {
            let allowed = |address: &SocketAddr| reach == Reach::Anywhere || is_public(address.ip());
            let addresses: Vec<SocketAddr> = found.await?.filter(allowed).collect();
            if addresses.is_empty() {
                return Err(io::Error::other("the name leads to no address that may be called"));
            }
            Ok(addresses.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for (text, public) in [
            ("8.8.8.8", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("255.255.255.255", false),
            ("224.0.0.1", false),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::a00:1", false),
            ("2002:7f00:1::", false),
            ("2606:4700::1111", true),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), public, "{text}");
        }
    }

    #[test]
    fn numbers_in_an_address_are_judged_in_either_notation() {
        assert!(forbidden_literal("[::1]", Reach::PublicOnly));
        assert!(forbidden_literal("127.0.0.1", Reach::PublicOnly));
        assert!(!forbidden_literal("127.0.0.1", Reach::Anywhere));
        assert!(!forbidden_literal("example.org", Reach::PublicOnly));
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_when_it_is_resolved() {
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(GuardedResolver::new(Reach::PublicOnly).call(name()).await.is_err());
        assert!(GuardedResolver::new(Reach::Anywhere).call(name()).await.is_ok());
    }
}
