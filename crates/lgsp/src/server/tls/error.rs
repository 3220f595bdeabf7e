//! What can be wrong with the files of TLS. No error shows a key.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// One thing that is wrong.
#[derive(Debug)]
pub enum TlsError {
    /// A file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// A file is larger than any that is needed.
    TooLarge(PathBuf),
    /// A file has no certificate.
    NoCertificate(PathBuf),
    /// A certificate cannot be understood.
    Malformed(PathBuf),
    /// A file has no private key, or one of an unknown kind.
    NoKey(PathBuf),
    /// A certificate and a key that do not belong together.
    Mismatch(PathBuf, PathBuf),
    /// A file has no list of revoked certificates.
    NoRevoked(PathBuf),
    /// The library refuses what was read.
    Setup(rustls::Error),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "{}: cannot be read: {error}", path.display()),
            Self::TooLarge(path) => write!(f, "{}: too large to be read", path.display()),
            Self::NoCertificate(path) => {
                write!(f, "{}: no certificate; it has to begin with -----BEGIN CERTIFICATE-----", path.display())
            }
            Self::Malformed(path) => write!(f, "{}: a certificate in it cannot be understood", path.display()),
            Self::NoKey(path) => write!(
                f,
                "{}: no private key that can be used; it has to be PEM without a password (PKCS#8, PKCS#1 or SEC1; RSA, \
                 ECDSA or Ed25519)",
                path.display()
            ),
            Self::Mismatch(certificate, key) => {
                write!(f, "{}: is not the certificate of the key {}", certificate.display(), key.display())
            }
            Self::NoRevoked(path) => {
                write!(
                    f,
                    "{}: no list of revoked certificates; it has to begin with -----BEGIN X509 CRL-----",
                    path.display()
                )
            }
            Self::Setup(error) => write!(f, "TLS cannot be set up: {error}"),
        }
    }
}

impl std::error::Error for TlsError {}
