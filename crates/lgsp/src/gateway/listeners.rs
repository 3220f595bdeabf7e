//! The two listeners of a gateway from its configuration: their sockets, what they encrypt with, and their start.

use std::net::SocketAddr;
use std::sync::Arc;

use lgsp_config::{Config, Limits, Network, Tls};

use super::StartError;
use crate::admin::AdminServer;
use crate::app::App;
use crate::server::{CertificateEnd, Entrance, Listening, Server, Sockets, TlsSetup};

/// What both listeners encrypt with.
pub(super) struct Encryption {
    pub(super) public: Option<TlsSetup>,
    pub(super) admin: Option<TlsSetup>,
}

impl Encryption {
    pub(super) async fn load(config: &Config) -> Result<Self, StartError> {
        let (public, admin) = (config.public.tls.clone(), config.admin.tls.clone());
        let load = move || {
            let read = |tls: Option<Tls>| tls.as_ref().map(TlsSetup::load).transpose();
            Ok(Self { public: read(public)?, admin: read(admin)? })
        };
        tokio::task::spawn_blocking(load).await.expect("reading certificates does not panic").map_err(StartError::Tls)
    }

    pub(super) fn ends(&self) -> Vec<CertificateEnd> {
        self.public.iter().chain(&self.admin).flat_map(TlsSetup::ends).cloned().collect()
    }
}

/// Both listeners' sockets and what they are made of, apart from their encryption.
pub(super) struct Entrances {
    public: Listening,
    admin: Listening,
    proxies: Vec<Network>,
    url: String,
    addresses: [SocketAddr; 2],
}

impl Entrances {
    pub(super) fn open(sockets: Sockets, config: &Config) -> Result<Self, StartError> {
        let (public, admin) = (&config.public, &config.admin);
        let open = |socket, address, reuse_port| {
            Listening::open(socket, address, reuse_port).map_err(|error| StartError::Listen(address, error))
        };
        Ok(Self {
            public: open(sockets.public, public.listen, public.reuse_port)?,
            admin: open(sockets.admin, admin.listen, admin.reuse_port)?,
            proxies: public.proxies.clone(),
            url: config.issuer.url.clone(),
            addresses: [public.listen, admin.listen],
        })
    }

    pub(super) fn start(
        self,
        encryption: Encryption,
        limits: &Limits,
        app: &Arc<App>,
    ) -> Result<(Server, AdminServer), StartError> {
        let [public, admin] = self.addresses;
        let entrance = |listening, tls, proxies| Entrance { listening, tls, proxies, url: self.url.clone() };
        let members = entrance(self.public, encryption.public, self.proxies);
        let operators = entrance(self.admin, encryption.admin, Vec::new());
        let public = Server::start(members, limits, app.clone()).map_err(|error| StartError::Listen(public, error))?;
        let admin = crate::admin::start(operators, app.clone()).map_err(|error| StartError::Listen(admin, error))?;
        Ok((public, admin))
    }
}
