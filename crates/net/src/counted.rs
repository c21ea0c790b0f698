//! A body whose length is known once it was handed over: what is compressed or made while it is sent has none before.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// Tells `told` how many bytes of the body were taken, once: at its end, or when nobody wants more of it.
pub fn counted(body: Body, told: impl FnOnce(u64) + Send + 'static) -> Body {
    Body::new(Counted {
        body,
        bytes: 0,
        told: Some(Box::new(told)),
    })
}

struct Counted {
    body: Body,
    bytes: u64,
    told: Option<Box<dyn FnOnce(u64) + Send>>,
}

impl Counted {
    fn tell(&mut self) {
        if let Some(told) = self.told.take() {
            told(self.bytes);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.tell();
    }
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let next = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &next {
            let length = frame.data_ref().map_or(0, Bytes::len);
            self.bytes += u64::try_from(length).unwrap_or(u64::MAX);
        }
        // Before the last bytes are on their way, so that whoever has them finds them counted.
        if next.is_none() || self.body.is_end_stream() {
            self.tell();
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use http_body_util::BodyExt;
    use hyper::body::Body as _;

    use super::*;
    use crate::parts::body_in_parts;

    /// Large, so that a body that is never told of is noticed.
    const NEVER: u64 = u64::MAX;

    fn counting(body: Body) -> (Body, Arc<AtomicU64>) {
        let seen = Arc::new(AtomicU64::new(NEVER));
        let told = Arc::clone(&seen);
        let body = counted(body, move |bytes| told.store(bytes, Ordering::Relaxed));
        (body, seen)
    }

    #[tokio::test]
    async fn bodies_are_counted_to_their_end() {
        let (body, seen) = counting(Body::from("12345"));
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(seen.load(Ordering::Relaxed), NEVER);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "12345");
        assert_eq!(seen.load(Ordering::Relaxed), 5);

        let (parts, body) = body_in_parts(3);
        let (body, seen) = counting(body);
        parts.send("ab").await.unwrap();
        parts.send("c").await.unwrap();
        parts.finish().await;
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
        assert_eq!(seen.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn what_nobody_takes_counts_as_far_as_it_was_taken() {
        let (body, seen) = counting(Body::empty());
        assert!(body.is_end_stream());
        drop(body);
        assert_eq!(seen.load(Ordering::Relaxed), 0);

        let (parts, body) = body_in_parts(2);
        let (mut body, seen) = counting(body);
        parts.send("ab").await.unwrap();
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "ab");
        assert_eq!(seen.load(Ordering::Relaxed), NEVER);
        drop(body);
        assert_eq!(seen.load(Ordering::Relaxed), 2);
    }
}
