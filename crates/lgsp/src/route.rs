//! Which work a path and method ask for. One table; it checks no rights.

use hyper::Method;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use lgsp_config::National;
use lgsp_contract::{Format, Found, NotFound, Operation, Router};
use lgsp_model::Timestamp;

use crate::answer::Dialect;
use crate::broker::Errand;
use crate::failure::Failure;
use crate::payments;
use crate::server::REFUSED_PATH;
use crate::services::Description;
use lgsp_model::ErrorCode;

/// The work that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Services,
    Description(String, Description),
    Message(String),
    /// An operation of a contract.
    Service(Box<ServiceRoute>),
    /// A service's path, asked for in another way than its contract says.
    ServiceMethod(String),
    PushDossiers,
    PushProgress,
    Dossier(String),
    History(String),
    Changes,
    Broker(Errand),
    Payment(payments::Errand),
    Jwks,
    Metadata,
    Discovery,
    OpenApi,
    ErrorPage(String),
    NationalLogin,
    NationalCall,
    /// A head that was refused before it was parsed, and why.
    Refused(String),
    Unknown,
}

/// An operation of a contract, and how its caller is answered.
#[derive(Clone, Debug)]
pub(crate) struct ServiceRoute {
    pub(crate) found: Found,
    dialect: Dialect,
}

impl ServiceRoute {
    fn new(found: Found, parts: &Parts) -> Self {
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let format = found.operation().caller_format(content_type);
        let dialect = format.map_or_else(|| said(content_type), Dialect::from);
        Self { found, dialect }
    }
}

/// Two requests for the same operation are the same route.
impl PartialEq for ServiceRoute {
    fn eq(&self, other: &Self) -> bool {
        self.found.label == other.found.label && self.dialect == other.dialect
    }
}

impl Eq for ServiceRoute {}

/// The dialect of a caller who sends what the service does not take: what he seems to speak.
fn said(content_type: Option<&str>) -> Dialect {
    match content_type.map(|text| text.split(';').next().unwrap_or_default().trim()) {
        Some("application/soap+xml") => Dialect::Xml(Format::Soap12),
        Some("text/xml") => Dialect::Xml(Format::Soap11),
        Some("application/xml") => Dialect::Xml(Format::Xml),
        _ => Dialect::Json,
    }
}

/// Tools that read SOAP services ask for `?wsdl` at their address.
fn wants_wsdl(parts: &Parts) -> bool {
    parts.method == Method::GET && parts.uri.query().is_some_and(|query| query.eq_ignore_ascii_case("wsdl"))
}

/// Whether a segment of the path is `.` or `..`, also encoded: another server may take it for the folder above.
fn has_dots(path: &str) -> bool {
    // Most paths hold none of the signs of which such segments are made.
    if !path.bytes().any(|b| matches!(b, b'.' | b'%' | b'\\')) {
        return false;
    }
    let plain = |segment: &str| segment.replace("%2e", ".").replace("%2E", ".");
    path.contains('\\')
        || path.to_ascii_lowercase().contains("%2f")
        || path.split('/').any(|segment| matches!(plain(segment).as_str(), "." | ".."))
}

/// Where both generations of the portal's adapter listen.
const ADAPTERS: [&str; 2] = ["/XrdAdapter/RestService/forward/", "/VXPAdapter/RestService/forward/"];

impl Route {
    /// Resolves a path.
    pub(crate) fn of(path: &str, national: &National) -> Self {
        if let Some(rest) = ADAPTERS.iter().find_map(|adapter| path.strip_prefix(adapter)) {
            return match rest.trim_matches('/') {
                rest if rest == national.login_path => Self::NationalLogin,
                rest if rest == national.call_path => Self::NationalCall,
                _ => Self::Unknown,
            };
        }
        match path {
            "/v1/dossiers" => Self::PushDossiers,
            "/v1/progress" => Self::PushProgress,
            "/v1/changes" => Self::Changes,
            "/token" => Self::Broker(Errand::Token),
            "/.well-known/jwks.json" => Self::Jwks,
            "/.well-known/oauth-authorization-server" => Self::Metadata,
            "/.well-known/openid-configuration" => Self::Discovery,
            "/openapi.json" => Self::OpenApi,
            "/v1/services" => Self::Services,
            _ => Self::with_argument(path),
        }
    }

