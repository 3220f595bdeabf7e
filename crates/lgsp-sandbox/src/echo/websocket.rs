//! A WebSocket that echoes (RFC 6455): the handshake and the frames by hand, no extension.
//!
//! Fragments come back as the fragments that they were.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{self, AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;

/// The constant of the standard that turns a key into its acceptance.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// A frame's payload; it is held.
const MAX_FRAME: u64 = 16 << 20;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

pub(super) fn accept(mut request: Request<Incoming>, stop: CancellationToken) -> Answer {
    let text = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let upgrades = text(UPGRADE).eq_ignore_ascii_case("websocket")
        && text(CONNECTION).split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    let key = text(SEC_WEBSOCKET_KEY).to_owned();
    if !upgrades || key.is_empty() {
        return Answer::text(StatusCode::UPGRADE_REQUIRED, "a WebSocket is here\n")
            .with(UPGRADE, HeaderValue::from_static("websocket"));
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        tokio::select! {
            () = stop.cancelled() => {}
            // The other side's end is no news to anybody here.
            _ = echo(TokioIo::new(upgraded)) => {}
        }
    });
    let accepted = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes()));
    Answer::of(StatusCode::SWITCHING_PROTOCOLS, "text/plain", "")
        .with(UPGRADE, HeaderValue::from_static("websocket"))
        .with(CONNECTION, HeaderValue::from_static("upgrade"))
        .with(SEC_WEBSOCKET_ACCEPT, HeaderValue::from_str(&accepted).expect("base64 makes a header"))
}

async fn echo(mut socket: TokioIo<Upgraded>) -> io::Result<()> {
    loop {
        let mut head = [0; 2];
        socket.read_exact(&mut head).await?;
        let [first, second] = head;
        let length = match second & 0x7f {
            126 => u64::from(socket.read_u16().await?),
            127 => socket.read_u64().await?,
            short => u64::from(short),
        };
        // A client masks its frames; one that does not, or whose frame is too large, is cut off.
        if second & 0x80 == 0 || length > MAX_FRAME {
            return Ok(());
        }
        let mut mask = [0; 4];
        socket.read_exact(&mut mask).await?;
        let mut payload = vec![0; length as usize];
        socket.read_exact(&mut payload).await?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        match first & 0x0f {
            CLOSE => {
                send(&mut socket, first, &payload).await?;
                return socket.shutdown().await;
            }
            PING => send(&mut socket, (first & 0xf0) | PONG, &payload).await?,
            PONG => {}
            _ => send(&mut socket, first, &payload).await?,
        }
    }
}

async fn send(socket: &mut TokioIo<Upgraded>, first: u8, payload: &[u8]) -> io::Result<()> {
    let mut head = vec![first];
    match payload.len() {
        short @ 0..=125 => head.push(short as u8),
        middle @ 126..=0xffff => {
            head.push(126);
            head.extend((middle as u16).to_be_bytes());
        }
        long => {
            head.push(127);
            head.extend((long as u64).to_be_bytes());
        }
    }
    socket.write_all(&head).await?;
    socket.write_all(payload).await?;
    socket.flush().await
}
