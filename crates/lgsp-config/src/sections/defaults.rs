//! What holds when the file does not say. A test keeps these and the shipped file equal.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::ByteCount;
use crate::settings::{Breaker, Delivery, Flow, Limits, Lockout, Log, LogFormat, LogLevel, Retry};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(super) const PUBLIC_LISTEN: SocketAddr = SocketAddr::new(LOOPBACK, 8080);
pub(super) const ADMIN_LISTEN: SocketAddr = SocketAddr::new(LOOPBACK, 9090);
pub(super) const STORE_PATH: &str = "data";
pub(super) const SOFT_PREFIX: &str = "lgsp";
pub(super) const CONTRACTS_PATH: &str = "contracts";
pub(super) const CONTRACTS_STRICT: bool = false;
pub(super) const ISSUER_KEYS: &str = "keys";
pub(super) const TOKEN_TTL: Duration = Duration::from_secs(3600);

pub(super) const LOCKOUT: Lockout = Lockout {
    free_tries: 5,
    longest_wait: Duration::from_secs(60),
    forgotten_after: Duration::from_secs(900),
    lock_after: 20,
    lock_for: Duration::from_secs(12 * 3600),
};

pub(super) const LIMITS: Limits = Limits {
    header_bytes: ByteCount::kib(32),
    body_bytes: ByteCount::mib(16),
    inflated_bytes: ByteCount::mib(64),
    record_bytes: ByteCount::mib(1),
    array_records: 1000,
    header_timeout: Duration::from_secs(10),
    body_timeout: Duration::from_secs(30),
    body_rate: ByteCount::kib(1),
    idle_timeout: Duration::from_secs(75),
    connections_per_address: 2000,
    connections: 10_000,
    requests_in_flight: 4096,
    drain_delay: Duration::ZERO,
    drain_timeout: Duration::from_secs(20),
    long_poll: Duration::from_secs(60),
};

pub(super) const LOGIN_PATH: &str = "mapi/login";
pub(super) const CALL_PATH: &str = "mapi/g";
pub(super) const SESSION_TTL: Duration = Duration::from_secs(600);
pub(super) const SESSIONS: u32 = 10_000;

pub(super) const LOG: Log = Log { level: LogLevel::Info, format: LogFormat::Json };

pub(super) const DELIVERY: Delivery = Delivery {
    flow: Flow { window: 1000, window_bytes: ByteCount::mib(16), max_parked: 100_000, concurrency: 8 },
    retry: Retry { attempts: 10, first: Duration::from_secs(5), max: Duration::from_secs(1800), jitter: 0.5 },
    breaker: Breaker { failures: 5, open: Duration::from_secs(5), open_max: Duration::from_secs(60) },
};
