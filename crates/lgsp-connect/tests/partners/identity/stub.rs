//! An identity provider whose every word is given by the test, signed with real keys.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use lgsp_connect::Clock;
use lgsp_model::Timestamp;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Map, Value, json};

use super::{NONCE, SECRET};
use crate::server::{Answer, Call, Partner};

/// A provider that speaks OpenID Connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    VnConnect,
    VnEid,
    Province,
}

impl Family {
    pub(super) const ALL: [Self; 3] = [Self::VnConnect, Self::VnEid, Self::Province];

    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::VnConnect => "vnconnect",
            Self::VnEid => "vneid",
            Self::Province => "oidc",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::VnConnect => "/vnconnect",
            Self::VnEid => "/vneid",
            Self::Province => "/province",
        }
    }

    pub(super) fn issuer(self, base: &str) -> String {
        let tail = if self == Self::VnConnect { "/oauth2/token" } else { "" };
        format!("{base}{}{tail}", self.prefix())
    }

    pub(super) fn settings(self, base: &str) -> String {
        let place = match self {
            Self::VnConnect | Self::VnEid => format!("url = '{base}{}'", self.prefix()),
            Self::Province => format!("issuer = '{}'", self.issuer(base)),
        };
        format!("{place}\nclient_id = 'lgsp'\nclient_secret = '{SECRET}'")
    }

    fn of(path: &str) -> Self {
        Self::ALL.into_iter().find(|family| path.starts_with(family.prefix())).expect("a known prefix")
    }

    fn person(self) -> Value {
        match self {
            Self::VnConnect => json!({"sub": "sub-1", "LoaiTaiKhoan": "1", "SoDinhDanh": "", "SoCMND": "001090 000001",
                "HoVaTen": " Nguye\u{302}\u{303}n Văn Thử ", "NgayThangNamSinh": "19900131", "TechID": "tech-1",
                "loAs": "LoA2", "ThuDienTu": "thu@example.vn", "SoDienThoai": "0900000001", "MaSoThue": null}),
            Self::VnEid => json!({"sub": "sub-1", "LoaiTaiKhoan": 1, "SoDinhDanh": "001090000001",
                "HoVaTen": "Nguyễn Văn Thử", "NgayThangNamSinh": "31/01/1990", "TechID": "tech-1", "IAL": 3}),
            Self::Province => json!({"sub": "sub-1", "name": "Nguyễn Văn Thử", "birthdate": "1990-01-31",
                "email": "thu@example.vn", "phone_number": "0900000001"}),
        }
    }
}

/// A key pair, as its owner and as everybody else has it.
pub(super) struct Pair {
    pub(super) secret: EncodingKey,
    pub(super) public: Value,
    pub(super) public_pem: String,
    pub(super) algorithm: Algorithm,
}

impl Pair {
    fn new(id: &str, algorithm: Algorithm) -> Self {
        if algorithm == Algorithm::EdDSA {
            let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
            let pair = Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap();
            let x = URL_SAFE_NO_PAD.encode(pair.public_key());
            let public = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": id, "use": "sig", "alg": "EdDSA"});
            let secret = EncodingKey::from_ed_der(made.as_ref());
            return Self { secret, public, public_pem: String::new(), algorithm };
        }
        let (secret, public_pem) = match algorithm {
            Algorithm::ES256 => {
                let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
                (EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap(), pair.public_key_pem())
            }
            _ => {
                let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
                (EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap(), pair.public_key_pem())
            }
        };
        let mut public = serde_json::to_value(Jwk::from_encoding_key(&secret, algorithm).unwrap()).unwrap();
        public["kid"] = id.into();
        public["use"] = "sig".into();
        Self { secret, public, public_pem, algorithm }
    }
}

pub(super) static RSA: LazyLock<Pair> = LazyLock::new(|| Pair::new("rsa-1", Algorithm::RS256));
pub(super) static RSA_2: LazyLock<Pair> = LazyLock::new(|| Pair::new("rsa-2", Algorithm::RS256));
pub(super) static PSS: LazyLock<Pair> = LazyLock::new(|| Pair::new("pss-1", Algorithm::PS256));
pub(super) static EC: LazyLock<Pair> = LazyLock::new(|| Pair::new("ec-1", Algorithm::ES256));
pub(super) static ED: LazyLock<Pair> = LazyLock::new(|| Pair::new("ed-1", Algorithm::EdDSA));

