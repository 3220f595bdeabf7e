//! A gateway for one test: started in this process on free ports with a directory of its own, members with different
//! rights, and a sandbox portal beside it.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use lgsp::gateway::{Gateway, Sockets, StartError, Variables};
use lgsp_config::Config;
use lgsp_contract::Catalogue;
use lgsp_sandbox::Sandbox;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tempfile::TempDir;

/// How long a test waits for something that should happen at once on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The name that tokens are issued in.
pub(crate) const ISSUER: &str = "http://gateway.test";

/// The admin token of every test.
pub(crate) const ADMIN_TOKEN: &str = "admin-token-of-the-tests";

/// What a test wants to be different. Texts are lines of the configuration's tables.
#[derive(Clone, Default)]
pub(crate) struct Setup {
    pub(crate) limits: String,
    pub(crate) national: String,
    /// Of the members' listener, beside its address.
    pub(crate) public: String,
    /// The port of that listener; 0 is any that is free.
    pub(crate) port: u16,
    /// The address that the gateway gives itself; empty is [`ISSUER`].
    pub(crate) issuer: String,
    /// Whole `[[target]]` tables; `{portal}` stands for the sandbox's address.
    pub(crate) targets: String,
    /// Members that are left out.
    pub(crate) without: Vec<&'static str>,
    /// Whole `[[member]]` tables.
    pub(crate) members: String,
    /// Whole `[sign_in]` and `[[identity_provider]]` tables; `{sandbox}` stands for the sandbox's address.
    pub(crate) providers: String,
    /// Files of contracts beside the shipped ones, by path; `{sandbox}` stands for the sandbox's address.
    pub(crate) contracts: Vec<(String, String)>,
}

impl Setup {
    /// With bounds of its own.
    pub(crate) fn limits(lines: &str) -> Self {
        Self { limits: lines.to_owned(), ..Self::default() }
    }

    /// With a target that delivers to the sandbox portal.
    pub(crate) fn delivering() -> Self {
        Self { targets: PORTAL_TARGET.to_owned(), ..Self::default() }
    }
}

/// A target on the sandbox portal that loses patience quickly.
pub(crate) const PORTAL_TARGET: &str = r#"
[[target]]
id = "national-portal"
connector = "npsp"
[target.retry]
attempts = 1000
first = "20ms"
max = "100ms"
[target.breaker]
failures = 5
open = "30ms"
open_max = "100ms"
[target.settings]
adapter_url = "{portal}"
username = "lgsp"
password = "lgsp-sandbox"
madonvi = "000.00.16.H11"
timeout = "1s"
"#;

/// A running gateway and what belongs to it.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
    setup: Setup,
    dir: TempDir,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer, checked to be this status; what else came is told.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The answer, checked to be this problem (RFC 9457) with this code.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, code: &str) -> Self {
        let this = self.expect(status);
        assert_eq!(this.header("content-type"), "application/problem+json");
        let problem = this.json();
        assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()), "{problem}");
        for field in ["type", "title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {problem}");
        }
        assert_eq!(problem["trace_id"].as_str().map(str::len), Some(32), "{problem}");
        assert!(problem["errors"].is_array(), "{problem}");
        this
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        Self::try_with(setup).await.unwrap()
    }

    /// One that may not start.
    pub(crate) async fn try_with(setup: Setup) -> Result<Self, StartError> {
        let dir = TempDir::new().unwrap();
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).unwrap();
        let config = config(&setup, dir.path(), &sandbox.adapter_url());
        let gateway =
            Gateway::start_with(Sockets::default(), variables(&sandbox), config, contracts(&setup, &sandbox)).await?;
        Ok(Self { gateway, sandbox, http: reqwest::Client::new(), setup, dir })
    }

    /// The gateway alone; its directory lives as long as the second value.
    pub(crate) fn into_gateway(self) -> (Gateway, TempDir) {
        (self.gateway, self.dir)
    }

    pub(crate) fn public(&self) -> SocketAddr {
        self.gateway.public_address()
    }

    /// Where the gateway keeps its data and keys.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Reloads with a changed setup.
    pub(crate) async fn reload(&mut self, change: impl FnOnce(&mut Setup)) {
        self.try_reload(change).await.unwrap();
    }

    /// Reloads with a changed setup that may be bad.
    pub(crate) async fn try_reload(&mut self, change: impl FnOnce(&mut Setup)) -> Result<(), StartError> {
        change(&mut self.setup);
        let config = config(&self.setup, self.dir.path(), &self.sandbox.adapter_url());
        self.gateway.reload(config, contracts(&self.setup, &self.sandbox)).await
    }

    /// Stops the gateway and starts it again on what it stored.
    pub(crate) async fn restart(self) -> Self {
        let Self { gateway, sandbox, http: _, setup, dir } = self;
        gateway.stop().await;
        let config = config(&setup, dir.path(), &sandbox.adapter_url());
        let gateway = Gateway::start_with(Sockets::default(), variables(&sandbox), config, contracts(&setup, &sandbox))
            .await
            .unwrap();
        Self { gateway, sandbox, http: reqwest::Client::new(), setup, dir }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.public())
    }

    /// The address of an operator's path.
    pub(crate) fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.admin_address())
    }

    /// An access token of a member with all its scopes.
    pub(crate) async fn token(&self, member: &str) -> String {
        let answer = self.ask_token(member, &secret_of(member), &[]).await.expect(200);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Asks for a token by Basic.
    pub(crate) async fn ask_token(&self, member: &str, secret: &str, more: &[(&str, &str)]) -> Answer {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend_from_slice(more);
        let request = self.http.post(self.url("/oauth2/token")).basic_auth(member, Some(secret)).form(&form);
        send(request).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        send(self.http.get(self.url(path)).bearer_auth(token)).await
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, token: &str, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.post_as("application/json", token, path, body).await
    }

    /// Posts a body of any type.
    pub(crate) async fn post_as(
        &self,
        media_type: &str,
        token: &str,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let request = self.http.post(self.url(path)).bearer_auth(token).header("content-type", media_type);
        send(request.body(body)).await
    }

    /// Pushes one dossier and expects it to be accepted; the position that it got.
    pub(crate) async fn accept(&self, token: &str, record: &Value) -> u64 {
        let answer = self.post(token, "/v1/dossiers", record.to_string()).await.expect(202).json();
        assert_eq!(answer["outcome"], "accepted", "{answer}");
        answer["seq"].as_u64().unwrap()
    }

    /// Calls an operator's path.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.http.request(method.parse().unwrap(), self.admin_url(path)).bearer_auth(ADMIN_TOKEN);
        if let Some(body) = body {
            request = request.json(&body);
        }
        send(request).await
    }

    /// What Prometheus would scrape.
    pub(crate) async fn metrics(&self) -> String {
        send(self.http.get(self.admin_url("/metrics"))).await.expect(200).text().to_owned()
    }
}

