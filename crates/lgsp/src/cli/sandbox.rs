//! `lgsp sandbox`: the simulated partners alone, until Ctrl-C.

use std::net::SocketAddr;

use lgsp_sandbox::Sandbox;

use super::failure::CommandError;

pub(super) async fn run(listen: SocketAddr) -> Result<(), CommandError> {
    let sandbox = Sandbox::start(listen).map_err(|error| CommandError::Listen(listen, error))?;
    let settings = sandbox.portal().settings();
    println!("National portal: {}", sandbox.adapter_url());
    println!("Login: username {}, password {}", settings.username, settings.password);
    for partner in [
        "population",
        "enterprise",
        "profiles",
        "vnpost",
        "ministry",
        "echo",
        "identity/vneid",
        "identity/vnconnect",
        "identity/province",
        "identity/cas",
    ] {
        println!("Also: {}/", sandbox.url(&format!("/{partner}")));
    }
    println!("For the shipped services of a gateway beside it:");
    for (name, value) in sandbox.variables() {
        println!("export {name}='{value}'");
    }
    println!("What it stored, its settings and its faults: http://{}/sandbox/", sandbox.addr());
    println!("Stop with Ctrl-C.");
    tokio::signal::ctrl_c().await.map_err(CommandError::NoRuntime)?;
    sandbox.stop();
    Ok(())
}
