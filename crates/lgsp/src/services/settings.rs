//! An upstream's terms, as the contract writes them → settings with this installation's addresses and secrets.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};
use hyper::http::uri::PathAndQuery;
use lgsp_connect::{
    Http2, Identity, ProbeSettings, RetrySettings, ServerAddress, ServerSettings, TlsSettings, UpstreamSettings,
};
use lgsp_contract::{Catalogue, CredentialTerms, LoginTerms, OAuth2Terms, Service, UpstreamTerms};
use lgsp_core::{Backoff, BreakerPolicy, RetryBudgetPolicy};
use secrecy::{ExposeSecret, SecretString};

/// Where the values of `${NAME}` and `file:PATH` come from.
pub(crate) struct Values<'a> {
    /// The folder that paths are relative to.
    pub(crate) base: &'a Path,
    /// The variable of a name.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
    /// The text of a file.
    pub(crate) read_file: &'a dyn Fn(&Path) -> Result<String, String>,
}

/// What keeps a service from being called here: the key, and what is wrong with it. Never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotReady {
    pub(crate) key: String,
    pub(crate) cause: String,
}

impl std::fmt::Display for NotReady {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.key, self.cause)
    }
}

/// An upstream's terms with values.
pub(crate) struct Resolved {
    pub(crate) upstream: UpstreamSettings,
    pub(crate) credentials: Credentials,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Resolved {
    /// Writes everything, secrets included, for a digest.
    pub(crate) fn describe(&self, out: &mut String) {
        let upstream = &self.upstream;
        for server in &upstream.servers {
            let _ = writeln!(out, "{} {}", server.address, server.weight);
        }
        let tls = &upstream.tls;
        let _ = writeln!(out, "{:?} {:?}", tls.ca_pem, tls.server_name);
        if let Some(identity) = &tls.identity {
            let _ = writeln!(out, "{:?} {}", identity.chain_pem, identity.key_pem.expose_secret());
        }
        for (name, value) in &self.headers {
            let _ = writeln!(out, "{name} {:?}", value.as_bytes());
        }
        match &self.credentials {
            Credentials::None => {}
            Credentials::Fixed(name, value) => {
                let _ = writeln!(out, "{name} {:?}", value.as_bytes());
            }
            Credentials::Token(source) => {
                let authorization = source.request.authorization.as_ref().map(|value| value.expose_secret());
                let body = source.request.body.expose_secret();
                let _ = writeln!(out, "{} {} {authorization:?} {body}", source.address, source.path);
            }
        }
    }
}

/// How the gateway proves who it is.
#[derive(Clone)]
pub(crate) enum Credentials {
    None,
    /// One header, the same for every call.
    Fixed(HeaderName, HeaderValue),
    /// A token that is asked for.
    Token(Box<TokenSource>),
}

/// Where a token comes from.
#[derive(Clone)]
pub(crate) struct TokenSource {
    pub(crate) address: ServerAddress,
    pub(crate) path: PathAndQuery,
    pub(crate) request: TokenRequest,
    pub(crate) header: HeaderName,
    pub(crate) prefix: String,
    pub(crate) token: Vec<String>,
    pub(crate) expires_in: Vec<String>,
    pub(crate) life: std::time::Duration,
}

/// What is sent to get a token.
#[derive(Clone)]
pub(crate) struct TokenRequest {
    pub(crate) content_type: &'static str,
    pub(crate) authorization: Option<SecretString>,
    pub(crate) body: SecretString,
}

impl Values<'_> {
    /// The value of one text of a contract.
    fn resolve(&self, key: &str, text: &str) -> Result<SecretString, NotReady> {
        let refused = |cause: String| NotReady { key: key.to_owned(), cause };
        let value = lgsp_config::resolve(text, self.base, self.variable, self.read_file)
            .map_err(|problem| refused(problem.to_string()))?;
        if value.expose().is_empty() {
            return Err(refused("has no value".to_owned()));
        }
        Ok(SecretString::from(value.expose().to_owned()))
    }

    fn file(&self, key: &str, text: &str) -> Result<SecretString, NotReady> {
        let path = self.resolve(key, text)?;
        let path = path.expose_secret();
        // A file's content may be given itself, by `file:` or a variable.
        if path.starts_with("-----BEGIN") {
            return Ok(SecretString::from(path.to_owned()));
        }
        let read = (self.read_file)(&self.base.join(path));
        read.map(SecretString::from).map_err(|cause| NotReady { key: key.to_owned(), cause })
    }
}