/// Sends a request and takes in the whole answer.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.unwrap() }
}

/// The secret of a member of [`MEMBERS`].
pub(crate) fn secret_of(member: &str) -> String {
    format!("secret-of-{member}")
}

/// The password in the national dialect.
pub(crate) fn password_of(username: &str) -> String {
    format!("password-of-{username}")
}

/// Members: id, agencies, scopes, and whether their secrets are kept as hashes. The user name is the id.
const MEMBERS: [(&str, &str, &str, bool); 5] = [
    ("one-stop", r#""H56""#, r#""dossier:push", "dossier:read", "changes:read""#, false),
    ("one-stop-h11", r#""H11""#, r#""dossier:push", "dossier:read", "changes:read""#, false),
    ("hashed", r#""H56""#, r#""dossier:push", "dossier:read""#, true),
    ("sender", r#""H56""#, r#""dossier:push""#, false),
    ("province", r#""*""#, r#""changes:read", "dossier:read", "dossier:push""#, false),
];

fn config(setup: &Setup, dir: &Path, portal: &str) -> Config {
    let mut text = format!(
        "version = 1\n[public]\nlisten = \"127.0.0.1:{}\"\n{}\n[admin]\nlisten = \"127.0.0.1:0\"\ntoken = \"{ADMIN_TOKEN}\"\n\
         [issuer]\nurl = \"{}\"\n[limits]\n{}\n[national]\n{}\n",
        setup.port,
        setup.public,
        if setup.issuer.is_empty() { ISSUER } else { &setup.issuer },
        setup.limits,
        setup.national
    );
    for (id, agencies, scopes, hashed) in MEMBERS.iter().filter(|(id, ..)| !setup.without.contains(id)) {
        let (secret, password) = (secret_of(id), password_of(id));
        let credentials = if *hashed {
            let (secret, password) = (argon2id(&secret), argon2id(&password));
            format!("secret_hash = '{secret}'\nnational = {{ username = \"{id}\", password_hash = '{password}' }}")
        } else {
            format!("secret = \"{secret}\"\nnational = {{ username = \"{id}\", password = \"{password}\" }}")
        };
        text.push_str(&format!(
            "[[member]]\nid = \"{id}\"\nname = \"{id}\"\nagencies = [{agencies}]\nscopes = [{scopes}]\n{credentials}\n"
        ));
    }
    text.push_str(&setup.members);
    text.push_str(&setup.targets.replace("{portal}", portal));
    text.push_str(&setup.providers.replace("{sandbox}", portal.split("/XrdAdapter").next().unwrap()));
    lgsp_config::parse(&text, dir, &|_| None, &|_| Err("no files here".into()))
        .unwrap_or_else(|errors| panic!("{}\n{text}", lgsp_config::format_errors(&errors)))
}

/// What the shipped contracts must know of the sandbox's partners.
fn variables(sandbox: &Sandbox) -> Variables {
    Variables::of(sandbox.variables())
}

fn contracts(setup: &Setup, sandbox: &Sandbox) -> Catalogue {
    let address = format!("http://{}", sandbox.addr());
    let mut files = lgsp_contract::shipped();
    files.extend(setup.contracts.iter().map(|(path, text)| lgsp_contract::SourceFile {
        path: path.clone(),
        text: text.replace("{sandbox}", &address),
    }));
    let (catalogue, wrong) = lgsp_contract::load(&files);
    assert!(wrong.is_empty(), "{wrong:?}");
    catalogue
}

/// A hash as cheap as argon2id can be: what it costs is tested elsewhere.
pub(crate) fn argon2id(secret: &str) -> String {
    let params = argon2::Params::new(64, 1, 1, None).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let (salt, mut hash) = (b"salt of the tests", [0u8; 32]);
    argon2.hash_password_into(secret.as_bytes(), salt, &mut hash).unwrap();
    format!("$argon2id$v=19$m=64,t=1,p=1${}${}", STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash))
}

/// Waits until `found` finds something, and fails with the reason when it does not.
#[track_caller]
pub(crate) fn until<T, F: Future<Output = Option<T>>>(
    reason: &str,
    mut found: impl FnMut() -> F,
) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = found().await {
                return found;
            }
            assert!(Instant::now() < end, "{caller}: waited {PATIENCE:?} in vain: {reason}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
