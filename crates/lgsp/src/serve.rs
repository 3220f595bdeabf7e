//! `lgsp serve`: runs a gateway as a service. It listens to the service manager: readiness, watchdog, reload, stop.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::gateway::{Gateway, StartError};
use crate::load::{LoadError, Loaded, load};

/// How often the configuration file is looked at for a change.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why the service did not start.
#[derive(Debug)]
pub(crate) enum ServeError {
    /// What the gateway is built from is wrong.
    Load(Vec<LoadError>),
    /// It is right, but the gateway cannot start on this machine now.
    Start(StartError),
    /// The system refused to tell about signals.
    Signals(std::io::Error),
}

/// Runs until SIGTERM or SIGINT; SIGHUP or a changed configuration file reloads.
pub(crate) async fn serve(path: &Path) -> Result<(), ServeError> {
    let Loaded { config, contracts } = load_aside(path).await.map_err(ServeError::Load)?;
    crate::telemetry::start_logging(config.log.level, config.log.format);
    report(&contracts.wrong);
    let mut signals = Signals::new().map_err(ServeError::Signals)?;
    let mut file = Watched::new(path);
    let gateway = Gateway::start(config, contracts.catalogue).await.map_err(ServeError::Start)?;
    notify(&[NotifyState::Ready]);
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = signals.reload.recv() => {
                // What is read now needs no second reading when the file is looked at next.
                file.changed();
                reload(&gateway, path).await;
            }
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            _ = look.tick() => {
                notify(&[NotifyState::Watchdog]);
                if file.changed() {
                    reload(&gateway, path).await;
                }
            }
        }
    }
    notify(&[NotifyState::Stopping]);
    gateway.stop().await;
    Ok(())
}

/// Loads in a thread of its own: compiling schemas takes twice the memory that stays, and the allocator gives a thread's
/// memory back when the thread ends.
async fn load_aside(path: &Path) -> Result<Loaded, Vec<LoadError>> {
    let (path, (done, loaded)) = (path.to_owned(), tokio::sync::oneshot::channel());
    std::thread::spawn(move || drop(done.send(load(&path))));
    loaded.await.expect("loading does not panic")
}

/// Takes over a good configuration as a whole; a bad one changes nothing.
async fn reload(gateway: &Gateway, path: &Path) {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        notify(&[NotifyState::Reloading, now]);
    }
    match load_aside(path).await {
        Ok(Loaded { contracts, .. }) if !contracts.wrong.is_empty() => {
            // At start the other contracts work without a bad one; a running gateway has a good version of it to keep.
            gateway.reload_failed();
            report(&contracts.wrong);
            tracing::error!("reload refused because of its contracts; the old configuration stays");
        }
        Ok(Loaded { config, contracts }) => {
            if let Err(error) = gateway.reload(config, contracts.catalogue).await {
                tracing::error!(cause = %error, "reload refused; the old configuration stays");
            }
        }
        Err(errors) => {
            gateway.reload_failed();
            for error in &errors {
                tracing::error!(cause = %error, "reload refused; the old configuration stays");
            }
        }
    }
    notify(&[NotifyState::Ready]);
}

fn report(wrong: &[LoadError]) {
    for error in wrong {
        tracing::error!(cause = %error, "contract left out");
    }
}

/// Tells the service manager, where there is one.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(cause = %error, "service manager not told");
    }
}

struct Signals {
    reload: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            reload: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// A file whose time of change is looked at.
struct Watched {
    path: PathBuf,
    seen: Option<SystemTime>,
}

impl Watched {
    fn new(path: &Path) -> Self {
        let mut this = Self { path: path.to_owned(), seen: None };
        this.changed();
        this
    }

    fn changed(&mut self) -> bool {
        let Ok(now) = std::fs::metadata(&self.path).and_then(|metadata| metadata.modified()) else { return false };
        self.seen.replace(now) != Some(now)
    }
}
