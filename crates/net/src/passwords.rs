//! Who may ask: users with passwords, of which only the bcrypt hashes are known.
//!
//! A check takes tens of milliseconds by design. So it runs off the async threads, one at a time, and what was right is
//! remembered by a digest. Wrong passwords are not remembered: they would push out the right ones. Users that do not exist
//! take as long as those that do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

/// Right passwords that are remembered, as many as the peers have.
const REMEMBERED_MAX: usize = 100;

/// What a request says of who sends it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: String,
    /// Any bytes.
    password: Vec<u8>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({:?})", self.user)
    }
}

impl Credentials {
    /// Those of `Authorization: Basic …`, if there are any that can be read.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        const SCHEME: &[u8] = b"basic ";
        let value = headers.get(AUTHORIZATION)?.as_bytes();
        let (scheme, rest) = value.split_at_checked(SCHEME.len())?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return None;
        }
        let pair = BASE64_STANDARD.decode(rest).ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        let (user, password) = pair.split_at(colon);
        Some(Self {
            user: std::str::from_utf8(user).ok()?.to_owned(),
            password: password.get(1..)?.to_vec(),
        })
    }
}

/// Checks passwords, and remembers which were right. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Passwords(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Of user, hash and password, the latest last.
    right: Mutex<VecDeque<[u8; 32]>>,
    one_at_a_time: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Inner {
            right: Mutex::default(),
            one_at_a_time: Semaphore::new(1),
        }))
    }
}

impl Passwords {
    /// Whether it is one of the users, with the right password. `users` have bcrypt hashes.
    pub async fn is_right(&self, users: &BTreeMap<String, String>, given: &Credentials) -> bool {
        let known = users.get(&given.user);
        // For a stranger the hash of somebody else is used, as it takes the same time.
        let Some(hash) = known.or_else(|| users.values().next()) else {
            return false;
        };
        let digest = digest(&given.user, hash, &given.password);
        if known.is_some() && self.0.right.lock().contains(&digest) {
            return true;
        }
        let Ok(_place) = self.0.one_at_a_time.acquire().await else {
            return false;
        };
        let (hash, password) = (hash.clone(), given.password.clone());
        let check = move || bcrypt::verify(password, &hash).unwrap_or(false);
        let is_match = tokio::task::spawn_blocking(check).await.unwrap_or(false);
        let is_right = is_match && known.is_some();
        if is_right {
            self.remember(digest);
        }
        is_right
    }

    fn remember(&self, digest: [u8; 32]) {
        let mut right = self.0.right.lock();
        if right.contains(&digest) {
            return;
        }
        if right.len() >= REMEMBERED_MAX {
            right.pop_front();
        }
        right.push_back(digest);
    }
}

/// The hash is part of it, so that another password of a user is not the old one.
fn digest(user: &str, hash: &str, password: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in [user.as_bytes(), hash.as_bytes(), password] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// Of `secret`, at the lowest cost.
    const HASH: &str = "$2b$04$GB4vAdL5ROYvvzfHfrcsNumjDMKy8bRfOKMfSnke7O2Sw.EqxdfRC";

    fn basic(pair: &str) -> HeaderMap {
        let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::try_from(value).unwrap())])
    }

    fn given(pair: &str) -> Credentials {
        Credentials::of(&basic(pair)).unwrap()
    }

    #[test]
    fn headers_are_read() {
        let read = given("me:a:b");
        assert_eq!(
            (read.user.as_str(), &read.password[..]),
            ("me", &b"a:b"[..])
        );
        let mut lower = basic("me:x");
        let text = lower[AUTHORIZATION].to_str().unwrap();
        let text = text.replace("Basic", "bAsIC");
        lower.insert(AUTHORIZATION, HeaderValue::try_from(text).unwrap());
        assert_eq!(Credentials::of(&lower), Some(given("me:x")));
        assert_eq!(format!("{:?}", given("me:x")), "Credentials(\"me\")");
        for value in [
            "",
            "Basic",
            "Basic ",
            "Basic =",
            "Basic bWU=",
            "Bearer bWU6eA==",
        ] {
            let value = HeaderValue::from_static(value);
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
            assert_eq!(Credentials::of(&headers), None);
        }
    }

    #[tokio::test]
    async fn only_right_ones_are_let_in_and_remembered() {
        let passwords = Passwords::default();
        let mut users = BTreeMap::from([("me".to_owned(), HASH.to_owned())]);
        for (pair, is_right) in [
            ("me:secret", true),
            ("me:Secret", false),
            ("me:", false),
            ("you:secret", false),
            (":secret", false),
        ] {
            for _ in 0..2 {
                let found = passwords.is_right(&users, &given(pair)).await;
                assert_eq!(found, is_right, "{pair}");
            }
        }
        assert_eq!(passwords.0.right.lock().len(), 1);
        // What is remembered is good for this hash only.
        users.insert("me".to_owned(), HASH.replace("GB4v", "GB4w"));
        assert!(!passwords.is_right(&users, &given("me:secret")).await);
        users.clear();
        assert!(!passwords.is_right(&users, &given("me:secret")).await);
        users.insert("me".to_owned(), "no hash".to_owned());
        assert!(!passwords.is_right(&users, &given("me:secret")).await);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let passwords = Passwords::default();
        for index in 0..REMEMBERED_MAX + 10 {
            passwords.remember(digest("me", HASH, index.to_string().as_bytes()));
        }
        let right = passwords.0.right.lock();
        assert_eq!(right.len(), REMEMBERED_MAX);
        assert!(!right.contains(&digest("me", HASH, b"9")));
        assert!(right.contains(&digest("me", HASH, b"10")));
    }
}
