//! The least client that a bench needs: one request on one connection, blocking, with bounds on time.

use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header, the first one of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).map_err(Error::other)
    }
}

pub(crate) fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

pub(crate) fn get(port: u16, path: &str, token: &str) -> Result<Answer> {
    exchange(port, &format!("GET {path} HTTP/1.1\r\n"), token, &[])
}

/// A GET with header lines of its own.
pub(crate) fn get_with(port: u16, path: &str, fields: &str) -> Result<Answer> {
    exchange(port, &format!("GET {path} HTTP/1.1\r\n{fields}"), "", &[])
}

pub(crate) fn post(port: u16, path: &str, token: &str, media_type: &str, body: &[u8]) -> Result<Answer> {
    let head = format!("POST {path} HTTP/1.1\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n", body.len());
    exchange(port, &head, token, body)
}

/// A POST with header lines of its own.
pub(crate) fn post_with(port: u16, path: &str, fields: &str, body: &[u8]) -> Result<Answer> {
    let head = format!("POST {path} HTTP/1.1\r\n{fields}Content-Length: {}\r\n", body.len());
    exchange(port, &head, "", body)
}

fn exchange(port: u16, head: &str, token: &str, body: &[u8]) -> Result<Answer> {
    let mut stream = connect(port)?;
    stream.write_all(format!("{head}{}Connection: close\r\n\r\n", fields(token)).as_bytes())?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes)
}

/// The header lines that every request carries.
pub(crate) fn fields(token: &str) -> String {
    let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    format!("Host: 127.0.0.1\r\n{authorization}")
}

fn parse(bytes: &[u8]) -> Result<Answer> {
    let bad = || Error::other("an answer that is not HTTP");
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(bad)?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let lower = head.to_ascii_lowercase();
    let status = lower.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(bad)?;
    let body = &bytes[end + 4..];
    let body = if lower.contains("transfer-encoding: chunked") { unchunk(body) } else { body.to_vec() };
    Ok(Answer { status, head, body })
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let Some(size) = size.filter(|size| *size > 0 && end + 4 + size <= rest.len()) else { break };
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    body
}
