//! `lgsp serve`: runs a gateway as a service. It listens to the service manager: readiness, watchdog, reload, stop.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use lgsp_config::{Config, Tls};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::gateway::{BadSocket, Gateway, Sockets, StartError};
use crate::load::{Certificates, LoadError, Loaded, load};

/// How often the configuration file is looked at for a change.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why the service did not start.
#[derive(Debug)]
pub(crate) enum ServeError {
    /// What the gateway is built from is wrong.
    Load(Vec<LoadError>),
    /// It is right, but the gateway cannot start on this machine now.
    Start(StartError),
    /// The service manager handed over sockets that cannot be used.
    Sockets(BadSocket),
    /// The system refused to tell about signals.
    Signals(std::io::Error),
}

/// Runs until SIGTERM or SIGINT; SIGHUP or a changed configuration file reloads.
pub(crate) async fn serve(path: &Path) -> Result<(), ServeError> {
    let sockets = Sockets::from_service_manager().map_err(ServeError::Sockets)?;
    let Loaded { config, contracts, certificates } = load_aside(path).await.map_err(ServeError::Load)?;
    crate::telemetry::start_logging(config.log.level, config.log.format);
    report(&contracts.wrong);
    report_certificates(&certificates);
    let mut signals = Signals::new().map_err(ServeError::Signals)?;
    let mut files = Watched::new(path);
    files.watch_certificates(&config);
    let start = Gateway::start_on(sockets, config, contracts.catalogue);
    let gateway = start.await.map_err(ServeError::Start)?;
    notify(&[NotifyState::Ready]);
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = signals.reload.recv() => {
                // What is read now needs no second reading when the file is looked at next.
                files.changed();
                reload(&gateway, path, &mut files).await;
            }
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            _ = look.tick() => {
                notify(&[NotifyState::Watchdog]);
                if files.changed() {
                    reload(&gateway, path, &mut files).await;
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
async fn reload(gateway: &Gateway, path: &Path, files: &mut Watched) {
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
        Ok(Loaded { certificates, .. }) if !certificates.ended.is_empty() => {
            gateway.reload_failed();
            report_certificates(&certificates);
            tracing::error!("reload refused because of its certificates; the old configuration stays");
        }
        Ok(Loaded { config, contracts, certificates }) => {
            report_certificates(&certificates);
            files.watch_certificates(&config);
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

/// A gateway starts with a certificate that has ended, because some clients do not look; it does not take one over.
fn report_certificates(certificates: &Certificates) {
    for error in &certificates.ended {
        tracing::error!(cause = %error, "certificate has ended");
    }
    for warning in &certificates.ending {
        tracing::warn!(cause = %warning, "certificate ends soon");
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

/// Files whose times of change are looked at: the configuration, then the certificates and keys that it names.
struct Watched {
    files: Vec<(PathBuf, Option<SystemTime>)>,
}

impl Watched {
    fn new(path: &Path) -> Self {
        Self { files: vec![seen(path)] }
    }

    /// Looks at the certificates of this configuration, in place of those before.
    fn watch_certificates(&mut self, config: &Config) {
        self.files.truncate(1);
        let tls = config.public.tls.iter().chain(&config.admin.tls);
        self.files.extend(tls.flat_map(Tls::files).map(|path| seen(path)));
    }

    /// Whether a file was changed since it was last asked. One that is missing for a moment was not.
    fn changed(&mut self) -> bool {
        let mut changed = false;
        for (path, at) in &mut self.files {
            let (_, now) = seen(path);
            if now.is_some() && *at != now {
                (*at, changed) = (now, true);
            }
        }
        changed
    }
}

fn seen(path: &Path) -> (PathBuf, Option<SystemTime>) {
    (path.to_owned(), std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
}
