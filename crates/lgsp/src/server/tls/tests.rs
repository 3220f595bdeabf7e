//! Good and bad files; what a handshake makes of them is tested from outside.

use std::path::PathBuf;

use lgsp_config::{CertificateFiles, ClientCertificates, Tls};
use rcgen::{CertificateParams, KeyPair};

use super::*;

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A certificate for hosts, and its key.
    fn certificate(&self, hosts: &[&str]) -> CertificateFiles {
        let key = KeyPair::generate().unwrap();
        let mut params =
            CertificateParams::new(hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>()).unwrap();
        params.not_after = rcgen::date_time_ymd(2030, 1, 2);
        let certificate = params.self_signed(&key).unwrap();
        CertificateFiles {
            cert: self.write(&format!("{}.pem", hosts[0]), &certificate.pem()),
            key: self.write(&format!("{}.key", hosts[0]), &key.serialize_pem()),
        }
    }
}

fn told(tls: Tls) -> String {
    let errors = TlsSetup::load(&tls).err().expect("bad files");
    errors.iter().map(|error| format!("{error}\n")).collect()
}

#[test]
fn good_files_are_read_with_their_names_and_ends() {
    let files = Files::new();
    let certificates = vec![files.certificate(&["a.example"]), files.certificate(&["b.example", "*.b.example"])];
    let authorities = files.certificate(&["authority.example"]).cert;
    let clients = Some(ClientCertificates { authorities, revoked: None, required: true });
    let setup = TlsSetup::load(&Tls { certificates, clients }).unwrap_or_else(|errors| panic!("{errors:?}"));
    let names: Vec<_> = setup.ends().iter().map(|end| (end.name.as_str(), end.at)).collect();
    let end = 1_893_542_400;
    assert_eq!(names, [("a.example", end), ("b.example", end), ("authority.example", end)]);
    let chosen = ["a.example", "x.b.example", "b.example", "c.example"].map(|host| position(&setup.names, host));
    assert_eq!(chosen, [Some(0), Some(1), Some(1), None]);
}

#[test]
fn every_bad_file_is_named_with_what_is_wrong() {
    let files = Files::new();
    let (a, b) = (files.certificate(&["a.example"]), files.certificate(&["b.example"]));
    let empty = files.write("empty.pem", "");
    let spoilt = files.write("spoilt.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let with = |cert: &PathBuf, key: &PathBuf| Tls {
        certificates: vec![CertificateFiles { cert: cert.clone(), key: key.clone() }],
        clients: None,
    };
    for (tls, sentence) in [
        (with(&a.cert, &b.key), "a.example.pem: is not the certificate of the key"),
        (with(&a.key, &a.key), "a.example.key: no certificate"),
        (with(&empty, &a.key), "empty.pem: no certificate"),
        (with(&spoilt, &a.key), "spoilt.pem: a certificate in it cannot be understood"),
        (with(&a.cert, &a.cert), "a.example.pem: no private key"),
        (with(&a.cert, &files.0.path().join("none.key")), "none.key: cannot be read"),
    ] {
        assert!(told(tls).contains(sentence), "{sentence}");
    }
    let mut tls = with(&a.cert, &b.key);
    tls.clients = Some(ClientCertificates { authorities: empty, revoked: None, required: false });
    assert_eq!(told(tls).lines().count(), 2, "all errors at once");
}

#[test]
fn a_list_of_revoked_certificates_that_is_none_is_refused() {
    let files = Files::new();
    let one = files.certificate(&["a.example"]);
    let clients = ClientCertificates { authorities: one.cert.clone(), revoked: Some(one.cert.clone()), required: true };
    let told = told(Tls { certificates: vec![one], clients: Some(clients) });
    assert!(told.contains("a.example.pem: no list of revoked certificates"), "{told}");
}
