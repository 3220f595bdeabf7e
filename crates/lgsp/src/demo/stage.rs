//! `lgsp demo`: sets the stage for a demo on one machine, plays it, and leaves everything running to be tried by hand.

mod paying;

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lgsp_config::{Config, LogFormat, LogLevel};
use lgsp_sandbox::Sandbox;

use super::{
    ClientCredentials, Counter, CounterPlace, DemoMember, DemoOptions, DemoTarget, PasswordLogin, ProcedureList,
    Progress, Summary, members, run_demo,
};
use crate::cli::DemoArguments;
use crate::gateway::{Gateway, Sockets, Variables};

/// The operator's token of the demo. It opens nothing but a gateway on this machine's loopback with made-up data.
const ADMIN_TOKEN: &str = "demo-admin-token-0123456789";
/// What everything that the demo leaves to chance begins with, so that two demos are alike.
const SEED: u64 = 20_261_121;

/// Plays the demo; the exit code of the program.
pub(crate) async fn run(arguments: DemoArguments) -> u8 {
    match play(arguments).await {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(why) => {
            eprintln!("lgsp demo: {why}");
            1
        }
    }
}

async fn play(arguments: DemoArguments) -> Result<bool, String> {
    let procedures = match &arguments.catalogue {
        Some(path) => ProcedureList::load(path).map_err(|error| error.to_string())?,
        None => ProcedureList::built_in(),
    };
    crate::telemetry::start_logging(LogLevel::Error, LogFormat::Text);
    let home = Home::open(arguments.data.as_deref()).map_err(|error| format!("no directory for the store: {error}"))?;
    let sandbox =
        Sandbox::start(arguments.sandbox).map_err(|error| format!("sandbox on {}: {error}", arguments.sandbox))?;
    let place = CounterPlace::take().await.map_err(|error| format!("no port for the counter: {error}"))?;
    let config = configuration(&arguments, &home.path, &sandbox, &place)?;
    let variables = Variables::of(sandbox.variables());
    let gateway = Gateway::start_with(Sockets::default(), variables, config, crate::load::shipped_contracts()).await;
    let gateway = gateway.map_err(|error| error.to_string())?;
    let public = format!("http://{}", gateway.public_address());
    sandbox.payments().register(&public);
    let counter = place.open(&public, credentials(Some(super::System::Single)));
    let admin = format!("http://{}", gateway.admin_address());
    println!("Gateway {public}, operators {admin}, simulated partners http://{}", sandbox.addr());
    let options = DemoOptions {
        dossiers: u64::from(arguments.dossiers),
        procedures,
        seed: SEED,
        today: today(),
        progress: if std::io::stdout().is_terminal() { Progress::Terminal } else { Progress::Lines },
    };
    let played = run_demo(&target(&public, &admin, &counter.paid_uri()), &sandbox, options)
        .await
        .map_err(|error| error.to_string());
    let equal = played.as_ref().is_ok_and(Summary::all_equal);
    match &played {
        Ok(summary) => println!("\n{summary}"),
        Err(why) => eprintln!("lgsp demo: {why}"),
    }
    if !arguments.once {
        println!("{}", invitation(&admin, &public, &sandbox, &counter));
        tokio::signal::ctrl_c().await.map_err(|error| error.to_string())?;
        println!();
    }
    gateway.stop().await;
    sandbox.stop();
    Ok(equal)
}

fn today() -> jiff::civil::Date {
    jiff::Zoned::now().date()
}

fn secret_of(member: &str) -> String {
    format!("demo-{member}-secret")
}

fn credentials(system: Option<super::System>) -> ClientCredentials {
    let member = members().into_iter().find(|member| member.system == system).expect("every part is played");
    ClientCredentials { id: member.id.to_owned(), secret: secret_of(member.id) }
}

fn target(public: &str, admin: &str, return_url: &str) -> DemoTarget {
    let adapter = credentials(Some(super::System::Adapter));
    DemoTarget {
        public_url: public.to_owned(),
        single: credentials(Some(super::System::Single)),
        bulk: credentials(Some(super::System::Bulk)),
        adapter: PasswordLogin { username: adapter.id, password: adapter.secret },
        puller: credentials(None),
        return_url: return_url.to_owned(),
        admin_url: admin.to_owned(),
        admin_token: ADMIN_TOKEN.to_owned(),
    }
}

/// The store's directory: the one that was named, or one that goes with the demo.
struct Home {
    path: PathBuf,
    temporary: bool,
}