/// The services of a catalogue that cannot be called here, and what keeps each from it.
pub(crate) fn unready(contracts: &Catalogue, values: &Values<'_>) -> Vec<(String, NotReady)> {
    let of_service = |service: &Arc<Service>| {
        let cause = resolve(service.upstream()?, values).err()?;
        Some((format!("{} {}", service.id(), service.version()), cause))
    };
    contracts.services().filter_map(of_service).collect()
}

fn not_ready(key: &str, cause: impl ToString) -> NotReady {
    NotReady { key: key.to_owned(), cause: cause.to_string() }
}

/// Puts values into an upstream's terms.
pub(crate) fn resolve(terms: &UpstreamTerms, values: &Values<'_>) -> Result<Resolved, NotReady> {
    let mut servers = Vec::new();
    for (url, weight) in &terms.servers {
        let url = values.resolve("upstream.servers", url)?;
        let address = url.expose_secret().parse().map_err(|error| not_ready("upstream.servers", error))?;
        servers.push(ServerSettings { address, weight: *weight });
    }
    let mut settings = UpstreamSettings::new(servers);
    settings.connect_timeout = terms.connect_timeout;
    settings.timeout = terms.timeout;
    settings.concurrency = terms.concurrency;
    settings.http2 = if terms.http2 { Http2::Always } else { Http2::Never };
    let budget = RetryBudgetPolicy { ratio: terms.retry_budget, ..RetryBudgetPolicy::default() };
    settings.retry = RetrySettings { attempts: terms.attempts, budget };
    let (failures, open, open_max) = terms.breaker;
    let pause = Backoff { first: open, max: open_max.max(open), spread: PAUSE_SPREAD };
    settings.breaker = BreakerPolicy { consecutive: failures, open: pause };
    if let Some((path, every, timeout)) = &terms.probe {
        let path = path.parse().map_err(|error| not_ready("upstream.probe.path", error))?;
        settings.probe = Some(ProbeSettings { path, every: *every, timeout: *timeout });
    }
    settings.tls = tls(terms, values)?;
    Ok(Resolved {
        upstream: settings,
        credentials: credentials(&terms.credentials, values)?,
        headers: headers(terms, values)?,
    })
}

/// The share of a pause that chance may take away, so that several gateways do not come back at once.
const PAUSE_SPREAD: f64 = 0.2;

fn tls(terms: &UpstreamTerms, values: &Values<'_>) -> Result<TlsSettings, NotReady> {
    let ca = terms.tls.ca.as_deref().map(|ca| values.file("upstream.tls.ca", ca)).transpose()?;
    let identity = match (&terms.tls.cert, &terms.tls.key) {
        (Some(cert), Some(key)) => Some(Identity {
            chain_pem: values.file("upstream.tls.cert", cert)?.expose_secret().as_bytes().to_vec(),
            key_pem: values.file("upstream.tls.key", key)?,
        }),
        _ => None,
    };
    let server_name = match &terms.tls.server_name {
        Some(name) => Some(values.resolve("upstream.tls.server_name", name)?.expose_secret().to_owned()),
        None => None,
    };
    Ok(TlsSettings { ca_pem: ca.map(|pem| pem.expose_secret().as_bytes().to_vec()), identity, server_name })
}

fn headers(terms: &UpstreamTerms, values: &Values<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, NotReady> {
    let mut headers = Vec::new();
    for (name, value) in &terms.headers {
        let key = format!("upstream.headers.{name}");
        let value = values.resolve(&key, value)?;
        headers.push((header_name(&key, name)?, header_value(&key, value.expose_secret())?));
    }
    Ok(headers)
}

fn header_name(key: &str, name: &str) -> Result<HeaderName, NotReady> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|error| not_ready(key, error))
}

