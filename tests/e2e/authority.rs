//! A certificate authority for one test, and clients that trust it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Serial numbers differ, as a list of revoked ones needs it.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// The authority; its files live as long as it does.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    dir: TempDir,
}

/// A certificate and its key, as files and as values.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) der: CertificateDer<'static>,
    pub(crate) serial: u64,
}

/// How a client connects.
#[derive(Clone, Default)]
pub(crate) struct Ask<'a> {
    /// The host that it asks for; without one it connects to the address.
    pub(crate) host: Option<&'a str>,
    pub(crate) protocols: &'a [&'a str],
    pub(crate) version: Option<&'static SupportedProtocolVersion>,
    pub(crate) identity: Option<&'a Leaf>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(vec!["authority.test".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("authority.pem"), certificate.pem()).unwrap();
        Self { issuer: Issuer::new(params, key), certificate: certificate.der().clone(), dir }
    }

    /// The file of its own certificate.
    pub(crate) fn file(&self) -> PathBuf {
        self.dir.path().join("authority.pem")
    }

    /// A certificate for these names, in files called `name`.
    pub(crate) fn leaf(&self, name: &str, hosts: &[&str]) -> Leaf {
        self.leaf_until(name, hosts, 2999)
    }

    /// One that ends with the begin of a year.
    pub(crate) fn leaf_until(&self, name: &str, hosts: &[&str], year: i32) -> Leaf {
        self.issue(name, hosts, |params| params.not_after = date_time_ymd(year, 1, 1))
    }

    /// One that lasts so long from now on.
    pub(crate) fn leaf_for(&self, name: &str, hosts: &[&str], lasts: Duration) -> Leaf {
        self.issue(name, hosts, |params| params.not_after = (SystemTime::now() + lasts).into())
    }

    fn issue(&self, name: &str, hosts: &[&str], end: impl Fn(&mut CertificateParams)) -> Leaf {
        let mut params =
            CertificateParams::new(hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>()).unwrap();
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        params.serial_number = Some(SerialNumber::from(serial));
        params.distinguished_name.push(DnType::CommonName, name);
        end(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let (cert, path) = (self.dir.path().join(format!("{name}.pem")), self.dir.path().join(format!("{name}.key")));
        std::fs::write(&cert, certificate.pem()).unwrap();
        std::fs::write(&path, key.serialize_pem()).unwrap();
        Leaf { cert, key: path, der: certificate.der().clone(), serial }
    }

    /// A list that revokes these, as a file.
    pub(crate) fn revoke(&self, leaves: &[&Leaf]) -> PathBuf {
        let revoked = |leaf: &&Leaf| RevokedCertParams {
            serial_number: SerialNumber::from(leaf.serial),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2999, 1, 1),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: leaves.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let path = self.dir.path().join("revoked.pem");
        std::fs::write(&path, params.signed_by(&self.issuer).unwrap().pem().unwrap()).unwrap();
        path
    }

    /// Connects as a client that trusts this authority alone.
    pub(crate) async fn connect(&self, to: SocketAddr, ask: &Ask<'_>) -> std::io::Result<TlsStream<TcpStream>> {
        Self::connect_with(self.client(ask), to, ask.host).await
    }

    /// Connects with a client that may have been here before.
    pub(crate) async fn connect_with(
        client: Arc<ClientConfig>,
        to: SocketAddr,
        host: Option<&str>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let name = match host {
            Some(host) => ServerName::try_from(host.to_owned()).unwrap(),
            None => ServerName::from(to.ip()),
        };
        TlsConnector::from(client).connect(name, TcpStream::connect(to).await?).await
    }

    /// A client that trusts this authority alone and remembers its sessions.
    pub(crate) fn client(&self, ask: &Ask<'_>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let versions = ask.version.map_or(rustls::ALL_VERSIONS.to_vec(), |version| vec![version]);
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match ask.identity {
            None => builder.with_no_client_auth(),
            Some(leaf) => {
                let key = PrivateKeyDer::from_pem_file(&leaf.key).unwrap();
                builder.with_client_auth_cert(vec![leaf.der.clone()], key).unwrap()
            }
        };
        config.alpn_protocols = ask.protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

impl Leaf {
    /// The lines of the configuration that name it.
    pub(crate) fn lines(&self) -> String {
        format!("cert = \"{}\"\nkey = \"{}\"\n", self.cert.display(), self.key.display())
    }

    /// Takes another one's place in its files.
    pub(crate) fn replace_with(&self, other: &Self) {
        std::fs::copy(&other.key, &self.key).unwrap();
        std::fs::copy(&other.cert, &self.cert).unwrap();
    }
}
