//! Credentials of AWS that a role lends for a while: `AssumeRole` of its Security Token Service.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use tokio::sync::Mutex;

use crate::client::{Authorization, BuildError, ClientOptions, HttpClient, Request, SendError};
use crate::oauth2::encoded;
use crate::proxy::ProxyOptions;
use crate::resolve::Overrides;
use crate::sigv4::SigV4;

const VERSION: &str = "2011-06-15";
/// As the peers' library asks for.
const LIFETIME_SECONDS: i64 = 900;
/// They are fetched anew so long before they end.
const EXPIRY_MARGIN_SECONDS: i64 = 30;
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A role, and who asks for it.
#[derive(Clone, Debug)]
pub struct Role {
    /// Signs the question; its service is `sts`.
    pub asker: SigV4,
    pub arn: String,
    /// Empty if the role wants none.
    pub external_id: String,
    /// How what is done is called in AWS' logs.
    pub session_name: String,
    /// Of the service, with its path.
    pub url: String,
    pub proxy: ProxyOptions,
}

pub(crate) struct RoleSource {
    role: Role,
    client: HttpClient,
    clock: fn() -> i64,
    /// What was lent, and when it ends, in seconds since 1970.
    lent: Mutex<Option<(Lent, i64)>>,
}

impl fmt::Debug for RoleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleSource")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Lent {
    access_key: String,
    secret_key: String,
    session_token: String,
}

impl RoleSource {
    pub(crate) fn new(
        role: Role,
        overrides: Overrides,
        clock: fn() -> i64,
    ) -> Result<Self, BuildError> {
        let client = HttpClient::new(ClientOptions {
            authorization: Some(Authorization::Aws {
                signer: role.asker.clone(),
                clock,
                role: None,
            }),
            proxy: role.proxy.clone(),
            overrides,
            ..ClientOptions::default()
        })?;
        Ok(Self {
            role,
            client,
            clock,
            lent: Mutex::default(),
        })
    }

    /// `signer` with what the role lends. Who asks while that is being fetched waits for it.
    pub(crate) async fn signer(
        &self,
        signer: &SigV4,
        timeout: Duration,
    ) -> Result<SigV4, SendError> {
        let mut lent = self.lent.lock().await;
        let now = (self.clock)();
        let fresh = lent
            .as_ref()
            .filter(|(_, end)| now + EXPIRY_MARGIN_SECONDS < *end);
        let found = match fresh {
            Some((found, _)) => found.clone(),
            None => {
                *lent = None;
                let (found, end) = self.fetch(now, timeout).await?;
                *lent = Some((found.clone(), end));
                found
            }
        };
        Ok(SigV4 {
            access_key: found.access_key,
            secret_key: found.secret_key,
            session_token: Some(found.session_token),
            ..signer.clone()
        })
    }

    async fn fetch(&self, now: i64, timeout: Duration) -> Result<(Lent, i64), SendError> {
        let role = &self.role;
        let seconds = LIFETIME_SECONDS.to_string();
        let mut form = vec![
            ("Action", "AssumeRole"),
            ("Version", VERSION),
            ("RoleArn", &role.arn),
            ("RoleSessionName", &role.session_name),
            ("DurationSeconds", &seconds),
        ];
        if !role.external_id.is_empty() {
            form.push(("ExternalId", &role.external_id));
        }
        let mut request = Request::get(&role.url);
        request.method = Method::POST;
        request.timeout = timeout;
        request.body_bytes_max = ANSWER_BYTES_MAX;
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers.push((CONTENT_TYPE, kind));
        request.body = Bytes::from(encoded(&form));
        // This client signs with what it has, so this ends.
        let response = Box::pin(self.client.send(request)).await?;
        let text = String::from_utf8_lossy(&response.body);
        if !response.status.is_success() {
            let words = [element(&text, "Code"), element(&text, "Message")];
            let words: Vec<&str> = words.into_iter().flatten().collect();
            let words: String = words.join(": ").chars().take(300).collect();
            let problem = format!("{}: {words}", response.status);
            return Err(SendError::Role(problem));
        }
        // What is wrong with it is not shown: the answer holds secrets.
        let missing = || SendError::Role("the answer holds no credentials".to_owned());
        let lent = Lent {
            access_key: element(&text, "AccessKeyId")
                .ok_or_else(missing)?
                .to_owned(),
            secret_key: element(&text, "SecretAccessKey")
                .ok_or_else(missing)?
                .to_owned(),
            session_token: element(&text, "SessionToken")
                .ok_or_else(missing)?
                .to_owned(),
        };
        let end = element(&text, "Expiration").and_then(|end| end.parse::<jiff::Timestamp>().ok());
        let end = end.map_or(now + LIFETIME_SECONDS, jiff::Timestamp::as_second);
        Ok((lent, end))
    }
}

/// The text of the first element of this name, which has no attributes. What is read here has nothing to unescape.
fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inside, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inside.trim()).filter(|inside| !inside.is_empty())
}
