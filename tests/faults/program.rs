//! The real program as a child process: `lgsp serve` with a directory of its own, started through whatever the test
//! wants around it, and ended as the test wants. It is killed when the test lets go of it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// How long a test waits for something that should happen soon: an overloaded machine and a debug build are slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// The admin token of every test.
pub(crate) const ADMIN_TOKEN: &str = "admin-token-of-the-tests";

/// Lines of the program's log that a failure shows.
const SHOWN_LINES: usize = 60;

/// The program, as cargo built it beside this test.
fn binary() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let path = here.parent().and_then(Path::parent).expect("tests stand in target/PROFILE/deps").join("lgsp");
    assert!(
        path.is_file(),
        "{} is missing. A run over the whole workspace builds it (tests/run does that); for this test alone run \
         `cargo build -p lgsp` first, with the same target directory and profile",
        path.display()
    );
    path
}

/// A directory with a configuration, and what it is started through.
pub(crate) struct Place {
    dir: TempDir,
    targets: String,
    /// The port that members call; 0 is any that is free.
    port: u16,
    /// The command before the program; it has to end in `exec`, so that the child is the program itself.
    around: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
}

impl Place {
    /// A place whose gateway delivers to the portal at `adapter_url`, if there is one.
    pub(crate) fn new(adapter_url: Option<&str>) -> Self {
        let targets = adapter_url.map_or_else(String::new, |url| TARGET.replace("{portal}", url));
        let dir = TempDir::new().unwrap();
        let place = Self { dir, targets, port: 0, around: Vec::new(), environment: Vec::new() };
        place.configure("");
        place
    }

    /// The same port after each start, for those who were told once where to call. It lies below those that the system gives out.
    pub(crate) fn on_one_port(mut self) -> Self {
        self.port = free_port();
        self.configure("");
        self
    }

    /// Starts the program through another command.
    pub(crate) fn through<T: Into<OsString>>(mut self, around: impl IntoIterator<Item = T>) -> Self {
        self.start_through(around);
        self
    }

    /// From the next start on, starts the program through another command; through none when there are no words.
    pub(crate) fn start_through<T: Into<OsString>>(&mut self, around: impl IntoIterator<Item = T>) {
        self.around = around.into_iter().map(Into::into).collect();
    }

