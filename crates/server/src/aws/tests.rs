//! Where credentials come from; and a role, lent by a small service that looks at who asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use net::axum::Router;
use net::axum::http::{HeaderMap, StatusCode};
use net::axum::routing::{get, post};
use net::server::{ServeOptions, serve};
use net::{ClientOptions, Request};

use super::*;

type Found = Result<(net::sigv4::SigV4, Option<Role>), String>;

fn from(options: &SigV4, environment: &[(&str, &str)]) -> Found {
    signer("sns", options, &|name| {
        let found = environment.iter().find(|(own, _)| *own == name);
        found.map(|(_, text)| (*text).to_owned())
    })
}

#[test]
fn the_configuration_wins_and_the_environment_fills_in() {
    let all = [
        ("AWS_REGION", "eu"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
        ("AWS_SESSION_TOKEN", "token"),
    ];
    let (signer, role) = from(&SigV4::default(), &all).unwrap();
    assert_eq!(
        (signer.region.as_str(), signer.access_key.as_str()),
        ("eu", "id")
    );
    assert_eq!(signer.session_token.as_deref(), Some("token"));
    assert!(role.is_none());
    let own = SigV4 {
        region: "us".to_owned(),
        access_key: "mine".to_owned(),
        secret_key: config::Secret::new("s"),
        ..SigV4::default()
    };
    let (signer, _) = from(&own, &all).unwrap();
    assert_eq!(
        (signer.region.as_str(), signer.access_key.as_str()),
        ("us", "mine")
    );
    assert_eq!(signer.session_token, None);
}

#[test]
fn says_what_is_missing() {
    let region = [("AWS_REGION", "eu"), ("AWS_ACCESS_KEY_ID", "")];
    let problem = |found: Found| found.map(drop).unwrap_err();
    assert!(problem(from(&SigV4::default(), &[])).contains("no region"));
    assert!(problem(from(&SigV4::default(), &region)).contains("no credentials"));
    let unknown = SigV4 {
        profile: "nosuch".to_owned(),
        ..SigV4::default()
    };
    assert!(problem(from(&unknown, &region)).contains("no profile \"nosuch\""));
}

const CREDENTIALS: &str = "\
# ours
[default]
aws_access_key_id = usual
aws_secret_access_key = s0
[work]
aws_access_key_id=worker   # not the boss
aws_secret_access_key=s#1
aws_session_token = t
";

const CONFIG: &str = "\
[default]
region = eu
[profile work]
region = us
s3 =
  region = none
[profile lent]
role_arn = arn:lent
source_profile = work
external_id = x
role_session_name = night
[profile lost]
role_arn = arn:lost
source_profile = nosuch
[profile sso]
sso_session = s
[work]
region = wrong
";

#[test]
fn profiles_are_read_from_both_files() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(".aws");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("credentials"), CREDENTIALS).unwrap();
    std::fs::write(dir.join("config"), CONFIG).unwrap();
    let home = home.path().to_str().unwrap();
    let of = |profile: &str, more: &[(&str, &str)]| {
        let options = SigV4 {
            profile: profile.to_owned(),
            ..SigV4::default()
        };
        from(&options, &[&[("HOME", home)], more].concat())
    };
    let (usual, _) = of("", &[]).unwrap();
    assert_eq!(
        (usual.region.as_str(), usual.access_key.as_str()),
        ("eu", "usual")
    );
    let (work, role) = of("", &[("AWS_PROFILE", "work")]).unwrap();
    assert_eq!(
        (work.region.as_str(), work.access_key.as_str()),
        ("us", "worker")
    );
    assert_eq!(
        (work.secret_key.as_str(), work.session_token.as_deref()),
        ("s#1", Some("t"))
    );
    assert!(role.is_none());
    // A profile that is named counts more than the environment, the usual one less.
    let keys = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
    ];
    assert_eq!(of("work", &keys).unwrap().0.access_key, "worker");
    assert_eq!(of("", &keys).unwrap().0.access_key, "id");
    let more = [("AWS_REGION", "cn-north-1")];
    let (signer, role) = of("lent", &more).unwrap();
    let role = role.unwrap();
    assert_eq!(signer.access_key, "worker");
    assert_eq!(
        (
            role.arn.as_str(),
            role.external_id.as_str(),
            role.session_name.as_str()
        ),
        ("arn:lent", "x", "night")
    );
    assert_eq!(role.url, "https://sts.cn-north-1.amazonaws.com.cn/");
    assert_eq!(role.asker.service, "sts");
    for (profile, problem) in [("lost", "source_profile"), ("sso", "not built yet")] {
        let found = of(profile, &more).map(drop).unwrap_err();
        assert!(found.contains(problem), "{found}");
    }
}

