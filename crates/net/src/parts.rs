//! A body that is made while it is sent: its maker waits for the reader, who may be slow, and learns when the
//! reader is gone.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::Frame;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// A reader who takes nothing for so long counts as gone.
const STALL_MAX: Duration = Duration::from_secs(120);

/// Nobody reads the body any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reader is gone")]
pub struct ReaderGone;

/// The maker's side. If it is dropped before it is finished, the body breaks off, so that no reader takes it
/// for whole.
#[derive(Debug)]
pub struct BodyParts(mpsc::Sender<Part>);

#[derive(Debug)]
enum Part {
    Data(Bytes),
    End,
}

/// The two sides of a body of which at most `waiting_max` parts wait to be sent.
pub fn body_in_parts(waiting_max: usize) -> (BodyParts, Body) {
    let (sender, receiver) = mpsc::channel(waiting_max.max(1));
    let receiving = Receiving {
        receiver,
        is_over: false,
    };
    (BodyParts(sender), Body::new(receiving))
}

impl BodyParts {
    pub async fn send(&self, part: impl Into<Bytes>) -> Result<(), ReaderGone> {
        self.put(Part::Data(part.into())).await
    }

    /// As [`Self::send`], from a thread that may block.
    pub fn send_blocking(
        &self,
        runtime: &Handle,
        part: impl Into<Bytes>,
    ) -> Result<(), ReaderGone> {
        runtime.block_on(self.send(part))
    }

    /// All parts were given.
    pub async fn finish(self) {
        // A reader that is gone needs not be told.
        let _ = self.put(Part::End).await;
    }

    /// As [`Self::finish`], from a thread that may block.
    pub fn finish_blocking(self, runtime: &Handle) {
        runtime.block_on(self.finish());
    }

    /// Returns when the reader is gone.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

    async fn put(&self, part: Part) -> Result<(), ReaderGone> {
        let sent = tokio::time::timeout(STALL_MAX, self.0.send(part)).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ReaderGone),
        }
    }
}

struct Receiving {
    receiver: mpsc::Receiver<Part>,
    /// Compression asks again after the end.
    is_over: bool,
}

impl hyper::body::Body for Receiving {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let next = self.receiver.poll_recv(context);
        next.map(|part| match part {
            Some(Part::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Part::End) => {
                self.is_over = true;
                None
            }
            None => {
                self.is_over = true;
                Some(Err(io::Error::other("the answer broke off")))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn parts_arrive_in_order() {
        let (parts, body) = body_in_parts(1);
        let maker = tokio::spawn(async move {
            for part in ["a", "bc", "d"] {
                parts.send(part).await.unwrap();
            }
            parts.finish().await;
        });
        let whole = body.collect().await.unwrap().to_bytes();
        assert_eq!(whole, "abcd");
        maker.await.unwrap();
    }

    #[tokio::test]
    async fn a_failure_is_no_end() {
        let (parts, body) = body_in_parts(2);
        parts.send("half").await.unwrap();
        drop(parts);
        assert!(body.collect().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn readers_that_leave_or_stall_end_it() {
        let (parts, body) = body_in_parts(1);
        parts.send("taken").await.unwrap();
        // Nobody takes it: the clock of the test goes on by itself.
        assert_eq!(parts.send("stalled").await, Err(ReaderGone));
        drop(body);
        assert_eq!(parts.send("gone").await, Err(ReaderGone));
        parts.closed().await;
    }
}
