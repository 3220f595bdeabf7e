//! Simulated identity providers: VNConnect, VNeID, the province's own OpenID Connect and its older CAS.
//!
//! Nobody who signs in there exists. One file each, over shared pieces.

mod authorize;
mod cas;
mod keys;
mod logout;
mod openid;
mod page;
mod people;
mod province;
mod redeem;
mod settings;
mod spoil;
mod vnconnect;
mod vneid;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::Value;

pub use cas::{Cas, CasFault, CasSettings, CasSignIn};
pub use logout::BackChannelFailure;
pub use openid::SignIn;
pub use people::{Account, AccountKind};
pub use province::Province;
pub use settings::{IdentitySettings, PkceRule, SigningAlgorithm, SubjectRule};
pub use spoil::TokenFault;
pub use vnconnect::VnConnect;
pub use vneid::Vneid;

use crate::answer::Answer;
use crate::partner::exchange;
use crate::scripted::{Body, Cut};
use crate::server::Partners;

/// Answers a call below `/identity`; `path` is what stands there.
pub(crate) async fn answer(partners: &Partners, path: &str, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let (name, below) = inner.split_at(inner.find('/').unwrap_or(inner.len()));
    match name {
        "vnconnect" => exchange(&partners.vnconnect, below, request).await,
        "vneid" => exchange(&partners.vneid, below, request).await,
        "province" => exchange(&partners.province, below, request).await,
        "cas" => exchange(&partners.cas, below, request).await,
        _ => Ok(Answer::text(StatusCode::NOT_FOUND, "vnconnect, vneid, province, cas\n").into_response()),
    }
}

/// The commands under `/sandbox/` that have to wait for somebody else; `None` when it is none of them.
pub(crate) async fn command(
    partners: &Partners,
    method: &Method,
    path: &str,
    body: &[u8],
) -> Option<Result<Value, (StatusCode, String)>> {
    let provider = path.strip_suffix("/back-channel-logout").filter(|_| method == Method::POST)?;
    match provider {
        "identity-vnconnect" => Some(partners.vnconnect.command_logout(body).await),
        "identity-vneid" => Some(partners.vneid.command_logout(body).await),
        "identity-province" => Some(partners.province.command_logout(body).await),
        _ => None,
    }
}
