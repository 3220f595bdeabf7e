//! The PROXY protocol, version 2: the header with which a load balancer tells who it speaks for. The older text form is
//! recognised and refused, and extensions (TLVs) are skipped.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

/// How long a balancer may take for its header: it sends it at once, before it has heard of any request.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// What stands in front of addresses and extensions.
const HEAD_BYTES: usize = 16;

/// The most bytes behind the head: addresses are at most 36, and the extensions of balancers some hundreds.
const MAX_REST: usize = 2048;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Why a connection that has to begin with a header does not.
#[derive(Debug)]
pub(super) enum BadHeader {
    /// It begins with something else.
    Absent,
    /// It begins with the text form.
    Version1,
    /// It has another version, command, or family of addresses than this program knows.
    Unknown,
    /// It is longer than any balancer needs.
    TooLong(usize),
    /// It is shorter than its addresses.
    TooShort,
    /// It broke off.
    Broken(io::Error),
}

impl fmt::Display for BadHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("no PROXY protocol header; let the balancer send version 2"),
            Self::Version1 => f.write_str("PROXY protocol version 1; let the balancer send version 2"),
            Self::Unknown => f.write_str("unknown version, command or family in the PROXY protocol header"),
            Self::TooLong(length) => write!(f, "PROXY protocol header of {length} bytes; {MAX_REST} are allowed"),
            Self::TooShort => f.write_str("PROXY protocol header that is shorter than its addresses"),
            Self::Broken(cause) => write!(f, "PROXY protocol header broke off: {cause}"),
        }
    }
}

/// Reads a header and not a byte more: the address that it names, or `None` when the balancer speaks for itself.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<IpAddr>, BadHeader> {
    let mut head = [0; HEAD_BYTES];
    stream.read_exact(&mut head).await.map_err(BadHeader::Broken)?;
    let length = rest_length(&head)?;
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await.map_err(BadHeader::Broken)?;
    source(&head, &rest)
}

/// How many bytes follow the head.
fn rest_length(head: &[u8; HEAD_BYTES]) -> Result<usize, BadHeader> {
    if !head.starts_with(&SIGNATURE) {
        return Err(if head.starts_with(b"PROXY ") { BadHeader::Version1 } else { BadHeader::Absent });
    }
    let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if length > MAX_REST { Err(BadHeader::TooLong(length)) } else { Ok(length) }
}

/// The address of the client.
fn source(head: &[u8; HEAD_BYTES], rest: &[u8]) -> Result<Option<IpAddr>, BadHeader> {
    const LOCAL: u8 = 0x20;
    const PROXY: u8 = 0x21;
    const UNSPECIFIED: u8 = 0x00;
    const TCP_4: u8 = 0x11;
    const TCP_6: u8 = 0x21;
    match (head[12], head[13]) {
        // A balancer that looks whether we live. What it says of families does not count.
        (LOCAL, _) | (PROXY, UNSPECIFIED) => Ok(None),
        (PROXY, TCP_4) => {
            let bytes: [u8; 4] = prefix(rest, 12)?;
            Ok(Some(Ipv4Addr::from(bytes).into()))
        }
        (PROXY, TCP_6) => {
            let bytes: [u8; 16] = prefix(rest, 36)?;
            Ok(Some(IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()))
        }
        _ => Err(BadHeader::Unknown),
    }
}

/// The first bytes of an address block that has to have `whole`.
fn prefix<const N: usize>(rest: &[u8], whole: usize) -> Result<[u8; N], BadHeader> {
    let block = rest.get(..whole).ok_or(BadHeader::TooShort)?;
    block.first_chunk().copied().ok_or(BadHeader::TooShort)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    /// What is read, and how many bytes stay.
    fn parse(bytes: &[u8]) -> (Result<Option<IpAddr>, String>, usize) {
        let mut stream = bytes;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = runtime.block_on(read(&mut stream)).map_err(|error| error.to_string());
        (read, stream.len())
    }

    #[test]
    fn addresses_are_read_and_extensions_are_skipped() {
        let four = [203, 0, 113, 9, 10, 0, 0, 1, 0xc0, 1, 1, 0xbb];
        let with_extension = [&four[..], &[4, 0, 1, 7]].concat();
        let mut six = [0u8; 36];
        six[..16].copy_from_slice(&"2001:db8::9".parse::<Ipv6Addr>().unwrap().octets());
        for (bytes, address) in [
            (header(0x21, 0x11, &four), Some("203.0.113.9")),
            (header(0x21, 0x11, &with_extension), Some("203.0.113.9")),
            (header(0x21, 0x21, &six), Some("2001:db8::9")),
            (header(0x20, 0x00, &[]), None),
            (header(0x20, 0x11, &four), None),
            (header(0x21, 0x00, &[1, 2, 3]), None),
        ] {
            let followed = [&bytes[..], b"GET /"].concat();
            assert_eq!(parse(&followed), (Ok(address.map(|text| text.parse().unwrap())), 5), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_such_header_is_refused_with_its_reason() {
        for (bytes, reason) in [
            (b"PROXY TCP4 203.0.113.9 10.0.0.1 1 2\r\n".to_vec(), "version 1"),
            (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), "no PROXY protocol header"),
            (header(0x31, 0x11, &[0; 12]), "unknown version"),
            (header(0x22, 0x11, &[0; 12]), "unknown version"),
            (header(0x21, 0x12, &[0; 12]), "unknown version"),
            (header(0x21, 0x11, &[0; 11]), "shorter than its addresses"),
            (header(0x21, 0x21, &[0; 35]), "shorter than its addresses"),
            (header(0x21, 0x11, &[0; 3000]), "3000 bytes"),
            (header(0x21, 0x11, &[0; 12])[..20].to_vec(), "broke off"),
            (SIGNATURE.to_vec(), "broke off"),
        ] {
            let told = parse(&bytes).0.unwrap_err();
            assert!(told.contains(reason), "{reason}: {told}");
        }
    }

    proptest! {
        #[test]
        fn every_address_comes_through_and_any_bytes_are_answered(address: [u8; 4], tail: Vec<u8>, any: Vec<u8>) {
            let block = [&address[..], &[0; 8], &tail[..]].concat();
            prop_assert_eq!(parse(&header(0x21, 0x11, &block)).0, Ok(Some(IpAddr::from(address))));
            let _ = parse(&[&SIGNATURE[..], &any[..]].concat());
        }
    }
}