/// A service that lends credentials which end at `end`, and one that says who signed.
async fn start(end: &'static str, count: Arc<AtomicUsize>) -> u16 {
    let lend = move |headers: HeaderMap, body: String| async move {
        let signed = headers["authorization"].to_str().unwrap().to_owned();
        if !signed.contains("Credential=asker/") || !signed.contains("/eu/sts/aws4_request") {
            let refusal = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>";
            return (StatusCode::FORBIDDEN, refusal.to_owned());
        }
        assert!(body.contains("RoleArn=arn%3Aa&"), "{body}");
        assert!(body.ends_with("&ExternalId=x"), "{body}");
        let number = count.fetch_add(1, Ordering::Relaxed);
        let lent = format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>lent{number}</AccessKeyId>\
             <SecretAccessKey>s</SecretAccessKey><SessionToken>t/+=</SessionToken>\
             <Expiration>{end}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        );
        (StatusCode::OK, lent)
    };
    let who = |headers: HeaderMap| async move {
        let signed = headers["authorization"].to_str().unwrap();
        let (_, signer) = signed.split_once("Credential=").unwrap();
        let token = headers["x-amz-security-token"].to_str().unwrap();
        format!("{} {token}", signer.split('/').next().unwrap())
    };
    let router = Router::new().route("/", post(lend)).route("/who", get(who));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = ServeOptions::default();
    tokio::spawn(serve(listener, router, options, std::future::pending()));
    port
}

/// Who signs two requests, one after the other, at the beginning of 2024.
async fn signers(port: u16, access_key: &str) -> [String; 2] {
    let options = SigV4 {
        role_arn: "arn:a".to_owned(),
        external_id: "x".to_owned(),
        region: "eu".to_owned(),
        access_key: access_key.to_owned(),
        secret_key: config::Secret::new("s"),
        ..SigV4::default()
    };
    let url = format!("http://127.0.0.1:{port}/");
    let (signer, role) = from(&options, &[("AWS_ENDPOINT_URL_STS", &url)]).unwrap();
    let client = HttpClient::new(ClientOptions {
        authorization: Some(Authorization::Aws {
            signer,
            clock: || 1_704_067_200,
            role: role.map(Box::new),
        }),
        ..ClientOptions::default()
    })
    .unwrap();
    let ask = || async {
        match client.send(Request::get(format!("{url}who"))).await {
            Ok(response) => String::from_utf8(response.body.to_vec()).unwrap(),
            Err(error) => error.to_string(),
        }
    };
    [ask().await, ask().await]
}

#[tokio::test]
async fn a_role_lends_credentials_until_they_end() {
    let count = Arc::new(AtomicUsize::new(0));
    let port = start("2024-01-01T00:15:00Z", Arc::clone(&count)).await;
    let found = signers(port, "asker").await;
    assert_eq!(found, ["lent0 t/+=", "lent0 t/+="]);
    let port = start("2024-01-01T00:00:20Z", Arc::default()).await;
    let found = signers(port, "asker").await;
    assert_eq!(found, ["lent0 t/+=", "lent1 t/+="]);
    let found = signers(port, "stranger").await;
    let refused = "assuming the role: 403 Forbidden: AccessDenied: not you";
    assert_eq!(found, [refused; 2]);
}
