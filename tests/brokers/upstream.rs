//! People sign in at identity providers that others wrote: as VNConnect, as VNeID, and as one that describes itself.

use serde_json::{Value, json};

use crate::browser::{Browser, field, query_of};
use crate::door::{Door, Place, REDIRECT, client};
use crate::gateway::{Answer, secret_of, send};
use crate::program::{Program, Software};

const SECRET: &str = "secret-of-the-gateway-at-the-provider";

/// The same provider in three roles. Where its endpoints are is a setting.
fn providers(base: &str) -> String {
    let paths = "authorize_path = \"/auth\"\ntoken_path = \"/token\"\nuserinfo_path = \"/me\"\njwks_path = \"/jwks\"\n\
                 logout_path = \"/session/end\"";
    let own = |id: &str| format!("client_id = \"{id}\"\nclient_secret = \"{SECRET}\"\nallow_private = true");
    let national = |id: &str| {
        let settings = format!("url = \"{base}\"\nissuer = \"{base}\"\n{}\n{paths}", own(id));
        format!(
            "[[identity_provider]]\nid = \"{id}\"\nkind = \"{id}\"\nname = \"{id}\"\n[identity_provider.settings]\n{settings}\n"
        )
    };
    let claims =
        "claims = { kind = \"LoaiTaiKhoan\", level = \"loAs\", name = \"HoVaTen\", identity_number = \"SoDinhDanh\" }";
    format!(
        "{}{}[[identity_provider]]\nid = \"province\"\nkind = \"oidc\"\nname = \"province\"\n\
         [identity_provider.settings]\nissuer = \"{base}\"\nscope = \"openid\"\n{claims}\n{}\n",
        national("vnconnect"),
        national("vneid"),
        own("province"),
    )
}

/// Nobody here exists. VNConnect gives the kind of account as text, VNeID as a number.
fn people() -> Value {
    let person = |kind: Value, tech: &str, number: &str, name: &str| {
        json!({"LoaiTaiKhoan": kind, "TechID": tech, "SoDinhDanh": number, "HoVaTen": name, "loAs": "LoA2",
               "NgayThangNamSinh": "19990102"})
    };
    json!({
        "nga": person("1".into(), "TECH-NGA", "001199000111", "Trần Thị Nga"),
        "nga-vneid": person(1.into(), "TECH-NGA", "001199000111", "Trần Thị Nga"),
        "son": person(3.into(), "TECH-SON", "001099000222", "Hợp tác xã Sơn"),
    })
}

/// A gateway between that provider and one client.
struct Chain {
    door: Door,
    provider: Program,
    /// Where the provider is.
    base: String,
}

impl Chain {
    async fn build() -> Option<Self> {
        let mut provider = Program::start(Software::OidcProvider)?;
        let place = Place::find();
        let registered = |id: &str, proof: &str, algorithm: &str| {
            json!({"client_id": id, "client_secret": SECRET, "token_endpoint_auth_method": proof,
                   "id_token_signed_response_alg": algorithm, "response_types": ["code"],
                   "grant_types": ["authorization_code"],
                   "backchannel_logout_session_required": true,
                   "backchannel_logout_uri": format!("{}/oauth2/backchannel/{id}", place.issuer)})
        };
        let clients = [
            registered("vnconnect", "client_secret_post", "RS256"),
            registered("vneid", "client_secret_post", "ES256"),
            registered("province", "client_secret_basic", "EdDSA"),
        ];
        let base = provider.text("start", json!({"clients": clients, "people": people(), "back": place.callback("*")}));
        let own = format!("secret = \"{}\"", secret_of("counter"));
        let door = place.open(client("counter", REDIRECT, &own, "trusted = true"), &providers(&base)).await;
        Some(Self { door, provider, base })
    }

    fn question(&self) -> String {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let query = [
            ("response_type", "code"),
            ("client_id", "counter"),
            ("redirect_uri", REDIRECT),
            ("state", "st"),
            ("scope", "openid profile identity"),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ];
        reqwest::Url::parse_with_params(&format!("{}/oauth2/authorize", self.door.issuer), query).unwrap().into()
    }