/// How a token is signed.
#[derive(Clone, Copy)]
pub(super) enum Signing {
    With(&'static LazyLock<Pair>),
    /// With a public key as the secret of HMAC.
    Confused,
    /// Not at all.
    Not,
}

/// What CAS says of a good ticket.
const CAS: &str = "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'><cas:authenticationSuccess>\
    <cas:user>sub-1</cas:user><cas:attributes><cas:displayName>Nguyễn Văn Thử</cas:displayName></cas:attributes>\
    </cas:authenticationSuccess></cas:serviceResponse>";

/// An answer, made anew for each call.
pub(super) type Instead = fn() -> Answer;

/// What the provider does. Members of `…_patch` replace those of the good answer; null takes them away.
#[derive(Clone)]
pub(super) struct Play {
    pub(super) header_patch: Value,
    pub(super) claims_patch: Value,
    pub(super) person_patch: Value,
    pub(super) discovery_patch: Value,
    pub(super) signing: Signing,
    pub(super) jwks: Value,
    /// Instead of the good answer at a path that ends so.
    pub(super) instead: Vec<(&'static str, Instead)>,
    pub(super) cas: String,
}

pub(super) struct Stub {
    partner: Partner,
    play: Arc<Mutex<Play>>,
    now: Arc<AtomicI64>,
}

impl Stub {
    pub(super) async fn start() -> Self {
        let play = Arc::new(Mutex::new(Play {
            header_patch: json!({}),
            claims_patch: json!({}),
            person_patch: json!({}),
            discovery_patch: json!({}),
            signing: Signing::With(&RSA),
            jwks: json!({"keys": [RSA.public.clone(), EC.public.clone()]}),
            instead: Vec::new(),
            cas: CAS.to_owned(),
        }));
        let now = Arc::new(AtomicI64::new(1_700_000_000_000));
        let (script, clock) = (Arc::clone(&play), Arc::clone(&now));
        let partner = Partner::start(move |call| {
            let play = script.lock().unwrap().clone();
            answer(call, &play, clock.load(Ordering::SeqCst) / 1000)
        })
        .await;
        Self { partner, play, now }
    }

    pub(super) fn base(&self) -> String {
        format!("http://{}", self.partner.address)
    }

    pub(super) fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Arc::new(move || Timestamp(now.load(Ordering::SeqCst)))
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(super) fn play(&self, change: impl FnOnce(&mut Play)) {
        change(&mut self.play.lock().unwrap());
    }

    /// The calls to paths that end with `end`.
    pub(super) fn calls(&self, end: &str) -> Vec<Call> {
        self.partner.calls().into_iter().filter(|call| call.path.ends_with(end)).collect()
    }

    /// Waits until a path was called so many times: what is done behind a caller's back ends some time later.
    pub(super) async fn called(&self, end: &str, times: usize) {
        let waiting = async {
            while self.calls(end).len() < times {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.expect("the call was made");
    }

    /// A logout token of a family.
    pub(super) fn logout_token(&self, family: Family, patch: &Value) -> String {
        let play = self.play.lock().unwrap().clone();
        let now = self.now.load(Ordering::SeqCst) / 1000;
        let claims = json!({"iss": family.issuer(&self.base()), "aud": "lgsp", "iat": now, "exp": now + 120,
            "jti": "jti-1", "sub": "sub-1", "sid": "sid-1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}});
        token(&play, &json!({"typ": "logout+jwt"}), patched(claims, patch))
    }
}

pub(super) fn patched(mut value: Value, patch: &Value) -> Value {
    for (name, member) in patch.as_object().unwrap() {
        if member.is_null() {
            value.as_object_mut().unwrap().remove(name);
        } else {
            value[name] = member.clone();
        }
    }
    value
}

/// The value of a parameter of a form or query.
pub(super) fn parameter(form: &str, name: &str) -> Option<String> {
    let value = form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if *byte == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(*byte);
        }
    }
    Some(String::from_utf8(bytes).unwrap())
}

fn answer(call: &Call, play: &Play, now: i64) -> Answer {
    if let Some((_, instead)) = play.instead.iter().find(|(end, _)| call.path.ends_with(end)) {
        return instead();
    }
    if call.path.ends_with("/serviceValidate") {
        return Answer::Reply(play.cas.clone());
    }
    let family = Family::of(&call.path);
    let base = format!("http://{}", call.headers["host"].to_str().unwrap());
    let value = match call.path.rsplit('/').next().unwrap() {
        "openid-configuration" => patched(discovery(&base), &play.discovery_patch),
        "jwks" => play.jwks.clone(),
        "userinfo" => patched(family.person(), &play.person_patch),
        "token" => {
            // A code says which key its token is signed with.
            let kid = parameter(&call.body, "code").and_then(|code| Some(code.strip_prefix("kid:")?.to_owned()));
            let header = kid.map_or(json!({"typ": "JWT"}), |kid| json!({"typ": "JWT", "kid": kid}));
            let claims = json!({"iss": family.issuer(&base), "aud": "lgsp", "sub": "sub-1", "nonce": NONCE,
                "iat": now, "exp": now + 300, "auth_time": now - 60, "sid": "sid-1"});
            let id_token = token(play, &header, patched(claims, &play.claims_patch));
            json!({"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600, "id_token": id_token})
        }
        other => panic!("nobody serves {other}"),
    };
    Answer::Reply(value.to_string())
}

fn discovery(base: &str) -> Value {
    let issuer = Family::Province.issuer(base);
    json!({"issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"), "end_session_endpoint": format!("{issuer}/logout")})
}

fn token(play: &Play, header: &Value, claims: Value) -> String {
    let (algorithm, key) = match play.signing {
        Signing::With(pair) => (pair.algorithm, Some(pair.secret.clone())),
        Signing::Confused => (Algorithm::HS256, Some(EncodingKey::from_secret(RSA.public_pem.as_bytes()))),
        Signing::Not => (Algorithm::RS256, None),
    };
    let mut full = Map::new();
    let name = format!("{algorithm:?}");
    full.insert("alg".into(), if key.is_some() { name } else { "none".into() }.into());
    let id = if let Signing::With(pair) = play.signing { pair.public["kid"].clone() } else { "rsa-1".into() };
    full.insert("kid".into(), id);
    let header = patched(patched(Value::Object(full), header), &play.header_patch);
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = key.map(|key| jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap());
    format!("{message}.{}", signature.unwrap_or_default())
}