    fn with_argument(path: &str) -> Self {
        let decoded = |text: &str| crate::form::decode(&text.replace('+', "%2B")).unwrap_or_default();
        if let Some(rest) = path.strip_prefix("/v1/dossiers/") {
            return match rest.split_once('/') {
                None => Self::Dossier(decoded(rest)),
                Some((code, "history")) => Self::History(decoded(code)),
                Some(_) => Self::Unknown,
            };
        }
        if let Some(rest) = path.strip_prefix("/v1/services/") {
            return match rest.split_once('/') {
                Some((id, "openapi.json")) => Self::Description(decoded(id), Description::OpenApi),
                Some((id, "wsdl")) => Self::Description(decoded(id), Description::Wsdl),
                _ => Self::Unknown,
            };
        }
        if let Some(rest) = path.strip_prefix("/oauth2/") {
            return Errand::of(rest).map_or(Self::Unknown, Self::Broker);
        }
        if let Some(errand) = payments::Errand::of(path) {
            return Self::Payment(errand);
        }
        if let Some(id) = path.strip_prefix("/v1/messages/") {
            return Self::Message(decoded(id));
        }
        if let Some(slug) = path.strip_prefix("/errors/") {
            return Self::ErrorPage(slug.to_owned());
        }
        path.strip_prefix(REFUSED_PATH).map_or(Self::Unknown, |word| Self::Refused(word.to_owned()))
    }

    /// The same, and the services of contracts where the gateway itself has nothing.
    pub(crate) fn resolve(parts: &Parts, national: &National, services: &Router, at: Timestamp) -> Self {
        let path = parts.uri.path();
        let own = Self::of(path, national);
        if own != Self::Unknown || has_dots(path) {
            return own;
        }
        match services.find(path, parts.method.as_str(), at) {
            Ok(found) if wants_wsdl(parts) => Self::Description(found.service.id().to_owned(), Description::Wsdl),
            Ok(found) => Self::Service(Box::new(ServiceRoute::new(found, parts))),
            Err(NotFound::Method(_) | NotFound::Path) if wants_wsdl(parts) => match services.service(path, at) {
                Some(service) => Self::Description(service.id().to_owned(), Description::Wsdl),
                None => Self::Unknown,
            },
            Err(NotFound::Method(allowed)) => Self::ServiceMethod(allowed.join(", ")),
            Err(NotFound::Path | NotFound::NotYet) => Self::Unknown,
        }
    }

    /// The label of metrics and logs.
    pub(crate) fn label(&self) -> &str {
        match self {
            Self::Services => "/v1/services",
            Self::Description(..) => "/v1/services/{id}/{description}",
            Self::Message(_) => "/v1/messages/{id}",
            Self::Service(route) => &route.found.label,
            Self::ServiceMethod(_) => "service",
            Self::PushDossiers => "/v1/dossiers",
            Self::PushProgress => "/v1/progress",
            Self::Dossier(_) => "/v1/dossiers/{MaHoSo}",
            Self::History(_) => "/v1/dossiers/{MaHoSo}/history",
            Self::Changes => "/v1/changes",
            Self::Broker(errand) => errand.label(),
            Self::Payment(errand) => errand.label(),
            Self::Jwks => "/.well-known/jwks.json",
            Self::Metadata => "/.well-known/oauth-authorization-server",
            Self::Discovery => "/.well-known/openid-configuration",
            Self::OpenApi => "/openapi.json",
            Self::ErrorPage(_) => "/errors/{slug}",
            Self::NationalLogin => "national/login",
            Self::NationalCall => "national/call",
            Self::Refused(_) | Self::Unknown => "unknown",
        }
    }

