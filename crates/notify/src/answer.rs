//! What an answer means: done, to be tried again, or given up.

use alerting::{FailureReason, Outcome, Retry};
use model::Duration;

use crate::http::{HttpFailure, HttpResponse};

/// The most bytes of an answer that end up in an error message.
const DETAILS_BYTES_MAX: usize = 4096;
/// A flush never lasts longer; nobody is waited for beyond that.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// Why a notification did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub retry: Retry,
    pub reason: FailureReason,
    /// For people; without secrets.
    pub message: String,
}

impl Failure {
    /// Trying again would not help: a template that fails, an option that is missing.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            retry: Retry::Never,
            reason: FailureReason::Other,
            message: message.into(),
        }
    }

    /// It may pass: the network, a rate limit without a status code.
    pub fn retriable(message: impl Into<String>) -> Self {
        Self {
            retry: Retry::Later,
            reason: FailureReason::Other,
            message: message.into(),
        }
    }

    /// The answer says that it failed, whatever its status code; `retry` says whether it may pass.
    pub(crate) fn refused(retry: Retry, message: String) -> Self {
        Self {
            retry,
            reason: FailureReason::ClientError,
            message,
        }
    }

    /// A status code that means failure, with what the receiver said.
    pub fn status(status: u16, retry: Retry, details: &str) -> Self {
        let mut message = format!("unexpected status code {status}");
        if !details.is_empty() {
            message.push_str(": ");
            message.push_str(shortened(details));
        }
        Self {
            retry,
            reason: reason_of(status),
            message,
        }
    }

    /// With what was tried in front of the message.
    pub(crate) fn while_doing(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

/// As much of a receiver's words as an error message may hold.
pub(crate) fn shortened(details: &str) -> &str {
    let mut end = details.len().min(DETAILS_BYTES_MAX);
    while !details.is_char_boundary(end) {
        end -= 1;
    }
    &details[..end]
}

impl From<HttpFailure> for Failure {
    fn from(failure: HttpFailure) -> Self {
        Self::retriable(failure.0)
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self::Failed {
            retry: failure.retry,
            failure: failure.reason,
            message: failure.message,
        }
    }
}

/// The kind of failure that a status code stands for.
pub fn reason_of(status: u16) -> FailureReason {
    match status {
        401 | 403 => FailureReason::AuthError,
        429 => FailureReason::RateLimited,
        400..=499 => FailureReason::ClientError,
        500..=599 => FailureReason::ServerError,
        _ => FailureReason::Other,
    }
}

/// 2xx is success, 5xx and `also_retried` may pass, the rest is final.
pub fn check_status(response: &HttpResponse, also_retried: &[u16]) -> Result<(), Failure> {
    check_status_with(response, also_retried, HttpResponse::text)
}

/// [`check_status`] with the details that `details` finds in the answer.
pub(crate) fn check_status_with(
    response: &HttpResponse,
    also_retried: &[u16],
    details: impl Fn(&HttpResponse) -> String,
) -> Result<(), Failure> {
    let status = response.status;
    if (200..=299).contains(&status) {
        return Ok(());
    }
    let may_pass = (500..=599).contains(&status) || also_retried.contains(&status);
    let retry = match retry_after(response) {
        Some(pause) => Retry::After(pause),
        None if may_pass => Retry::Later,
        None => Retry::Never,
    };
    Err(Failure::status(status, retry, &details(response)))
}

/// How long the receiver wants to be left alone. The peer does not look at this; who asks again earlier
/// makes things worse, and who gives up loses a notification that would have been taken.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    if !matches!(response.status, 429 | 503) {
        return None;
    }
    let text = response.header("Retry-After")?.trim();
    let pause = match text.parse::<f64>() {
        // Whole seconds by the standard; some send fractions.
        Ok(seconds) if seconds >= 0.0 => seconds_up(seconds),
        Ok(_) => return None,
        Err(_) => {
            // Compared with the receiver's own clock, which need not agree with ours.
            let asked_at = http_date(response.header("Date")?)?;
            let free_at = http_date(text)?;
            Duration::from_secs(free_at.saturating_sub(asked_at).max(0))
        }
    };
    Some(pause.min(WAIT_MAX))
}

/// Seconds as they stand in an answer, rounded up to milliseconds, within bounds.
pub(crate) fn seconds_up(seconds: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast of floats saturates"
    )]
    let millis = (seconds * 1000.0).ceil() as i64;
    Duration::from_millis(millis).min(WAIT_MAX)
}

fn http_date(text: &str) -> Option<i64> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(date.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receivers_words_are_kept_but_not_without_end() {
        let response = HttpResponse {
            status: 429,
            headers: Vec::new(),
            body: "ü".repeat(5000).into_bytes(),
        };
        let failure = check_status(&response, &[429]).unwrap_err();
        assert_eq!(failure.retry, Retry::Later);
        assert_eq!(failure.reason, FailureReason::RateLimited);
        assert!(
            failure
                .message
                .starts_with("unexpected status code 429: üü")
        );
        assert!(failure.message.len() < 4200);
        assert_eq!(
            check_status(&response, &[]).unwrap_err().retry,
            Retry::Never
        );
    }

    fn limited(status: u16, headers: &[(&str, &str)]) -> Retry {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let response = HttpResponse {
            status,
            headers: headers.collect(),
            body: Vec::new(),
        };
        check_status(&response, &[429]).unwrap_err().retry
    }

    #[test]
    fn retry_after_is_waited_for() {
        let seconds = |seconds| Retry::After(Duration::from_secs(seconds));
        assert_eq!(limited(429, &[("retry-after", "7")]), seconds(7));
        assert_eq!(
            limited(429, &[("Retry-After", "0.0501")]),
            Retry::After(Duration::from_millis(51))
        );
        assert_eq!(limited(503, &[("Retry-After", "1e300")]), seconds(86400));
        let date = ("Date", "Wed, 21 Oct 2015 07:28:00 GMT");
        let later = ("Retry-After", "Wed, 21 Oct 2015 07:29:30 GMT");
        assert_eq!(limited(429, &[date, later]), seconds(90));
        let earlier = ("Retry-After", "Wed, 21 Oct 2015 07:00:00 GMT");
        assert_eq!(limited(429, &[date, earlier]), seconds(0));
        assert_eq!(limited(429, &[later]), Retry::Later);
        assert_eq!(limited(429, &[("Retry-After", "soon")]), Retry::Later);
        assert_eq!(limited(429, &[("Retry-After", "-1")]), Retry::Later);
        assert_eq!(limited(500, &[("Retry-After", "7")]), Retry::Later);
    }
}