    /// Starts the program with a variable.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Where members call, of a place with one port.
    pub(crate) fn public(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where the store is.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Writes the configuration, with these lines more at its end.
    pub(crate) fn configure(&self, more: &str) {
        let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts");
        let text = format!(
            "version = 1\n[public]\nlisten = \"127.0.0.1:{}\"\n[admin]\nlisten = \"127.0.0.1:0\"\ntoken = \"{ADMIN_TOKEN}\"\n\
             [contracts]\npath = \"{}\"\n[issuer]\nurl = \"http://gateway.test\"\n{}{}{more}",
            self.port,
            contracts.display(),
            member("one-stop"),
            self.targets
        );
        std::fs::write(self.config(), text).unwrap();
    }

    /// Writes a configuration that cannot be taken over.
    pub(crate) fn spoil_configuration(&self) {
        std::fs::write(self.config(), "version = 1\n[public]\nlisten = \"nowhere\"\nlisten_too = 1\n").unwrap();
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("lgsp.toml")
    }

    fn command(&self) -> Command {
        let mut words = self.around.clone();
        words.push(binary().into());
        words.extend(["serve".into(), "--config".into(), self.config().into()]);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).envs(self.environment.iter().cloned()).stdin(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Starts simulated partners that see what the program sees of the world.
    pub(crate) async fn neighbours(&self) -> Neighbours {
        let listen = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(binary());
        command.args(["sandbox", "--listen", &listen]).envs(self.environment.iter().cloned());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let neighbours = Neighbours { child, url: format!("http://{listen}") };
        until("the partners listen", async || TcpStream::connect(&listen).ok()).await;
        neighbours
    }

    /// Starts the program and waits until it is ready.
    pub(crate) async fn start(&self) -> Program {
        let mut child = self.command().spawn().unwrap_or_else(|error| panic!("{:?}: {error}", self.command()));
        let said = Arc::new(Mutex::new(Vec::new()));
        let (ready_in, ready) = oneshot::channel();
        let (stderr, log) = (child.stderr.take().expect("piped"), said.clone());
        std::thread::spawn(move || listen_to(stderr, &log, ready_in));
        let mut program = Program { child, said, public: unknown(), admin: unknown() };
        match tokio::time::timeout(PATIENCE, ready).await {
            Ok(Ok((public, admin))) => (program.public, program.admin) = (public, admin),
            _ => panic!("the program did not become ready:\n{}", program.said()),
        }
        program
    }

    /// Starts the program, which has to refuse: its exit code and what it said.
    pub(crate) fn refused(&self) -> (Option<i32>, String) {
        let output = self.command().output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Simulated partners in a process of their own, ended when the test lets go of them.
pub(crate) struct Neighbours {
    child: Child,
    pub(crate) url: String,
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody has, below those that the system gives out.
fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + (std::process::id() % 20_000) as u16;
    let mut ports = std::iter::repeat_with(|| first + TRIED.fetch_add(1, Ordering::Relaxed)).take(2_000);
    let free = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("one of two thousand ports is free")
}

/// A member with all rights in one province.
pub(crate) fn member(id: &str) -> String {
    format!(
        "[[member]]\nid = \"{id}\"\nname = \"{id}\"\nagencies = [\"H56\"]\nsecret = \"secret-of-{id}\"\n\
         scopes = [\"dossier:push\", \"dossier:read\", \"changes:read\"]\n"
    )
}

/// A target that loses patience quickly and never gives up within a test.
const TARGET: &str = r#"
[[target]]
id = "national-portal"
connector = "npsp"
[target.retry]
attempts = 1000
first = "20ms"
max = "200ms"
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

fn unknown() -> SocketAddr {
    ([0, 0, 0, 0], 0).into()
}

type Ready = (SocketAddr, SocketAddr);

/// Keeps the log and finds the addresses in it.
fn listen_to(stderr: ChildStderr, said: &Mutex<Vec<String>>, ready: oneshot::Sender<Ready>) {
    let mut ready = Some(ready);
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if let Some(addresses) = addresses_of(&line)
            && let Some(ready) = ready.take()
        {
            let _ = ready.send(addresses);
        }
        said.lock().unwrap().push(line);
    }
}

fn addresses_of(line: &str) -> Option<Ready> {
    let line: Value = serde_json::from_str(line).ok()?;
    let address = |name: &str| line[name].as_str()?.parse().ok();
    (line["message"] == "gateway ready").then(|| Some((address("public")?, address("admin")?)))?
}

/// The running program.
pub(crate) struct Program {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Program {
    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(sent.success(), "the program has ended:\n{}", self.said());
    }

    /// Waits for the end that was asked for.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        until("the program ends", async || self.child.try_wait().unwrap()).await
    }

    /// The end of its log.
    pub(crate) fn said(&self) -> String {
        let said = self.said.lock().unwrap();
        said.iter().skip(said.len().saturating_sub(SHOWN_LINES)).map(|line| format!("  {line}\n")).collect()
    }

    /// How many lines of its log have these words.
    pub(crate) fn times_said(&self, words: &str) -> usize {
        self.said.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `found` finds something, and fails with the reason when it does not.
pub(crate) async fn until<T>(reason: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let waiting = Waiting::until(reason);
    loop {
        if let Some(found) = found().await {
            return found;
        }
        waiting.a_moment().await;
    }
}

/// A wait that fails with its reason when it takes too long.
pub(crate) struct Waiting<'a> {
    reason: &'a str,
    end: Instant,
}

impl<'a> Waiting<'a> {
    pub(crate) fn until(reason: &'a str) -> Self {
        Self { reason, end: Instant::now() + PATIENCE }
    }

    /// Lets others work before the condition is looked at again.
    pub(crate) async fn a_moment(&self) {
        assert!(Instant::now() < self.end, "waited {PATIENCE:?} in vain until {}", self.reason);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether the script that prepares the machine could not install a tool.
pub(crate) fn without(tool: &str) -> bool {
    let left_out = std::env::var("LGSP_WITHOUT").unwrap_or_default();
    let missing = left_out.split_whitespace().any(|name| name == tool);
    if missing {
        println!("left out: {tool} cannot be installed here");
    }
    missing
}
