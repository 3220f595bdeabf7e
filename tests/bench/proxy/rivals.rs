//! nginx and haproxy as they are set up for speed: two workers, open connections on both sides, no log.

use std::io::{Error, Result};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::contracts;
use crate::gateway::cpu_of;
use crate::http;

/// Stopped and removed when dropped.
pub(super) struct Rival {
    child: Child,
    dir: PathBuf,
    pub(super) port: u16,
}

impl Rival {
    /// Passes everything on; answers below `/soap` go through a style sheet.
    pub(super) fn nginx(port: u16, upstream: u16) -> Result<Self> {
        let dir = directory("nginx", port)?;
        std::fs::write(dir.join("soap.xslt"), contracts::STYLE_SHEET)?;
        let at = dir.display();
        let text = format!(
            r#"load_module /usr/lib/nginx/modules/ngx_http_xslt_filter_module.so;
daemon off; worker_processes 2; pid {at}/pid; error_log {at}/log crit;
events {{ worker_connections 8192; }}
http {{
    access_log off; keepalive_requests 100000000; client_body_buffer_size 64k; proxy_buffers 32 8k;
    client_body_temp_path {at}/body; proxy_temp_path {at}/proxy;
    fastcgi_temp_path {at}/fastcgi; uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
    upstream partner {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 100000000; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://partner; }}
        location /soap/ {{ xslt_stylesheet {at}/soap.xslt; proxy_pass http://partner; }}
    }}
}}
"#
        );
        std::fs::write(dir.join("conf"), text)?;
        let mut command = Command::new("nginx");
        command.arg("-c").arg(dir.join("conf"));
        Self::start(command, dir, port)
    }

    /// Passes everything on.
    pub(super) fn haproxy(port: u16, upstream: u16) -> Result<Self> {
        let dir = directory("haproxy", port)?;
        let text = format!(
            "global\n nbthread 2\n maxconn 8192\ndefaults\n mode http\n http-reuse always\n option forwardfor\n \
             timeout connect 5s\n timeout client 60s\n timeout server 60s\nfrontend all\n bind 127.0.0.1:{port}\n \
             default_backend partner\nbackend partner\n server one 127.0.0.1:{upstream}\n"
        );
        std::fs::write(dir.join("conf"), text)?;
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(dir.join("conf"));
        Self::start(command, dir, port)
    }

    fn start(mut command: Command, dir: PathBuf, port: u16) -> Result<Self> {
        let log = std::fs::File::create(dir.join("told"))?;
        let child = command.stdout(Stdio::null()).stderr(log).spawn()?;
        let this = Self { child, dir, port };
        for _ in 0..5000 {
            if http::connect(port).is_ok() {
                return Ok(this);
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        let told = std::fs::read_to_string(this.dir.join("told")).unwrap_or_default();
        Err(Error::other(format!("a rival did not start: {told}")))
    }

    /// CPU seconds of it and its workers so far.
    pub(super) fn cpu(&self) -> f64 {
        let pid = self.child.id();
        let workers = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let workers = workers.split_whitespace().filter_map(|worker| worker.parse().ok());
        cpu_of(pid) + workers.map(cpu_of).sum::<f64>()
    }
}

fn directory(name: &str, port: u16) -> Result<PathBuf> {
    let dir = std::env::temp_dir().join(format!("lgsp-bench-{name}-{port}"));
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}

impl Drop for Rival {
    fn drop(&mut self) {
        // nginx ends its workers when it is asked, not when it is killed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
