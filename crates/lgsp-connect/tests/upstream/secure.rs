//! TLS and HTTP/2 to servers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use lgsp_connect::{FailureKind, Http2, Identity, Repeatable, Sent, TlsSettings, UpstreamSettings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{build, get, how, post, request, settings, text, until, whole};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn certificate(authority: &Authority, name: &str, purpose: ExtendedKeyUsagePurpose) -> (rcgen::Certificate, KeyPair) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.extended_key_usages = vec![purpose];
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let version = request.version();
    let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let text = format!("{version:?} {host} {path} {}", String::from_utf8_lossy(&body));
    Ok(Response::new(Full::new(Bytes::from(text))))
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, version: Version) {
    let io = TokioIo::new(stream);
    let _ = match version {
        Version::HTTP_2 => http2::Builder::new(TokioExecutor::new()).serve_connection(io, service_fn(hello)).await,
        _ => http1::Builder::new().serve_connection(io, service_fn(hello)).await,
    };
}

/// A server with a certificate of `authority` that wants one of the caller; how many connections it had.
async fn tls_server(authority: &Authority, alpn: &str) -> (SocketAddr, Arc<AtomicUsize>) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let (certificate, key) = certificate(authority, "server.example", ExtendedKeyUsagePurpose::ServerAuth);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let version = if alpn == "h2" { Version::HTTP_2 } else { Version::HTTP_11 };
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let accepting = acceptor.accept(stream);
            tokio::spawn(async move {
                if let Ok(stream) = accepting.await {
                    serve(stream, version).await;
                }
            });
        }
    });
    (address, connections)
}

async fn plain_server_of_http2() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, Version::HTTP_2));
        }
    });
    (address, connections)
}

fn tls(authority: &Authority, ours: Option<&Authority>) -> TlsSettings {
    let identity = ours.map(|ours| {
        let (certificate, key) = certificate(ours, "gateway.example", ExtendedKeyUsagePurpose::ClientAuth);
        Identity { chain_pem: certificate.pem().into_bytes(), key_pem: key.serialize_pem().into() }
    });
    TlsSettings { ca_pem: Some(authority.pem().into_bytes()), identity, server_name: Some("server.example".into()) }
}

fn secure(address: SocketAddr, tls: TlsSettings, http2: Http2) -> UpstreamSettings {
    let mut settings = settings(&[address]);
    settings.servers[0].address = format!("https://{address}").parse().unwrap();
    settings.tls = tls;
    settings.http2 = http2;
    settings
}

#[tokio::test]
async fn servers_and_we_prove_each_other_by_certificate() {
    let authority = authority();
    for (alpn, http2, version) in [("http/1.1", Http2::Never, "HTTP/1.1"), ("h2", Http2::Always, "HTTP/2.0")] {
        let (address, connections) = tls_server(&authority, alpn).await;
        let upstream = build(secure(address, tls(&authority, Some(&authority)), http2));
        for _ in 0..3 {
            let answer = text(post(&upstream).await.unwrap()).await;
            assert!(answer.starts_with(version) && answer.ends_with("/path hello"), "{answer}");
        }
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn without_the_right_certificates_nothing_is_sent() {
    let (authority, stranger) = (authority(), authority());
    let (address, _) = tls_server(&authority, "http/1.1").await;
    let mut wrong_name = tls(&authority, Some(&authority));
    wrong_name.server_name = Some("other.example".into());
    for (settings, kind) in [
        (tls(&stranger, Some(&authority)), FailureKind::Unreachable),
        (wrong_name, FailureKind::Unreachable),
        (TlsSettings { server_name: None, ..tls(&authority, Some(&authority)) }, FailureKind::Unreachable),
    ] {
        let upstream = build(secure(address, settings, Http2::Never));
        let failure = post(&upstream).await.map(|_| ()).unwrap_err();
        assert_eq!((failure.kind, failure.sent), (kind, Sent::No), "{failure}");
        assert!(failure.detail.contains("certificate"), "{failure}");
    }
    // A server that wants a certificate says so only after the handshake (TLS 1.3): the request may be on its way.
    for settings in [tls(&authority, None), tls(&authority, Some(&stranger))] {
        let upstream = build(secure(address, settings, Http2::Never));
        assert!(post(&upstream).await.is_err());
    }
}

#[tokio::test]
async fn a_server_that_does_not_agree_to_http2_is_not_called() {
    let authority = authority();
    let (address, _) = tls_server(&authority, "http/1.1").await;
    let upstream = build(secure(address, tls(&authority, Some(&authority)), Http2::Always));
    let failure = post(&upstream).await.map(|_| ()).unwrap_err();
    assert_eq!((failure.kind, failure.sent), (FailureKind::Unreachable, Sent::No));
}

#[tokio::test]
async fn calls_share_one_connection_of_http2() {
    let (address, connections) = plain_server_of_http2().await;
    let mut settings = settings(&[address]);
    settings.http2 = Http2::Always;
    let upstream = build(settings);
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let upstream = upstream.clone();
            tokio::spawn(async move { text(get(&upstream).await.unwrap()).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), format!("HTTP/2.0 {address} /base/path "));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    let state = upstream.state();
    assert_eq!((state.in_flight, state.servers[0].connections), (0, 1));
}

#[tokio::test]
async fn a_body_in_pieces_goes_over_http2() {
    let (address, _) = plain_server_of_http2().await;
    let mut settings = settings(&[address]);
    settings.http2 = Http2::Always;
    let upstream = build(settings);
    let body = crate::stream::pieces(vec!["ab", "cd"]);
    let response = upstream.call(request(Method::POST), body, how(Repeatable::IfUnsent)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(text(response).await.ends_with("/base/path abcd"));
}

#[tokio::test]
async fn a_connection_of_http2_that_closed_is_replaced() {
    let (address, connections) = closing_server().await;
    let mut settings = settings(&[address]);
    settings.http2 = Http2::Always;
    let upstream = build(settings);
    for _ in 0..4 {
        let response = upstream.call(request(Method::GET), whole(""), how(Repeatable::Always)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        text(response).await;
        until("the connection is gone", || upstream.state().servers[0].connections == 0).await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_call_that_a_server_of_http2_refused_untouched_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings(&[listener.local_addr().unwrap()]);
    settings.http2 = Http2::Always;
    let upstream = build(settings);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        for n in 0.. {
            let Some(accepted) = connection.accept().await else { return };
            let (_, mut respond) = accepted.unwrap();
            if n % 2 == 0 {
                respond.send_reset(h2::Reason::REFUSED_STREAM);
            } else {
                respond.send_response(Response::new(()), true).unwrap();
            }
        }
    });
    let call = |repeatable| upstream.call(request(Method::POST), whole("x"), how(repeatable));
    assert_eq!(call(Repeatable::IfUnsent).await.unwrap().status(), StatusCode::OK);
    let failure = call(Repeatable::Never).await.map(|_| ()).unwrap_err();
    assert_eq!((failure.kind, failure.sent), (FailureKind::Unsent, Sent::No));
}

/// Each connection answers one call and says that it takes no more.
async fn closing_server() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let answered = Arc::new(tokio::sync::Notify::new());
            let told = Arc::clone(&answered);
            let service = service_fn(move |request| {
                told.notify_one();
                hello(request)
            });
            tokio::spawn(async move {
                let builder = http2::Builder::new(TokioExecutor::new());
                let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
                tokio::select! {
                    _ = connection.as_mut() => return,
                    () = answered.notified() => connection.as_mut().graceful_shutdown(),
                }
                let _ = connection.await;
            });
        }
    });
    (address, connections)
}
