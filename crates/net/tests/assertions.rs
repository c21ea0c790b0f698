//! Tokens by the JWT bearer grant, from a small server that checks the signature. The key of `fixtures/` is for these tests
//! only.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use net::axum::Router;
use net::axum::http::{HeaderMap, StatusCode, header};
use net::axum::routing::{get, post};
use net::client::Secret;
use net::oauth2::{Algorithm, Assertion, Grant, OAuth2};
use net::proxy::ProxyOptions;
use net::server::{ServeOptions, serve};
use net::tls::TlsOptions;
use net::{Authorization, ClientOptions, HttpClient, Request};
use rustls::SignatureScheme;
use serde_json::{Value, json};

const KEY: &str = include_str!("fixtures/rsa.key");
const PUBLIC_KEY: &str = include_str!("fixtures/rsa.pub");

/// Header and claims, if the signature is that of the key.
fn verified(token: &str) -> Option<(Value, Value)> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let json = |part: &str| serde_json::from_slice::<Value>(&decoded(part)?).ok();
    let head = json(head)?;
    let scheme = match head["alg"].as_str()? {
        "RS256" => SignatureScheme::RSA_PKCS1_SHA256,
        "RS384" => SignatureScheme::RSA_PKCS1_SHA384,
        "RS512" => SignatureScheme::RSA_PKCS1_SHA512,
        _ => return None,
    };
    let lines = PUBLIC_KEY.lines().filter(|line| !line.starts_with('-'));
    let public = STANDARD.decode(lines.collect::<String>()).unwrap();
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let (_, algorithms) = algorithms.mapping.iter().find(|(own, _)| *own == scheme)?;
    let signature = decoded(signature)?;
    algorithms
        .iter()
        .any(|one| {
            one.verify_signature(&public, signed.as_bytes(), &signature)
                .is_ok()
        })
        .then_some((head, json(claims)?))
}

/// The pairs of a form that has nothing escaped but `:` and space.
fn form(body: &str) -> BTreeMap<String, String> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let plain = |text: &str| text.replace("%3A", ":").replace('+', " ");
    pairs
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

#[derive(Default)]
struct Seen {
    forms: Mutex<Vec<BTreeMap<String, String>>>,
    count: AtomicUsize,
}

async fn start(seen: Arc<Seen>) -> u16 {
    let token = move |headers: HeaderMap, body: String| async move {
        let asked = form(&body);
        let count = seen.count.fetch_add(1, Ordering::Relaxed);
        let is_good = asked
            .get("assertion")
            .is_some_and(|one| verified(one).is_some());
        seen.forms.lock().unwrap().push(asked);
        if headers.contains_key(header::AUTHORIZATION) || !is_good {
            return (
                StatusCode::BAD_REQUEST,
                "{\"error\":\"invalid_grant\"}".to_owned(),
            );
        }
        let token = json!({"access_token": format!("t{count}"), "token_type": "bearer", "expires_in": 3600});
        (StatusCode::OK, token.to_string())
    };
    let who = |headers: HeaderMap| async move {
        let header = headers.get(header::AUTHORIZATION);
        header.map_or("nobody".to_owned(), |value| {
            value.to_str().unwrap().to_owned()
        })
    };
    let router = Router::new()
        .route("/token", post(token))
        .route("/who", get(who));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = ServeOptions::default();
    tokio::spawn(serve(listener, router, options, std::future::pending()));
    port
}

fn client(port: u16, change: impl FnOnce(&mut Assertion)) -> HttpClient {
    let token_url = format!("http://127.0.0.1:{port}/token");
    let mut assertion = Assertion {
        key: Secret::Text(KEY.to_owned()),
        key_id: String::new(),
        algorithm: Algorithm::default(),
        issuer: "keepwatch".to_owned(),
        subject: "keepwatch".to_owned(),
        audience: token_url.clone(),
        claims: serde_json::Map::new(),
        clock: || 1_700_000_000,
    };
    change(&mut assertion);
    let source = OAuth2 {
        client_id: "keepwatch".to_owned(),
        grant: Grant::Assertion(Box::new(assertion)),
        token_url,
        scopes: vec!["a".to_owned(), "b".to_owned()],
        parameters: vec![("more".to_owned(), "1".to_owned())],
        tls: TlsOptions::default(),
        proxy: ProxyOptions::default(),
    };
    HttpClient::new(ClientOptions {
        authorization: Some(Authorization::OAuth2(Box::new(source))),
        ..ClientOptions::default()
    })
    .unwrap()
}

async fn who(client: &HttpClient, port: u16) -> Result<String, String> {
    let request = Request::get(format!("http://127.0.0.1:{port}/who"));
    let response = client
        .send(request)
        .await
        .map_err(|error| error.to_string())?;
    Ok(String::from_utf8(response.body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_signed_assertion_brings_a_token_that_is_kept() {
    let seen = Arc::new(Seen::default());
    let port = start(Arc::clone(&seen)).await;
    let client = client(port, |_| {});
    for _ in 0..2 {
        assert_eq!(who(&client, port).await.unwrap(), "Bearer t0");
    }
    let asked = seen.forms.lock().unwrap().remove(0);
    let names: Vec<&String> = asked.keys().collect();
    assert_eq!(names, ["assertion", "grant_type"]);
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    assert_eq!(asked["grant_type"], grant);
    let (head, mut claims) = verified(&asked["assertion"]).unwrap();
    assert_eq!(head, json!({"alg": "RS256", "typ": "JWT"}));
    let id = claims["jti"].take();
    assert!(id.as_str().unwrap().len() > 20);
    assert_eq!(
        claims,
        json!({
            "iss": "keepwatch", "sub": "keepwatch", "jti": null, "scope": "a b",
            "aud": format!("http://127.0.0.1:{port}/token"),
            "iat": 1_700_000_000, "exp": 1_700_000_600,
        })
    );
}

#[tokio::test]
async fn key_hash_and_claims_are_those_that_are_configured() {
    let seen = Arc::new(Seen::default());
    let port = start(Arc::clone(&seen)).await;
    for (algorithm, name) in [(Algorithm::Rs384, "RS384"), (Algorithm::Rs512, "RS512")] {
        let client = client(port, |assertion| {
            assertion.algorithm = algorithm;
            assertion.key_id = "k7".to_owned();
            assertion.audience = "them".to_owned();
            let claims = json!({"tenant": {"id": 7}, "sub": "else"});
            assertion.claims = claims.as_object().unwrap().clone();
        });
        who(&client, port).await.unwrap();
        let asked = seen.forms.lock().unwrap().remove(0);
        let (head, claims) = verified(&asked["assertion"]).unwrap();
        assert_eq!(head, json!({"alg": name, "typ": "JWT", "kid": "k7"}));
        assert_eq!(
            (&claims["aud"], &claims["sub"], &claims["tenant"]["id"]),
            (&json!("them"), &json!("else"), &json!(7))
        );
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_without_the_key() {
    let port = start(Arc::default()).await;
    let unreadable = client(port, |assertion| {
        assertion.key = Secret::Text("t0psecret".to_owned());
    });
    let problem = who(&unreadable, port).await.unwrap_err();
    assert!(problem.contains("client_certificate_key"), "{problem}");
    assert!(!problem.contains("t0psecret"), "{problem}");
    let curve = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let client = client(port, |assertion| assertion.key = Secret::Text(curve));
    let problem = who(&client, port).await.unwrap_err();
    assert!(problem.contains("no RSA key"), "{problem}");
}
