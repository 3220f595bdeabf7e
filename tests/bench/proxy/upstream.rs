//! The server behind all proxies: fixed answers by the last part of the path, one thread for each connection, which is the
//! cheapest there is for few of them.

use std::io::{Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use super::contracts;

/// No request of the bench is longer.
const MOST_BYTES: usize = 64 * 1024;

pub(super) struct Upstream {
    pub(super) port: u16,
}

/// Last part of the path, and the bytes of its answer.
type Answers = Vec<(String, Vec<u8>)>;

impl Upstream {
    /// Serves until the program ends.
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let mut answers = vec![("echo".to_owned(), answer("application/json", &contracts::record()))];
        for (size, bytes) in contracts::SIZES {
            answers.push((size.to_owned(), answer("text/xml; charset=utf-8", &contracts::envelope(bytes))));
        }
        let answers = Arc::new(answers);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = answers.clone();
                let _ = std::thread::Builder::new().stack_size(128 * 1024).spawn(move || serve(stream, &answers));
            }
        });
        Ok(Self { port })
    }
}

fn answer(media_type: &str, body: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n", body.len());
    (head + body).into_bytes()
}

fn serve(mut stream: TcpStream, answers: &Answers) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let (mut buffer, mut filled) = (vec![0; MOST_BYTES], 0);
    loop {
        let read = stream.read(&mut buffer[filled..]).ok().filter(|read| *read > 0)?;
        filled += read;
        while let Some((end, path)) = request(&buffer[..filled]) {
            let found = answers.iter().find(|(name, _)| path.ends_with(name.as_bytes()));
            let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(found.map_or(missing.as_slice(), |(_, answer)| answer)).ok()?;
            buffer.copy_within(end..filled, 0);
            filled -= end;
        }
    }
}

/// Where the first request ends, when it is there whole, and its path.
fn request(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let mut lines = bytes[..head].split(|&b| b == b'\n');
    let path = lines.next()?.split(|&b| b == b' ').nth(1)?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(15)?;
        let value = name.eq_ignore_ascii_case(b"content-length:").then_some(value)?;
        std::str::from_utf8(value).ok()?.trim().parse::<usize>().ok()
    });
    let end = head + length.unwrap_or(0);
    (end <= bytes.len()).then_some((end, path))
}
