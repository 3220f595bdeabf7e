//! Listening sockets: opened here, or handed over by the service manager, which keeps them open while one version of
//! the program follows another.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the kernel keeps ready for us.
const BACKLOG: u32 = 4096;

/// The sockets that came with the process.
#[derive(Debug, Default)]
pub struct Sockets {
    /// For members.
    pub public: Option<std::net::TcpListener>,
    /// For operators.
    pub admin: Option<std::net::TcpListener>,
}

/// Why handed over sockets cannot be used.
#[derive(Debug)]
pub enum BadSocket {
    /// It is not one that TCP connections are accepted from.
    NotListening(String, io::Error),
    /// It has a name that means nothing here, or the name of another one.
    Name(String),
}

impl fmt::Display for BadSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotListening(name, error) => write!(f, "the socket {name} of the service manager: {error}"),
            Self::Name(name) => write!(
                f,
                "the service manager hands over a socket named {name}; name one public and one admin \
                 (FileDescriptorName=)"
            ),
        }
    }
}

impl std::error::Error for BadSocket {}

impl Sockets {
    /// Takes what the service manager handed over: by the names `public` and `admin`; sockets without names of their own
    /// are for members first, then for operators.
    ///
    /// # Errors
    /// When a socket cannot be used, or nobody knows for what.
    pub fn from_service_manager() -> Result<Self, BadSocket> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut handed = ListenFd::from_env();
        let mut this = Self::default();
        for (index, role) in roles(&names, handed.len())?.into_iter().enumerate() {
            let taken = handed.take_tcp_listener(index);
            let socket = taken.map_err(|error| BadSocket::NotListening(role.name().to_owned(), error))?;
            match role {
                Role::Public => this.public = socket,
                Role::Admin => this.admin = socket,
            }
        }
        Ok(this)
    }
}

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Public,
    Admin,
}

impl Role {
    const ALL: [Self; 2] = [Self::Public, Self::Admin];

    fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Admin => "admin",
        }
    }
}

/// What each of `count` sockets is for. Names are separated by colons; systemd calls a socket `unknown`, or like its
/// unit, when nobody named it.
fn roles(names: &str, count: usize) -> Result<Vec<Role>, BadSocket> {
    let names: Vec<&str> = names.split(':').collect();
    let named = |name: &&str| Role::ALL.into_iter().find(|role| role.name() == *name);
    let by_name = names.iter().any(|name| named(name).is_some());
    let mut roles = Vec::with_capacity(count);
    for index in 0..count {
        let name = names.get(index).copied().unwrap_or("unknown");
        let role = if by_name { named(&name) } else { Role::ALL.get(index).copied() };
        match role.filter(|role| !roles.contains(role)) {
            Some(role) => roles.push(role),
            None => return Err(BadSocket::Name(name.to_owned())),
        }
    }
    Ok(roles)
}

/// A socket to accept connections from.
pub(crate) struct Listening {
    pub(super) listener: TcpListener,
    /// Whether somebody else goes on listening when we stop.
    pub(super) handed_over: bool,
}

impl Listening {
    /// Takes the socket that was handed over, or opens one.
    pub(crate) fn open(
        handed: Option<std::net::TcpListener>,
        address: SocketAddr,
        reuse_port: bool,
    ) -> io::Result<Self> {
        if let Some(listener) = handed {
            listener.set_nonblocking(true)?;
            return Ok(Self { listener: TcpListener::from_std(listener)?, handed_over: true });
        }
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        if reuse_port {
            socket.set_reuseport(true)?;
        }
        socket.bind(address)?;
        Ok(Self { listener: socket.listen(BACKLOG)?, handed_over: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::{Admin, Public};

    #[test]
    fn sockets_are_told_apart_by_name_or_else_by_order() {
        for (names, expected) in [
            ("public:admin", vec![Public, Admin]),
            ("admin:public", vec![Admin, Public]),
            ("admin", vec![Admin]),
            ("", vec![Public, Admin]),
            ("unknown:unknown", vec![Public, Admin]),
            ("lgsp.socket", vec![Public]),
            ("", vec![]),
        ] {
            assert_eq!(roles(names, expected.len()).unwrap(), expected, "{names}");
        }
    }

    #[test]
    fn a_socket_that_nobody_knows_the_use_of_is_refused() {
        for (names, count) in [("public:public", 2), ("public:metrics", 2), ("", 3), ("public", 2)] {
            assert!(matches!(roles(names, count), Err(BadSocket::Name(_))), "{names}");
        }
    }
}
