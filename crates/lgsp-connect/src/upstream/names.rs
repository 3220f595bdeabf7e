//! Where a server's name leads: asked of the system, remembered for a few seconds.
//!
//! Any address may be called: the servers of a service usually stand in the unit's own network.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::Instant;

use super::settings::ServerAddress;

/// So long a name is not asked for again: short, because names move servers; the system's own cache may do more.
const FRESH: Duration = Duration::from_secs(5);

/// More addresses of one name are not tried.
const MOST_ADDRESSES: usize = 16;

struct Found {
    at: Instant,
    addresses: Arc<[SocketAddr]>,
}

pub(super) struct Names {
    host: String,
    port: u16,
    found: Mutex<Option<Found>>,
    turn: AtomicUsize,
}

impl Names {
    pub(super) fn new(address: &ServerAddress) -> Self {
        let host = address.bare_host().to_owned();
        Self { host, port: address.port, found: Mutex::new(None), turn: AtomicUsize::new(0) }
    }

    /// The addresses in the order in which to try them: each time another one first.
    pub(super) async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, self.port)]);
        }
        let addresses = self.all().await?;
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % addresses.len();
        Ok(addresses[first..].iter().chain(&addresses[..first]).copied().collect())
    }

    async fn all(&self) -> io::Result<Arc<[SocketAddr]>> {
        if let Some(addresses) = self.remembered(|found| found.at.elapsed() < FRESH) {
            return Ok(addresses);
        }
        let asked = lookup_host((self.host.as_str(), self.port)).await;
        let asked = asked.map(|addresses| addresses.take(MOST_ADDRESSES).collect::<Arc<[SocketAddr]>>());
        match asked {
            Ok(addresses) if !addresses.is_empty() => {
                let found = Found { at: Instant::now(), addresses: Arc::clone(&addresses) };
                *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
                Ok(addresses)
            }
            // Where it was is a better guess than nowhere.
            Ok(_) => self.remembered(|_| true).ok_or_else(|| io::Error::other("the name has no address")),
            Err(error) => self.remembered(|_| true).ok_or(error),
        }
    }

    fn remembered(&self, good: impl Fn(&Found) -> bool) -> Option<Arc<[SocketAddr]>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().filter(|found| good(found)).map(|found| Arc::clone(&found.addresses))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_number_needs_no_look_up_and_an_unknown_name_is_an_error() {
        let names = |text: &str| Names::new(&text.parse::<ServerAddress>().unwrap());
        let found = names("http://[::1]:81").addresses().await.unwrap();
        assert_eq!(found, vec!["[::1]:81".parse::<SocketAddr>().unwrap()]);
        assert!(!names("http://localhost:80").addresses().await.unwrap().is_empty());
        assert!(names("http://no-such-host.invalid").addresses().await.is_err());
    }

    #[tokio::test]
    async fn when_the_name_is_gone_where_it_was_is_tried() {
        let names = Names::new(&"http://no-such-host.invalid".parse().unwrap());
        let address: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let old = Instant::now().checked_sub(FRESH * 2).unwrap();
        *names.found.lock().unwrap() = Some(Found { at: old, addresses: Arc::new([address]) });
        assert_eq!(names.addresses().await.unwrap(), vec![address]);
    }
}
