//! The header `traceparent`: which trace a request belongs to. Source: W3C Trace Context.

use std::fmt;

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Whose child a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: u128,
    pub span_id: u64,
    /// Whether spans of this trace are sent to a collector.
    pub is_sampled: bool,
}

impl TraceContext {
    /// `None` for anything that is not as the standard has it.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let mut hex = |length: usize| {
            let part = parts.next().filter(|part| part.len() == length)?;
            let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            part.bytes().all(is_hex).then_some(part)
        };
        let version = hex(2)?;
        let trace_id = u128::from_str_radix(hex(32)?, 16).ok()?;
        let span_id = u64::from_str_radix(hex(16)?, 16).ok()?;
        let flags = u8::from_str_radix(hex(2)?, 16).ok()?;
        // Newer versions may have more after that.
        let is_over = version != "00" || parts.next().is_none();
        (version != "ff" && trace_id != 0 && span_id != 0 && is_over).then_some(Self {
            trace_id,
            span_id,
            is_sampled: flags & 1 == 1,
        })
    }

    /// What the task does now is part of, by [`within`].
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(|context| *context).ok()
    }
}

/// As the header has it.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.is_sampled);
        write!(
            f,
            "00-{:032x}-{:016x}-{flags:02x}",
            self.trace_id, self.span_id
        )
    }
}

/// Does the work as part of a span, if there is one: requests that an HTTP client of this crate sends meanwhile say so.
/// Tasks that it starts are not part of it.
pub async fn within<F: Future>(context: Option<TraceContext>, work: F) -> F::Output {
    match context {
        Some(context) => CURRENT.scope(context, work).await,
        None => work.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_standard_has_is_a_context() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let good = format!("00-{trace}-b7ad6b7169203331-01");
        let expected = TraceContext {
            trace_id: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
            span_id: 0xb7ad_6b71_6920_3331,
            is_sampled: true,
        };
        assert_eq!(TraceContext::parse(&good), Some(expected));
        assert_eq!(expected.to_string(), good);
        let not_sampled = TraceContext::parse(&format!("00-{trace}-b7ad6b7169203331-02"));
        assert!(!not_sampled.unwrap().is_sampled);
        assert!(TraceContext::parse(&format!("01-{trace}-b7ad6b7169203331-01-more")).is_some());
        for bad in [
            "",
            "00",
            &format!("ff-{trace}-b7ad6b7169203331-01"),
            &format!("00-{trace}-0000000000000000-01"),
            &format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            &format!("00-{trace}-b7ad6b7169203331-01-more"),
            &format!("00-{trace}-B7ad6b7169203331-01"),
            &format!("00-{trace}-+7ad6b7169203331-01"),
            &format!("00-{trace}-b7ad6b7169203331"),
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }
}
