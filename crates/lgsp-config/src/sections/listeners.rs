//! `[public]` and `[admin]`: addresses, TLS, balancers in front.

use super::default;
use crate::document::Section;
use crate::error::Problem;
use crate::read::{self, address, flag, path, text};
use crate::settings::{Admin, CertificateFiles, ClientCertificates, Network, Public, Tls};

/// The shortest admin token in bytes: shorter ones can be guessed.
const MIN_ADMIN_TOKEN: usize = 16;

/// Whether clients are asked for certificates.
#[derive(Clone, Copy, PartialEq)]
enum ClientAuth {
    None,
    Optional,
    Required,
}

pub(super) fn public(s: &mut Section<'_>) -> Option<Public> {
    let listen = s.or("listen", default::PUBLIC_LISTEN, address);
    let written = s.has("tls") || s.has("certificate");
    let (first, clients) = s.optional_section("tls", |s| (first_certificate(s), clients(s))).unwrap_or_default();
    let more = s.sections("certificate", certificate);
    let mut certificates: Vec<_> = first.into_iter().collect();
    let good = more.iter().all(Option::is_some);
    certificates.extend(more.into_iter().flatten());
    if written && good && certificates.is_empty() {
        s.report("tls", Problem::Conflict("no certificate; give cert and key, or [[public.certificate]]"));
    }
    let tls = (!certificates.is_empty()).then_some(Tls { certificates, clients });
    let proxies = s.section("proxy_protocol", |s| s.list("from", network)).unwrap_or_default();
    let reuse_port = s.or("reuse_port", false, flag);
    (good && tls.is_some() == written).then_some(Public { listen, tls, proxies, reuse_port })
}

pub(super) fn admin(s: &mut Section<'_>, public: Option<&Public>) -> Option<Admin> {
    let listen = s.or("listen", default::ADMIN_LISTEN, address);
    if public.is_some_and(|public| public.listen == listen) && listen.port() != 0 {
        s.report("listen", Problem::Conflict("the same as public.listen; operators need a listener of their own"));
    }
    let written = s.has("tls");
    let tls = s.optional_section("tls", |s| Some((certificate(s)?, clients(s)))).flatten();
    let tls = tls.map(|(certificate, clients)| Tls { certificates: vec![certificate], clients });
    let reuse_port = s.or("reuse_port", false, flag);
    let token = s.required("token", "token = \"${LGSP_ADMIN_TOKEN}\"", read::secret(MIN_ADMIN_TOKEN))?;
    (tls.is_some() == written).then_some(Admin { listen, token, tls, reuse_port })
}

/// The certificate beside the other keys of `tls`: it may be absent where there are others.
fn first_certificate(s: &mut Section<'_>) -> Option<CertificateFiles> {
    if s.has("cert") || s.has("key") {
        return certificate(s);
    }
    s.optional("cert", path);
    s.optional("key", path);
    None
}

fn certificate(s: &mut Section<'_>) -> Option<CertificateFiles> {
    let cert = s.required("cert", "cert = \"tls/lgsp.pem\"", path);
    let key = s.required("key", "key = \"tls/lgsp.key\"", path);
    Some(CertificateFiles { cert: cert?, key: key? })
}

fn clients(s: &mut Section<'_>) -> Option<ClientCertificates> {
    let authorities = s.optional("client_ca", path);
    let revoked = s.optional("client_crl", path);
    let auth = s.optional("client_auth", |leaf| match text(leaf)?.as_str() {
        "none" => Ok(ClientAuth::None),
        "optional" => Ok(ClientAuth::Optional),
        "required" => Ok(ClientAuth::Required),
        _ => Err(Problem::Expected("none, optional or required")),
    });
    if authorities.is_none() && !s.has("client_ca") {
        for key in ["client_crl", "client_auth"] {
            let harmless = key == "client_auth" && auth == Some(ClientAuth::None);
            if s.has(key) && !harmless {
                s.report(
                    key,
                    Problem::Conflict("given without client_ca, the authorities that clients' certificates come from"),
                );
            }
        }
    }
    match auth.unwrap_or(ClientAuth::Optional) {
        ClientAuth::None => None,
        auth => Some(ClientCertificates { authorities: authorities?, revoked, required: auth == ClientAuth::Required }),
    }
}

fn network(leaf: &crate::document::Leaf<'_>) -> Result<Network, Problem> {
    Network::parse(&text(leaf)?).ok_or(Problem::Expected("a network such as 10.0.0.0/8, or an address"))
}
