//! Streams, as the one who opens them and as the one who is called. Each carries one message each way and has to
//! be done within the TCP timeout; with TLS there are also those that carry packets, for as long as they come.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use net::tls_stream::TlsStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout, timeout_at};

use super::Mesh;
use super::frame::{self, Frame};
use super::transport::{IDLE, TlsTransport, Transport};
use crate::peer::{Input, Purpose, encode_state};
use crate::wire::{Ping, StreamDecoder, StreamMessage, WireError};

const READ_BYTES: usize = 64 * 1024;

/// A user message on its way to one member.
#[derive(Debug)]
pub(crate) struct OutgoingMessage {
    pub(crate) to: SocketAddr,
    pub(crate) key: String,
    pub(crate) bytes: Vec<u8>,
}

/// Why a stream did not do what it was opened for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Wire(#[from] WireError),
    #[error("the other side ended before its message was complete")]
    Ended,
    #[error("the time for it was over")]
    TimedOut,
    #[error("the other side refused: {0}")]
    Refused(String),
    #[error("the other side answered with something else")]
    Unexpected,
    #[error("too many members send packets over streams")]
    TooMany,
    #[error("an internal error")]
    Internal,
}

impl Mesh {
    /// Takes what others open.
    pub(super) async fn accept_streams(self) {
        loop {
            // The semaphore is never closed.
            let Ok(permit) = Arc::clone(&self.0.streams).acquire_owned().await else {
                return;
            };
            let (stream, from) = match self.0.tcp.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // As when there are too many files; at once it would fail again.
                    tracing::debug!(%error, "accepting a stream failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let mesh = self.clone();
            tokio::spawn(async move {
                if let Err(error) = mesh.accepted(stream, from, permit).await {
                    if matches!(error, StreamError::Wire(_)) {
                        mesh.0.counters.stream_refused();
                    }
                    tracing::debug!(%from, %error, "a stream of another member failed");
                }
            });
        }
    }

    /// The permit is given back when the stream has ended, or only packets come.
    async fn accepted(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) -> Result<(), StreamError> {
        let tls = match &self.0.transport {
            Transport::Plain(_) => return self.in_time(self.serve(stream)).await,
            Transport::Tls(tls) => tls,
        };
        let first = self.in_time(async {
            let mut stream = tls.tls.server.accept(stream).await?;
            let first = frame::read(&mut stream).await?;
            if first == Some(Frame::Stream) {
                tls.counters.streams_received.increment();
                self.serve(&mut stream).await?;
                stream.shutdown().await?;
            }
            Ok((stream, first))
        });
        let packets = match first.await {
            Ok((
                stream,
                Some(Frame::Packet {
                    from: sender,
                    bytes,
                }),
            )) => {
                drop(permit);
                let from = sender.unwrap_or(from);
                self.receive_over_stream(tls, stream, (from, bytes)).await
            }
            Ok((_, Some(Frame::Stream) | None)) => Ok(()),
            Err(error) => Err(error),
        };
        if matches!(packets, Err(StreamError::Io(_) | StreamError::TimedOut)) {
            tls.counters.read_errors.increment();
        }
        packets
    }

    /// Takes in packets that come over a stream, until it ends or nothing comes any more.
    async fn receive_over_stream(
        &self,
        tls: &TlsTransport,
        mut stream: TlsStream<TcpStream>,
        (from, bytes): (SocketAddr, Vec<u8>),
    ) -> Result<(), StreamError> {
        let Ok(_permit) = Arc::clone(&self.0.packet_streams).try_acquire_owned() else {
            return Err(StreamError::TooMany);
        };
        let (mut from, mut bytes) = (from, bytes);
        loop {
            tls.counters.bytes_received.add_count(bytes.len());
            self.step(Input::Packet { from, bytes });
            match timeout(IDLE, frame::read(&mut stream)).await {
                Ok(Ok(Some(Frame::Packet {
                    from: sender,
                    bytes: next,
                }))) => {
                    from = sender.unwrap_or(from);
                    bytes = next;
                }
                Ok(Ok(Some(Frame::Stream))) => return Err(StreamError::Unexpected),
                Ok(Err(error)) => return Err(error.into()),
                // Nobody needs it any more.
                Ok(Ok(None)) | Err(_) => return Ok(()),
            }
        }
    }

    async fn serve(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
    ) -> Result<(), StreamError> {
        let decoder = StreamDecoder::for_incoming(&self.label());
        let message = match read_message(&mut stream, decoder).await {
            Ok(message) => message,
            Err(StreamError::Wire(problem)) => {
                let answer = StreamMessage::Error(problem.to_string()).encode("");
                send(&mut stream, &answer).await?;
                return Err(problem.into());
            }
            Err(error) => return Err(error),
        };
        match message {
            StreamMessage::Ping(ping) => {
                let answer = self.0.peer.lock().stream_answer(&ping);
                if let Some(sequence) = answer {
                    let answer = StreamMessage::Ack { sequence }.encode("");
                    send(&mut stream, &answer).await?;
                }
            }
            StreamMessage::User(bytes) => self.take_in(Input::StreamMessage(bytes)).await?,
            StreamMessage::State {
                members,
                is_join,
                user,
            } => {
                let ours = self.state(is_join, String::new()).await?;
                send(&mut stream, &ours).await?;
                self.take_in(Input::State { members, user }).await?;
            }
            StreamMessage::Ack { .. } | StreamMessage::Error(_) => {
                return Err(StreamError::Unexpected);
            }
        }
        Ok(())
    }

    /// Exchanges states with somebody.
    pub(super) async fn exchange(&self, to: SocketAddr, purpose: Purpose) {
        let done = self.try_exchange(to, purpose);
        let done = self.in_time(done).await;
        self.0.counters.exchanged(purpose, done.is_ok());
        match (done, purpose) {
            (Ok(()), _) => tracing::debug!(%to, ?purpose, "exchanged states"),
            (Err(error), Purpose::Join) => {
                tracing::warn!(%to, %error, "joining a peer failed; it is tried again");
            }
            (Err(error), _) => {
                tracing::debug!(%to, ?purpose, %error, "exchanging states failed");
            }
        }
    }

    async fn try_exchange(&self, to: SocketAddr, purpose: Purpose) -> Result<(), StreamError> {
        let is_join = purpose != Purpose::Compare;
        let ours = self.state(is_join, self.label()).await?;
        let mut stream = self.0.transport.connect(to).await?;
        send(&mut stream, &ours).await?;
        match read_message(&mut stream, StreamDecoder::for_answer()).await? {
            StreamMessage::State { members, user, .. } => {
                self.take_in(Input::State { members, user }).await
            }
            StreamMessage::Error(text) => Err(StreamError::Refused(text)),
            _ => Err(StreamError::Unexpected),
        }
    }

    pub(super) async fn ping_over_stream(&self, to: SocketAddr, ping: Ping, until: Duration) {
        let asked = ping.sequence;
        let bytes = StreamMessage::Ping(ping).encode(&self.label());
        let exchange = async {
            let mut stream = self.0.transport.connect(to).await?;
            send(&mut stream, &bytes).await?;
            read_message(&mut stream, StreamDecoder::for_answer()).await
        };
        let deadline: Instant = self.0.started + until;
        match timeout_at(deadline, exchange).await {
            Ok(Ok(StreamMessage::Ack { sequence })) if sequence == asked => {
                tracing::debug!(%to, "a peer answers over a stream but not to packets; UDP may be blocked");
                self.step(Input::StreamPong { sequence });
            }
            other => tracing::debug!(%to, ?other, "no answer over a stream"),
        }
    }

    /// Sends long news as they come, a few at a time.
    pub(super) async fn send_long_news(self, mut news: mpsc::Receiver<OutgoingMessage>) {
        while let Some(message) = news.recv().await {
            // The semaphore is never closed.
            let Ok(permit) = Arc::clone(&self.0.long_news_streams).acquire_owned().await else {
                return;
            };
            let mesh = self.clone();
            tokio::spawn(async move {
                let _permit = permit;
                mesh.send_message(message).await;
            });
        }
    }

    async fn send_message(&self, message: OutgoingMessage) {
        let counters = &self.0.counters;
        let OutgoingMessage { to, key, bytes } = message;
        counters.oversized_sent.with(&[&key]).increment();
        let started = Instant::now();
        let bytes = StreamMessage::User(bytes).encode(&self.label());
        let sent = self.in_time(async {
            let mut stream = self.0.transport.connect(to).await?;
            send(&mut stream, &bytes).await?;
            stream.shutdown().await?;
            Ok(())
        });
        match sent.await {
            Ok(()) => {
                let seconds = started.elapsed().as_secs_f64();
                counters.oversized_seconds.with(&[&key]).observe(seconds);
            }
            Err(error) => {
                counters.oversized_failed.with(&[&key]).increment();
                tracing::debug!(%to, key, %error, "sending long news failed");
            }
        }
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, StreamError>>,
    ) -> Result<T, StreamError> {
        let done = timeout(self.0.tcp_timeout, work).await;
        done.unwrap_or(Err(StreamError::TimedOut))
    }

    fn label(&self) -> String {
        self.0.peer.lock().label().to_owned()
    }

    /// Our side of an exchange. The delegate may have much to say, and compressing it takes time too.
    async fn state(&self, is_join: bool, label: String) -> Result<Vec<u8>, StreamError> {
        let mesh = self.clone();
        let encode = move || {
            let user = encode_state(&mesh.0.delegate.state());
            mesh.0.counters.state_sent(user.len());
            let members = mesh.0.peer.lock().state();
            let message = StreamMessage::State {
                members,
                is_join,
                user,
            };
            message.encode(&label)
        };
        let encoded = tokio::task::spawn_blocking(encode).await;
        encoded.map_err(|_| StreamError::Internal)
    }

    /// Takes in what may be large.
    async fn take_in(&self, input: Input) -> Result<(), StreamError> {
        let mesh = self.clone();
        let taken = tokio::task::spawn_blocking(move || mesh.step(input)).await;
        taken.map_err(|_| StreamError::Internal)
    }
}

/// TLS may keep some of it back until it is flushed.
async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), StreamError> {
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}

/// Reads one message. The caller bounds the time, the decoder the length.
async fn read_message(
    stream: &mut (impl AsyncRead + Unpin),
    mut decoder: StreamDecoder,
) -> Result<StreamMessage, StreamError> {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Err(StreamError::Ended);
        }
        let bytes = buffer.get(..length).unwrap_or_default().to_vec();
        // The last piece of a long message is followed by decompressing all of it.
        let pushed = tokio::task::spawn_blocking(move || {
            let pushed = decoder.push(&bytes);
            (decoder, pushed)
        });
        let (back, pushed) = pushed.await.map_err(|_| StreamError::Internal)?;
        decoder = back;
        if let Some(message) = pushed? {
            return Ok(message);
        }
    }
}
