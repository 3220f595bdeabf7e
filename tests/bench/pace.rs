//! An open generator over connections that are kept: calls are due at their time, whether earlier ones were answered or not.

use std::borrow::Cow;
use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::http;

/// How fast, over how many connections, how often.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) port: u16,
    /// Calls in a second.
    pub(crate) rate: f64,
    pub(crate) connections: u32,
    pub(crate) calls: u32,
}

impl Pace {
    /// The times of all calls in milliseconds, sorted. `request` makes the nth one, `good` looks at a body.
    pub(crate) fn run<'r>(
        self,
        request: impl Fn(u32) -> Cow<'r, [u8]> + Sync,
        good: impl Fn(&[u8]) -> bool + Sync,
    ) -> Result<Vec<f64>> {
        let started = Instant::now() + Duration::from_millis(20);
        let mut millis = Vec::new();
        std::thread::scope(|scope| {
            let (request, good) = (&request, &good);
            let connections: Vec<_> = (0..self.connections)
                .map(|connection| scope.spawn(move || self.connection(started, connection, request, good)))
                .collect();
            for connection in connections {
                millis.extend(connection.join().map_err(|_| Error::other("a connection failed"))??);
            }
            Ok::<_, Error>(())
        })?;
        millis.sort_by(f64::total_cmp);
        Ok(millis)
    }

    /// The calls of one connection.
    fn connection<'r>(
        self,
        started: Instant,
        connection: u32,
        request: &impl Fn(u32) -> Cow<'r, [u8]>,
        good: &impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<f64>> {
        let mut stream = http::connect(self.port)?;
        let (mut buffer, mut millis) = (vec![0; 64 * 1024], Vec::new());
        for n in (connection..self.calls).step_by(self.connections as usize) {
            let request = request(n);
            let due = started + Duration::from_secs_f64(f64::from(n) / self.rate);
            let now = Instant::now();
            // Who is late because of the answer before counts from when it was due; a late alarm clock is nobody's fault.
            let from = if now < due { wait_until(due) } else { due };
            stream.write_all(&request)?;
            let body = read_answer(&mut stream, &mut buffer)?;
            millis.push(from.elapsed().as_secs_f64() * 1000.0);
            if !good(&buffer[body.clone()]) {
                return Err(Error::other(String::from_utf8_lossy(&buffer[body]).into_owned()));
            }
        }
        Ok(millis)
    }
}

/// When it woke up.
fn wait_until(due: Instant) -> Instant {
    loop {
        let now = Instant::now();
        if now >= due {
            return now;
        }
        std::thread::park_timeout(due - now);
    }
}

/// Reads one answer, which says how long it is; where its body stands.
pub(crate) fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<std::ops::Range<usize>> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Err(Error::other("closed"));
        }
        filled += read;
        let Some(head) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        if !text.starts_with("http/1.1 20") {
            return Err(Error::other(String::from_utf8_lossy(&buffer[..filled]).into_owned()));
        }
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        let end = head + 4 + length.unwrap_or(0);
        if filled >= end {
            return Ok(head + 4..end);
        }
    }
}