    /// The operation of a contract that is asked for.
    pub(crate) fn operation(&self) -> Option<&Operation> {
        match self {
            Self::Service(route) => Some(route.found.operation()),
            _ => None,
        }
    }

    /// The dialect that errors are written in.
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::NationalLogin | Self::NationalCall => Dialect::National,
            Self::Broker(errand) if errand.is_for_people() => Dialect::Page,
            Self::Payment(errand) if errand.is_for_people() => Dialect::Page,
            Self::Broker(Errand::UserInfo) => Dialect::Json,
            Self::Broker(_) => Dialect::OAuth,
            Self::Service(route) => route.dialect,
            _ => Dialect::Json,
        }
    }

    /// Whether the method fits.
    pub(crate) fn check_method(&self, method: &Method) -> Result<(), Failure> {
        let (allowed, fits) = match self {
            Self::PushDossiers | Self::PushProgress | Self::NationalLogin | Self::NationalCall => {
                ("POST", method == Method::POST)
            }
            Self::Broker(errand) => one_of(errand.methods(), method),
            Self::Payment(errand) => one_of(errand.methods(), method),
            Self::ServiceMethod(allowed) => return Err(Failure::method(allowed.clone())),
            Self::Service(_) | Self::Refused(_) | Self::Unknown => return Ok(()),
            _ => ("GET, HEAD", method == Method::GET || method == Method::HEAD),
        };
        if fits { Ok(()) } else { Err(Failure::method(allowed)) }
    }
}

fn one_of(allowed: &'static str, method: &Method) -> (&'static str, bool) {
    (allowed, allowed.split(", ").any(|one| one == method.as_str()))
}

/// The failure that a refused head stands for.
pub(crate) fn refused_head(word: &str) -> Failure {
    let (code, detail) = match word {
        "host" => (ErrorCode::MalformedRequest, "send exactly one Host header"),
        "size" => (ErrorCode::TooLarge, "the headers are too long"),
        "forward" => (ErrorCode::MalformedRequest, "this is no forward proxy; ask it for its own paths"),
        "authority" => (ErrorCode::MalformedRequest, "name one host, the same in Host and in the request line"),
        "misdirected" => (ErrorCode::Misdirected, "open a connection for this host; another certificate is for it"),
        "slow" => (ErrorCode::RequestTimeout, "the headers came too slowly"),
        _ => (
            ErrorCode::MalformedRequest,
            "send either Content-Length or Transfer-Encoding: chunked, once, and end lines with CR LF",
        ),
    };
    Failure::new(code, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn national() -> National {
        National {
            login_path: "mapi/login".into(),
            call_path: "mapi/g".into(),
            session_ttl: Duration::from_secs(600),
            sessions: 10,
        }
    }

    #[test]
    fn paths_lead_to_their_work() {
        for (path, expected) in [
            ("/v1/dossiers", Route::PushDossiers),
            ("/v1/dossiers/H56.14-240315-0007", Route::Dossier("H56.14-240315-0007".into())),
            ("/v1/dossiers/H56%2E14-240315-0007/history", Route::History("H56.14-240315-0007".into())),
            ("/token", Route::Broker(Errand::Token)),
            ("/XrdAdapter/RestService/forward/mapi/login", Route::NationalLogin),
            ("/VXPAdapter/RestService/forward/mapi/g", Route::NationalCall),
            ("/VXPAdapter/RestService/forward/mapi/x", Route::Unknown),
            ("/errors/not-found", Route::ErrorPage("not-found".into())),
            ("/", Route::Unknown),
        ] {
            assert_eq!(Route::of(path, &national()), expected, "{path}");
        }
    }

    #[test]
    fn methods_that_do_not_fit_are_refused_with_those_that_do() {
        let refused = Route::Changes.check_method(&Method::POST).unwrap_err();
        assert_eq!((refused.code, refused.allow.as_deref()), (ErrorCode::MethodNotAllowed, Some("GET, HEAD")));
        assert!(Route::PushDossiers.check_method(&Method::POST).is_ok());
    }
}
