//! Calls through a service, against nginx and haproxy in the same run: the same generator, the same upstream, the same two
//! cores, in alternating rounds. Calls pass plain, checked and mapped, and turned from SOAP into JSON; then what the way
//! adds to a call's time, what waiting connections cost, and whether reloads lose a call.

mod contest;
mod contracts;
mod idle;
mod load;
mod open;
mod reload;
mod rivals;
mod upstream;

use std::io::{Error, Result};
use std::process::{Command, Stdio};

use crate::Bench;
use crate::figure::{self, Best};
use crate::gateway::{Gateway, free_port};
use contest::{Contestant, contest};
use load::Load;
use rivals::Rival;
use upstream::Upstream;

pub(crate) use idle::measure as idle;
pub(crate) use open::measure as latency;
pub(crate) use reload::measure as reload;

/// The gateway, its rivals, and the upstream of all of them.
struct Scene {
    gateway: Gateway,
    token: String,
    nginx: Rival,
    haproxy: Rival,
    upstream: Upstream,
}

impl Scene {
    fn set(bench: &Bench) -> Result<Self> {
        pin_to_two_cores()?;
        let upstream = Upstream::start()?;
        let gateway = Gateway::start_with(&bench.lgsp, contracts::MEMBER, &contracts::folders(upstream.port))?;
        let token = gateway.token_of(contracts::MEMBER_ID)?;
        Ok(Self {
            nginx: Rival::nginx(free_port()?, upstream.port)?,
            haproxy: Rival::haproxy(free_port()?, upstream.port)?,
            gateway,
            token,
            upstream,
        })
    }

    fn lgsp<'s>(&'s self, name: &'static str, load: Load) -> Contestant<'s> {
        Contestant { name, port: self.gateway.public, cpu: Box::new(|| self.gateway.cpu()), load }
    }

    fn rival<'s>(rival: &'s Rival, name: &'static str, load: Load) -> Contestant<'s> {
        Contestant { name, port: rival.port, cpu: Box::new(|| rival.cpu()), load }
    }

    fn bearer(&self) -> (&'static str, String) {
        ("Authorization", format!("Bearer {}", self.token))
    }
}

/// Generator, upstream and proxies share two cores: more would leave a proxy alone on its own.
fn pin_to_two_cores() -> Result<()> {
    let pid = std::process::id().to_string();
    for _ in 0..10 {
        // It fails when a thread ends while it goes through them.
        let pinned = Command::new("taskset").args(["-a", "-cp", "0,1", &pid]).stdout(Stdio::null()).status()?;
        if pinned.success() {
            return Ok(());
        }
    }
    Err(Error::other("cannot choose two cores"))
}

/// A POST of 1.2 KB: passed on as it is, and with token, JSON Schema and a map of forty fields.
pub(crate) fn plain(bench: &Bench) -> Result<()> {
    let scene = Scene::set(bench)?;
    let body = contracts::record();
    let post = |path: &str| Load::post(path, &body);
    let key = ("X-API-Key", contracts::API_KEY.to_owned());
    let measured = contest(&[
        scene.lgsp("lgsp, API key", post("/plain/echo").with(key)),
        scene.lgsp("lgsp, bearer token", post("/bearer/echo").with(scene.bearer())),
        scene.lgsp("lgsp, token + schema + map", post("/mapped/echo").with(scene.bearer())),
        Scene::rival(&scene.nginx, "nginx", post("/plain/echo")),
        Scene::rival(&scene.haproxy, "haproxy", post("/plain/echo")),
    ])?;
    let [key, bearer, mapped, nginx, haproxy] = measured.as_slice() else { return Err(Error::other("five")) };
    let of = [
        (key, "plain POST of 1.2 KB, API key"),
        (bearer, "plain POST of 1.2 KB, bearer token"),
        (mapped, "POST of 1.2 KB, token + JSON Schema + map of 40 fields"),
    ];
    for (ours, what) in of {
        for (rival, name) in [(nginx, "nginx plain"), (haproxy, "haproxy plain")] {
            figure::print_rounds(&format!("{what}: CPU"), "µs/request", Best::Least, &ours.cpu, name, &rival.cpu);
            let what = format!("{what}: 64 connections");
            figure::print_rounds(&what, "requests/s", Best::Most, &ours.rate, name, &rival.rate);
        }
    }
    Ok(())
}

/// A SOAP answer becomes JSON, against nginx with a style sheet that makes the same JSON.
pub(crate) fn soap(bench: &Bench) -> Result<()> {
    let scene = Scene::set(bench)?;
    for (size, _) in contracts::SIZES {
        let load = || Load::post(&format!("/soap/{size}"), contracts::QUESTION);
        let ours = load().with(("X-API-Key", contracts::API_KEY.to_owned()));
        let (made, expected) = (ours.once(scene.gateway.public)?, load().once(scene.nginx.port)?);
        if made != expected {
            return Err(Error::other(format!("the two do not make the same: {made} and {expected}")));
        }
        let measured = contest(&[scene.lgsp("lgsp", ours), Scene::rival(&scene.nginx, "nginx + xslt", load())])?;
        let [ours, nginx] = measured.as_slice() else { return Err(Error::other("two")) };
        let what = format!("SOAP to JSON, {size}");
        let rival = "nginx with its XSLT filter";
        figure::print_rounds(&what, "requests/s", Best::Most, &ours.rate, rival, &nginx.rate);
        figure::print_rounds(&format!("{what}: CPU"), "µs/request", Best::Least, &ours.cpu, rival, &nginx.cpu);
    }
    Ok(())
}
