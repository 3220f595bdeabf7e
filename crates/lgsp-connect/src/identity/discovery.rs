//! Where a provider's endpoints are: said in the settings, or by the provider itself (OpenID Connect Discovery 1.0).
//!
//! What a provider says is held to the same rules as what stands in the settings: no scheme but https (http where the
//! settings themselves use it), no password, no address inside our network unless that is allowed.

use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use serde_json::Value;

use super::cache::{Asker, Cache, Held};
use super::caller::{Caller, Shown, What};
use super::failure::{ProviderFailure, malformed, untrusted};
use crate::place::AddressRule;

/// A provider's description is renewed after this time.
const FRESH: Duration = Duration::from_secs(3600);

/// Where what is.
pub(super) struct Endpoints {
    pub issuer: String,
    pub authorize: Uri,
    pub token: Uri,
    pub userinfo: Option<Uri>,
    pub jwks: Uri,
    pub end_session: Option<Uri>,
    /// Whether every answer to the browser names its issuer (RFC 9207).
    pub names_issuer: bool,
}

#[derive(Clone)]
pub(super) enum EndpointSource {
    Fixed(Arc<Endpoints>),
    Discovered(Arc<Cache<Arc<Endpoints>>>),
}

impl EndpointSource {
    pub(super) fn discovered(issuer: String, document: Uri, rule: AddressRule, caller: &Arc<Caller>) -> Self {
        let clock = caller.clock();
        let (caller, asked) = (Arc::clone(caller), Arc::new((issuer, document)));
        let fetch = move || -> crate::ConnectFuture<'static, _> {
            let (caller, asked) = (Arc::clone(&caller), Arc::clone(&asked));
            Box::pin(async move {
                let body = caller.get(What::Discovery, &asked.1, Shown::Nothing).await?;
                read(&body, &asked.0, rule).map(Arc::new)
            })
        };
        Self::Discovered(Cache::new(FRESH, clock, Box::new(fetch)))
    }

    pub(super) async fn get(&self, asker: Asker) -> Result<Arc<Endpoints>, ProviderFailure> {
        match self {
            Self::Fixed(endpoints) => Ok(Arc::clone(endpoints)),
            Self::Discovered(cache) => cache.get(asker).await.map(|held| Arc::clone(&held.value)),
        }
    }

    /// What is known without asking.
    pub(super) fn known(&self) -> Option<Arc<Endpoints>> {
        match self {
            Self::Fixed(endpoints) => Some(Arc::clone(endpoints)),
            Self::Discovered(cache) => cache.known().map(|held: Arc<Held<_>>| Arc::clone(&held.value)),
        }
    }
}

fn read(body: &[u8], issuer: &str, rule: AddressRule) -> Result<Endpoints, ProviderFailure> {
    let unreadable = || malformed("discovery", "the provider's description cannot be read or lacks an endpoint");
    let document: Value = serde_json::from_slice(body).map_err(|_| unreadable())?;
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    if text("issuer").ok_or_else(unreadable)? != issuer {
        return Err(untrusted("discovery_issuer", "the provider's description is of another issuer"));
    }
    let address = |text: &str| {
        rule.read(text).ok_or_else(|| {
            untrusted("discovery_address", "the provider's description points to an address that may not be called")
        })
    };
    let needed = |name: &str| text(name).ok_or_else(unreadable).and_then(address);
    Ok(Endpoints {
        issuer: issuer.to_owned(),
        authorize: needed("authorization_endpoint")?,
        token: needed("token_endpoint")?,
        userinfo: text("userinfo_endpoint").map(address).transpose()?,
        jwks: needed("jwks_uri")?,
        end_session: text("end_session_endpoint").map(address).transpose()?,
        names_issuer: document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::Reach;

    const STRICT: AddressRule = AddressRule { reach: Reach::PublicOnly, plain: false };
    const PRIVATE: AddressRule = AddressRule { reach: Reach::Anywhere, plain: false };

    fn code(endpoint: &str, address: &str, rule: AddressRule) -> Option<String> {
        let mut document = json!({"issuer": "https://a.example", "jwks_uri": "https://a.example/jwks",
            "authorization_endpoint": "https://a.example/authorize", "token_endpoint": "https://a.example/token"});
        document[endpoint] = address.into();
        read(document.to_string().as_bytes(), "https://a.example", rule).err().map(|failure| failure.cause.code)
    }

    #[test]
    fn a_description_cannot_lead_inside_or_to_another_scheme() {
        let endpoints =
            ["jwks_uri", "token_endpoint", "userinfo_endpoint", "authorization_endpoint", "end_session_endpoint"];
        for endpoint in endpoints {
            assert_eq!(code(endpoint, "https://b.example/x", STRICT), None);
            for address in [
                "https://169.254.169.254/latest/meta-data",
                "https://127.0.0.1/x",
                "https://[::ffff:10.0.0.1]/x",
                "https://10.0.0.1:8443/x",
                "http://b.example/x",
                "file:///etc/passwd",
                "//b.example/x",
                "https://a.example@b.example/x",
                "https://b.example/x#y",
                "",
            ] {
                assert_eq!(code(endpoint, address, STRICT).as_deref(), Some("discovery_address"), "{address}");
            }
            assert_eq!(code(endpoint, "https://10.0.0.1/x", PRIVATE), None);
            assert_eq!(code(endpoint, "http://10.0.0.1/x", PRIVATE).as_deref(), Some("discovery_address"));
        }
    }
}
