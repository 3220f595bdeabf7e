//! Text and variables become a checked [`Config`], or *all* the errors at once, each with its path and line.
//!
//! It reads neither the environment nor the disk: the caller passes both in as functions. It knows no connector's
//! settings (they stay a table for the connector to check) and does not say what the values do at run time.
//!
//! ```
//! let text = r#"
//!     version = 1
//!     [admin]
//!     token = "${ADMIN_TOKEN}"
//!     [issuer]
//!     url = "http://127.0.0.1:8080"
//! "#;
//! let variables = |name: &str| (name == "ADMIN_TOKEN").then(|| "0123456789abcdef".to_owned());
//! let no_files = |_: &std::path::Path| Err("no files here".to_owned());
//! let config = lgsp_config::parse(text, "/etc/lgsp".as_ref(), &variables, &no_files).expect("a good file");
//! assert_eq!(config.limits.array_records, 1000);
//!
//! let errors = lgsp_config::parse("version = 2\ncolour = 1", "".as_ref(), &variables, &no_files).unwrap_err();
//! assert!(lgsp_config::format_errors(&errors).contains("colour"));
//! ```

mod document;
mod error;
mod identity;
mod payments;
mod read;
mod secret;
mod sections;
mod settings;
mod sign_in;
mod substitute;

use std::path::Path;

pub use error::{ConfigError, Problem, Quantity, format_errors};
pub use identity::{
    ApiKey, BadBinding, BadKeyId, CertificateBinding, Credential, Fingerprint, KeyDigest, KeyId, LgspAccess, Member,
    NationalLogin, San, SignatureAlgorithm, SignatureKey,
};
pub use lgsp_model::ByteCount;
pub use payments::{MemberPayments, Payee, PaymentProvider, Payments};
pub use secret::{PasswordHash, Secret};
pub use settings::{
    Admin, Breaker, CertificateFiles, ClientCertificates, Config, ConnectorSettings, Contracts, Delivery, Flow, Issuer,
    Limits, Lockout, Log, LogFormat, LogLevel, National, Network, Public, Retry, SoftState, Start, Store, Target, Tls,
};
pub use sign_in::{ClaimScope, Client, IdentityProvider, ProviderId, SignIn, SubjectType, TokenAlgorithm};

/// The shipped file: every key, its unit and its default, commented. It parses once its variables are given.
pub const DEFAULT: &str = include_str!("../../../config/lgsp.toml");

/// Reads a configuration file.
///
/// * `base`: the directory that relative paths are relative to (that of the file);
/// * `vars`: the value of a variable named in `${NAME}`;
/// * `read_file`: the content of a file named in `file:PATH`, or why it cannot be read.
///
/// # Errors
/// Every error that the text has, in the order of the text; none of them repeats a value.
pub fn parse(
    text: &str,
    base: &Path,
    vars: &dyn Fn(&str) -> Option<String>,
    read_file: &dyn Fn(&Path) -> Result<String, String>,
) -> Result<Config, Vec<ConfigError>> {
    sections::parse(text, &substitute::Inputs { base, vars, read_file })
}

/// Resolves `${NAME}` and `file:PATH` in one text that stands outside of the configuration file, such as the address
/// and the credentials of a service's upstream. Arguments as for [`parse`].
///
/// # Errors
/// A variable that is not set, a file that cannot be read, a reference that is none. The value is never repeated.
pub fn resolve(
    leaf: &str,
    base: &Path,
    vars: &dyn Fn(&str) -> Option<String>,
    read_file: &dyn Fn(&Path) -> Result<String, String>,
) -> Result<Secret, Problem> {
    substitute::substitute(leaf, &substitute::Inputs { base, vars, read_file }).map(Secret::new)
}