    /// Takes what the client got for tokens: what they tell of the person.
    async fn person(&self, back: &str) -> Value {
        let token = self.token(back).await;
        self.userinfo(&token).await.expect(200).json()
    }

    async fn token(&self, back: &str) -> String {
        let code = query_of(back)["code"].clone();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ];
        let request = self.door.world.http.post(format!("{}/oauth2/token", self.door.issuer));
        let tokens =
            send(request.basic_auth("counter", Some(secret_of("counter"))).form(&form)).await.expect(200).json();
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    async fn userinfo(&self, token: &str) -> Answer {
        self.door.world.get(token, "/oauth2/userinfo").await
    }

    fn key_requests(&mut self) -> u64 {
        self.provider.ask("asked", json!({"path": "/jwks"})).as_u64().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_at_oidc_provider_as_at_vnconnect_vneid_and_the_province() {
    let Some(chain) = Chain::build().await else { return };
    let mut subjects = Vec::new();
    for (provider, who, kind, name) in [
        ("vnconnect", "nga", "citizen", "Trần Thị Nga"),
        ("vneid", "nga-vneid", "citizen", "Trần Thị Nga"),
        ("province", "son", "organisation", "Hợp tác xã Sơn"),
    ] {
        let back = chain.door.sign_in(&mut Browser::new(), &chain.question(), provider, who).await;
        let person = chain.person(&back).await;
        assert_eq!((&person["kind"], &person["name"], &person["idp"]), (&kind.into(), &name.into(), &provider.into()));
        assert_eq!(person["acr"], "LoA2");
        assert_eq!(person["identity_number"], people()[who]["SoDinhDanh"]);
        subjects.push(person["sub"].clone());
    }
    assert_eq!(subjects[0], subjects[1], "one person, known by TechID");
    assert_ne!(subjects[0], subjects[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_changes_its_keys_while_people_sign_in_and_is_asked_for_them_once() {
    let Some(mut chain) = Chain::build().await else { return };
    for provider in ["vnconnect", "vneid", "province"] {
        let before = chain.key_requests();
        chain.door.sign_in(&mut Browser::new(), &chain.question(), provider, "nga").await;
        assert_eq!(chain.key_requests() - before, 1, "{provider}");
        // Several are at the provider's page when it happens.
        let mut waiting = Vec::new();
        for _ in 0..4 {
            let mut browser = Browser::new();
            chain.door.choose(&mut browser, &chain.question(), provider).await.page().expect(200);
            waiting.push(browser);
        }
        chain.provider.ask("rotate", json!({}));
        for mut browser in waiting {
            let landed = chain.door.say(&mut browser, "nga").await;
            assert!(landed.back().contains_key("code"), "{provider}");
        }
        assert_eq!(chain.key_requests() - before, 2, "{provider}: asked again once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_at_the_provider_is_signed_out_here_and_nobody_else_is() {
    let Some(chain) = Chain::build().await else { return };
    for provider in ["vnconnect", "vneid", "province"] {
        let (mut browser, mut other) = (Browser::new(), Browser::new());
        let back = chain.door.sign_in(&mut browser, &chain.question(), provider, "nga").await;
        let token = chain.token(&back).await;
        let back = chain.door.sign_in(&mut other, &chain.question(), provider, "nga").await;
        let elsewhere = chain.token(&back).await;
        let page = browser.get(&format!("{}/session/end", chain.base)).await.expect(200);
        chain.userinfo(&token).await.expect(200);
        let form = [("xsrf", field(page.text(), "xsrf")), ("logout", "yes".to_owned())];
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        browser.post(&format!("{}/session/end/confirm", chain.base), &form).await.expect(303);
        chain.userinfo(&token).await.expect(401);
        chain.userinfo(&elsewhere).await.expect(200);
        // He is asked again who he is.
        browser.get(&chain.question()).await.expect(200);
    }
}
