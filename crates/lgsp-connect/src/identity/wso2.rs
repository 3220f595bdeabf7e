//! Where an OpenID provider's endpoints are when it is WSO2 Identity Server or built like it: both national ones are.

use std::sync::Arc;

use super::discovery::{EndpointSource, Endpoints};
use crate::place::Place;
use crate::settings::Fields;

/// The settings that [`endpoints`] reads: they are known also when the base is wrong.
pub(super) const KEYS: [&str; 6] =
    ["issuer", "authorize_path", "token_path", "userinfo_path", "jwks_path", "logout_path"];

/// `issuer` (its default is `default_issuer` behind the base) and the paths.
pub(super) fn endpoints(fields: &mut Fields<'_>, place: &Place, default_issuer: &str) -> Option<EndpointSource> {
    let issuer = fields.optional("issuer").unwrap_or_else(|| format!("{}{default_issuer}", place.base));
    let authorize = place.below(fields, "authorize_path", "/oauth2/authorize");
    let token = place.below(fields, "token_path", "/oauth2/token");
    let userinfo = place.below(fields, "userinfo_path", "/oauth2/userinfo");
    let jwks = place.below(fields, "jwks_path", "/oauth2/jwks");
    let end_session = place.below(fields, "logout_path", "/oidc/logout");
    let endpoints = Endpoints {
        issuer,
        authorize: authorize?,
        token: token?,
        userinfo: Some(userinfo?),
        jwks: jwks?,
        end_session: Some(end_session?),
        names_issuer: false,
    };
    Some(EndpointSource::Fixed(Arc::new(endpoints)))
}
