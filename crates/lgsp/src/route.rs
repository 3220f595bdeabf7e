//! Which work a path and method ask for. One table; it checks no rights.

use hyper::Method;
use lgsp_config::National;

use crate::answer::Dialect;
use crate::failure::Failure;
use crate::server::REFUSED_PATH;
use lgsp_model::ErrorCode;

/// The work that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    PushDossiers,
    PushProgress,
    Dossier(String),
    History(String),
    Changes,
    Token,
    Jwks,
    Metadata,
    OpenApi,
    ErrorPage(String),
    NationalLogin,
    NationalCall,
    /// A head that was refused before it was parsed, and why.
    Refused(String),
    Unknown,
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
            "/oauth2/token" | "/token" => Self::Token,
            "/.well-known/jwks.json" => Self::Jwks,
            "/.well-known/oauth-authorization-server" => Self::Metadata,
            "/openapi.json" => Self::OpenApi,
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
        if let Some(slug) = path.strip_prefix("/errors/") {
            return Self::ErrorPage(slug.to_owned());
        }
        path.strip_prefix(REFUSED_PATH).map_or(Self::Unknown, |word| Self::Refused(word.to_owned()))
    }

    /// The label of metrics and logs.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::PushDossiers => "/v1/dossiers",
            Self::PushProgress => "/v1/progress",
            Self::Dossier(_) => "/v1/dossiers/{MaHoSo}",
            Self::History(_) => "/v1/dossiers/{MaHoSo}/history",
            Self::Changes => "/v1/changes",
            Self::Token => "/oauth2/token",
            Self::Jwks => "/.well-known/jwks.json",
            Self::Metadata => "/.well-known/oauth-authorization-server",
            Self::OpenApi => "/openapi.json",
            Self::ErrorPage(_) => "/errors/{slug}",
            Self::NationalLogin => "national/login",
            Self::NationalCall => "national/call",
            Self::Refused(_) | Self::Unknown => "unknown",
        }
    }

    /// The dialect that errors are written in.
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::NationalLogin | Self::NationalCall => Dialect::National,
            Self::Token => Dialect::OAuth,
            _ => Dialect::Json,
        }
    }

    /// Whether the method fits.
    pub(crate) fn check_method(&self, method: &Method) -> Result<(), Failure> {
        let (allowed, fits) = match self {
            Self::PushDossiers | Self::PushProgress | Self::Token | Self::NationalLogin | Self::NationalCall => {
                ("POST", method == Method::POST)
            }
            Self::Refused(_) | Self::Unknown => return Ok(()),
            _ => ("GET, HEAD", method == Method::GET || method == Method::HEAD),
        };
        if fits { Ok(()) } else { Err(Failure::method(allowed)) }
    }
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
            ("/token", Route::Token),
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
        assert_eq!((refused.code, refused.allow), (ErrorCode::MethodNotAllowed, Some("GET, HEAD")));
        assert!(Route::PushDossiers.check_method(&Method::POST).is_ok());
    }
}
