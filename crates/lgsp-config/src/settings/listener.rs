//! The listeners: where they listen, what they show of themselves, whom they believe. Files are named here and read by
//! the shell.

use core::net::{IpAddr, SocketAddr};
use std::fmt;
use std::path::PathBuf;

use crate::Secret;

/// `[public]`: the listener of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// Address and port; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// What TLS is made of; `None` is plain HTTP.
    pub tls: Option<Tls>,
    /// The networks of load balancers, whose connections begin with a PROXY protocol header; usually none.
    pub proxies: Vec<Network>,
    /// Whether another process may listen on the same address and port, for an overlap at an upgrade.
    pub reuse_port: bool,
}

/// `[admin]`: the listener of operators; health, metrics and the admin API.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Address and port; never that of [`Public::listen`].
    pub listen: SocketAddr,
    /// The bearer token of `/admin/v1`, at least 16 characters.
    pub token: Secret,
    /// What TLS is made of; `None` is plain HTTP.
    pub tls: Option<Tls>,
    /// Whether another process may listen on the same address and port.
    pub reuse_port: bool,
}

/// What a listener's TLS is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificates, never none; the first is for clients that name no host, or one that no certificate has.
    pub certificates: Vec<CertificateFiles>,
    /// How clients' certificates are checked; `None`: they are not asked for.
    pub clients: Option<ClientCertificates>,
}

/// A certificate with its chain and its key, PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, then those that lead to its authority.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// How clients' certificates are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificates {
    /// The authorities that clients' certificates come from, a PEM file.
    pub authorities: PathBuf,
    /// Lists of revoked certificates, a PEM file; each authority that issues to clients needs one in it.
    pub revoked: Option<PathBuf>,
    /// Whether a client without a certificate is turned away.
    pub required: bool,
}

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `fd00::/8` or a single address; `None` when it is not one, or has bits behind its length.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) if bits.bytes().all(|b| b.is_ascii_digit()) => (address, Some(bits.parse().ok()?)),
            Some(_) => return None,
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = width(address);
        let this = Self { address, bits: bits.unwrap_or(width) };
        (this.bits <= width && number(address) & !this.mask() == 0).then_some(this)
    }

    /// Whether the address lies in it. An IPv4 address that is written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && number(address) & self.mask() == number(self.address)
    }

    /// The bits that count, at the place where [`number`] has them.
    fn mask(&self) -> u128 {
        let behind = u32::from(width(self.address) - self.bits);
        u128::MAX.checked_shl(behind).unwrap_or(0)
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Tls {
    /// Every file that it is made of.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let clients = self.clients.iter().flat_map(|clients| [Some(&clients.authorities), clients.revoked.as_ref()]);
        self.certificates.iter().flat_map(|files| [&files.cert, &files.key]).chain(clients.flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holds(network: &str, address: &str) -> bool {
        Network::parse(network).expect("a network").contains(address.parse().expect("an address"))
    }

    #[test]
    fn a_network_holds_the_addresses_that_share_its_bits() {
        assert!(holds("10.0.0.0/8", "10.255.1.2") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("::/0", "2001:db8::1") && holds("10.0.0.0/8", "::ffff:10.1.1.1"));
    }

    #[test]
    fn what_is_not_a_network_is_refused() {
        for text in ["", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0/8", "::1/129", "10.0.0.0/+8", "host/8"]
        {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_lies_in_every_network_made_of_its_leading_bits(address: u32, bits in 0u32..=32) {
            let first = if bits == 0 { 0 } else { address & (u32::MAX << (32 - bits)) };
            let address = IpAddr::V4(address.into());
            let network = Network::parse(&format!("{}/{bits}", IpAddr::V4(first.into()))).expect("a network");
            prop_assert!(network.contains(address));
            prop_assert_eq!(Network::parse(&network.to_string()), Some(network));
        }
    }
}