fn header_value(key: &str, value: &str) -> Result<HeaderValue, NotReady> {
    let mut value =
        HeaderValue::from_str(value).map_err(|_| not_ready(key, "holds characters that no header may have"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn credentials(terms: &CredentialTerms, values: &Values<'_>) -> Result<Credentials, NotReady> {
    let at = |key: &str| format!("upstream.credentials.{key}");
    Ok(match terms {
        CredentialTerms::None => Credentials::None,
        CredentialTerms::Header { name, value } => {
            let value = values.resolve(&at("value"), value)?;
            Credentials::Fixed(header_name(&at("name"), name)?, header_value(&at("value"), value.expose_secret())?)
        }
        CredentialTerms::Basic { username, password } => {
            let basic = basic(
                values.resolve(&at("username"), username)?.expose_secret(),
                values.resolve(&at("password"), password)?.expose_secret(),
            );
            Credentials::Fixed(hyper::header::AUTHORIZATION, header_value(&at("password"), basic.expose_secret())?)
        }
        CredentialTerms::OAuth2(terms) => Credentials::Token(Box::new(oauth2(terms, values)?)),
        CredentialTerms::Login(terms) => Credentials::Token(Box::new(login(terms, values)?)),
    })
}

fn basic(username: &str, password: &str) -> SecretString {
    use base64::Engine as _;
    let joined = format!("{username}:{password}");
    SecretString::from(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(joined)))
}

/// Client credentials (RFC 6749 §4.4).
fn oauth2(terms: &OAuth2Terms, values: &Values<'_>) -> Result<TokenSource, NotReady> {
    let (address, path) = endpoint("upstream.credentials.token_url", &terms.token_url, values)?;
    let id = values.resolve("upstream.credentials.client_id", &terms.client_id)?;
    let secret = values.resolve("upstream.credentials.client_secret", &terms.client_secret)?;
    let in_form = terms.in_form;
    let mut form = vec![("grant_type", "client_credentials".to_owned())];
    form.extend(terms.scope.as_ref().map(|scope| ("scope", scope.clone())));
    if in_form {
        form.push(("client_id", id.expose_secret().to_owned()));
        form.push(("client_secret", secret.expose_secret().to_owned()));
    }
    let request = TokenRequest {
        content_type: "application/x-www-form-urlencoded",
        authorization: (!in_form).then(|| basic(id.expose_secret(), secret.expose_secret())),
        body: SecretString::from(crate::form::encode(&form)),
    };
    Ok(TokenSource {
        address,
        path,
        request,
        header: hyper::header::AUTHORIZATION,
        prefix: "Bearer ".to_owned(),
        token: vec!["/access_token".to_owned()],
        expires_in: vec!["/expires_in".to_owned()],
        life: DEFAULT_LIFE,
    })
}

/// How long a token lives whose answer does not say: as short as is still of use.
const DEFAULT_LIFE: std::time::Duration = std::time::Duration::from_secs(60);

fn login(terms: &LoginTerms, values: &Values<'_>) -> Result<TokenSource, NotReady> {
    let (address, path) = endpoint("upstream.credentials.url", &terms.url, values)?;
    let mut body: serde_json::Value =
        serde_json::from_str(&terms.body).map_err(|error| not_ready("upstream.credentials.body", error))?;
    fill(&mut body, values)?;
    let request = TokenRequest {
        content_type: "application/json",
        authorization: None,
        body: SecretString::from(body.to_string()),
    };
    Ok(TokenSource {
        address,
        path,
        request,
        header: header_name("upstream.credentials.header", &terms.header)?,
        prefix: terms.prefix.clone(),
        token: terms.token.clone(),
        expires_in: terms.expires_in.clone(),
        life: terms.life,
    })
}

/// Puts values into the texts of a login's body; their structure stays as it is written.
fn fill(body: &mut serde_json::Value, values: &Values<'_>) -> Result<(), NotReady> {
    match body {
        serde_json::Value::String(text) => {
            *text = values.resolve("upstream.credentials.body", text)?.expose_secret().to_owned();
        }
        serde_json::Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, values))?,
        serde_json::Value::Object(members) => members.values_mut().try_for_each(|value| fill(value, values))?,
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
    Ok(())
}

/// Server and path of an address.
fn endpoint(key: &str, text: &str, values: &Values<'_>) -> Result<(ServerAddress, PathAndQuery), NotReady> {
    let url = values.resolve(key, text)?;
    let uri: hyper::Uri = url.expose_secret().parse().map_err(|error| not_ready(key, error))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(not_ready(key, "must be an absolute http or https address"));
    };
    let address = format!("{scheme}://{authority}").parse().map_err(|error| not_ready(key, error))?;
    Ok((address, uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))))
}
