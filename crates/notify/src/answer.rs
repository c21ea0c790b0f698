//! What an answer means: done, to be tried again, or given up.

use alerting::{FailureReason, Outcome, Retry};

use crate::http::{HttpFailure, HttpResponse};

/// The most bytes of an answer that end up in an error message.
const DETAILS_BYTES_MAX: usize = 4096;

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

    /// A status code that means failure, with what the receiver said.
    pub fn status(status: u16, retry: Retry, details: &str) -> Self {
        let mut message = format!("unexpected status code {status}");
        if !details.is_empty() {
            let mut end = details.len().min(DETAILS_BYTES_MAX);
            while !details.is_char_boundary(end) {
                end -= 1;
            }
            message.push_str(": ");
            message.push_str(&details[..end]);
        }
        Self {
            retry,
            reason: reason_of(status),
            message,
        }
    }
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
    let status = response.status;
    match status {
        200..=299 => Ok(()),
        _ => {
            let may_pass = (500..=599).contains(&status) || also_retried.contains(&status);
            let retry = if may_pass { Retry::Later } else { Retry::Never };
            Err(Failure::status(status, retry, &response.text()))
        }
    }
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
}