impl Home {
    fn open(named: Option<&Path>) -> std::io::Result<Self> {
        let temporary = named.is_none();
        let path = named
            .map_or_else(|| std::env::temp_dir().join(format!("lgsp-demo-{}", std::process::id())), Path::to_path_buf);
        std::fs::create_dir_all(&path)?;
        Ok(Self { path: path.canonicalize()?, temporary })
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// The demo's gateway is configured as every gateway is: by a text.
fn configuration(
    arguments: &DemoArguments,
    home: &Path,
    sandbox: &Sandbox,
    counter: &CounterPlace,
) -> Result<Config, String> {
    let mut text = configuration_text(arguments.public, arguments.admin, home, sandbox);
    for member in members() {
        text.push_str(&member_text(&member, counter));
    }
    let partners = format!("http://{}", sandbox.addr());
    text.push_str(&providers_text(&partners));
    text.push_str(&paying::tables(&partners));
    let nothing = |_: &str| None;
    let no_file = |_: &Path| Err("the demo reads no files".to_owned());
    lgsp_config::parse(&text, home, &nothing, &no_file).map_err(|errors| lgsp_config::format_errors(&errors))
}

fn configuration_text(public: SocketAddr, admin: SocketAddr, home: &Path, sandbox: &Sandbox) -> String {
    let settings = sandbox.portal().settings();
    let quoted = |text: &str| toml::Value::from(text).to_string();
    format!(
        r#"version = 1
[public]
listen = "{public}"
[admin]
listen = "{admin}"
token = "{ADMIN_TOKEN}"
[store]
engine = "embedded"
path = {data}
[issuer]
url = "http://{public}"
keys = {keys}
[[target]]
id = "national-portal"
connector = "npsp"
agencies = ["*"]
start = "beginning"
[target.retry]
attempts = 100
first = "100ms"
max = "2s"
[target.breaker]
open = "200ms"
open_max = "1s"
[target.settings]
adapter_url = "{adapter}"
auth_endpoint = "mapi/login"
integration_endpoint = "mapi/g"
share_endpoint = "mapi/g"
username = {username}
password = {password}
madonvi = "000.00.16.H11"
dstcode = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
timeout = "500ms"
"#,
        data = quoted(&home.join("data").to_string_lossy()),
        keys = quoted(&home.join("keys").to_string_lossy()),
        adapter = sandbox.adapter_url(),
        username = quoted(&settings.username),
        password = quoted(&settings.password),
    )
}

/// Where people sign in: the sandbox's providers.
fn providers_text(sandbox: &str) -> String {
    let client = "client_id = \"lgsp\"\nclient_secret = \"lgsp-sandbox\"\nallow_private = true\n";
    format!(
        r#"[[identity_provider]]
id = "vneid"
kind = "vneid"
name = "Tài khoản định danh điện tử VNeID (mô phỏng)"
name_en = "VNeID (simulated)"
[identity_provider.settings]
url = "{sandbox}/identity/vneid"
{client}
[[identity_provider]]
id = "vnconnect"
kind = "vnconnect"
name = "Cổng Dịch vụ công quốc gia (mô phỏng)"
name_en = "National Public Service Portal (simulated)"
[identity_provider.settings]
url = "{sandbox}/identity/vnconnect"
{client}
[[identity_provider]]
id = "province"
kind = "oidc"
name = "Cán bộ của tỉnh (mô phỏng)"
name_en = "Officers of the province (simulated)"
persons = ["officer"]
[identity_provider.settings]
issuer = "{sandbox}/identity/province"
{client}
[[identity_provider]]
id = "cas"
kind = "cas"
name = "Cán bộ, CAS (mô phỏng)"
name_en = "Officers, CAS (simulated)"
persons = ["officer"]
[identity_provider.settings]
url = "{sandbox}/identity/cas"
allow_private = true
"#
    )
}

fn member_text(member: &DemoMember, counter: &CounterPlace) -> String {
    let (id, secret) = (member.id, secret_of(member.id));
    let mut text = format!(
        "[[member]]\nid = \"{id}\"\nname = \"{}\"\nagencies = {:?}\nscopes = {:?}\nsecret = \"{secret}\"\n",
        member.name, member.agencies, member.scopes
    );
    if member.system == Some(super::System::Single) {
        let _ = writeln!(
            text,
            "sign_in = {{ redirect_uris = [\"{}\"], post_logout_redirect_uris = [\"{}\"], claims = [\"profile\", \"email\"] }}",
            counter.redirect_uri(),
            counter.signed_out_uri()
        );
        let _ = writeln!(text, "payments = {{ return_urls = [\"{}\"] }}", counter.paid_uri());
    }
    if member.system == Some(super::System::Adapter) {
        let _ = writeln!(text, "national = {{ username = \"{id}\", password = \"{secret}\" }}");
    }
    text
}

/// What can be tried by hand.
fn invitation(admin: &str, public: &str, sandbox: &Sandbox, counter: &Counter) -> String {
    let mut text = String::from("It stays up until Ctrl-C. To try by hand:\n");
    for member in members() {
        let _ = writeln!(
            text,
            "  member {:<24} secret {:<36} {}",
            member.id,
            secret_of(member.id),
            member.scopes.join(" ")
        );
    }
    let _ = write!(
        text,
        "  token    curl -s -u one-stop-h11:{} -d grant_type=client_credentials {public}/oauth2/token\n\
         \x20 portal's adapter   {public}/XrdAdapter/RestService/forward/ (mapi/login, mapi/g)\n\
         \x20 operators          LGSP_ADMIN_TOKEN={ADMIN_TOKEN} lgsp targets --admin {admin}\n\
         \x20 metrics            {admin}/metrics\n\
         \x20 partners           http://{}/sandbox/\n",
        secret_of("one-stop-h11"),
        sandbox.addr()
    );
    text.push_str(&calls(public));
    text.push_str(&paying::calls(public, &counter.paid_uri()));
    text.push_str(&paying::operators(ADMIN_TOKEN, admin));
    let _ = writeln!(
        text,
        "  sign in            {} (a one-stop counter: choose VNeID, then any of its made-up citizens)",
        counter.url()
    );
    text
}

/// Two calls of services, for a shell in which `TOKEN` is the access token. The person and the enterprise are made up.
fn calls(public: &str) -> String {
    format!(
        "  enterprise         curl -s -H \"Authorization: Bearer $TOKEN\" {public}/services/enterprise/0100000001\n\
         \x20 person             curl -s -H \"Authorization: Bearer $TOKEN\" -H 'X-Officer: canbo.thu' -H \"AuthHash: $(printf canbo.thu:lgsp-sandbox | base64)\" \
         --json '{{\"SoDinhDanh\":\"001199000001\",\"HoVaTen\":\"Nguyễn Văn Thử\",\"NgaySinh\":\"1999-01-15\",\"LyDo\":\"Giải quyết hồ sơ\"}}' \
         {public}/services/population/lookup\n"
    )
}
