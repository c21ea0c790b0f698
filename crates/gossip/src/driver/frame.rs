//! What a connection of a mesh with TLS begins with, and the packets on it: a length in four bytes, least
//! significant first, then Alertmanager's message `MemberlistMessage` with version 1, kind 2 (0 a stream, 1 a
//! packet), sender 3 and data 4.

use std::io;
use std::net::SocketAddr;

use alerting::codec::CodecError;
use alerting::codec::proto::{Reader, Writer};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Another version is not understood.
const VERSION: &str = "v0.1.0";
/// A packet has 64 KiB at most, and its frame little more.
const BYTES_MAX: u32 = 128 * 1024;

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A stream begins.
    Stream,
    /// Its sender is where the other member listens, if it can be read.
    Packet {
        from: Option<SocketAddr>,
        bytes: Vec<u8>,
    },
}

pub(super) fn stream() -> Vec<u8> {
    let mut message = Writer::default();
    message.text(1, VERSION);
    framed(message)
}

pub(super) fn packet(from: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut message = Writer::default();
    message.text(1, VERSION);
    message.number(2, 1);
    message.text(3, &from.to_string());
    message.message(4, bytes);
    framed(message)
}

fn framed(message: Writer) -> Vec<u8> {
    let message = message.into_bytes();
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes()[..], &message].concat()
}

fn invalid(problem: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// Reads the next frame, and not a byte more; none if the other side has ended. The caller bounds the time.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Frame>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let length = u32::from_le_bytes(length);
    if length > BYTES_MAX {
        let problem = format!("a frame of {length} bytes; {BYTES_MAX} are allowed");
        return Err(invalid(problem));
    }
    // It grows with what arrives, not with what is announced.
    let mut message = Vec::new();
    stream
        .take(u64::from(length))
        .read_to_end(&mut message)
        .await?;
    if message.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    parse(&message).map(Some)
}

fn parse(message: &[u8]) -> io::Result<Frame> {
    let (mut version, mut kind, mut from, mut bytes) = ("", 0, "", &[][..]);
    let mut read = || -> Result<(), CodecError> {
        let mut reader = Reader::new(message);
        while let Some(field) = reader.field()? {
            match field.number {
                1 => version = field.text()?,
                2 => kind = field.number()?,
                3 => from = field.text()?,
                4 => bytes = field.bytes()?,
                _ => {}
            }
        }
        Ok(())
    };
    read().map_err(invalid)?;
    if version != VERSION {
        let problem = format!("the version {version:?} is not {VERSION}");
        return Err(invalid(problem));
    }
    match kind {
        0 => Ok(Frame::Stream),
        1 => Ok(Frame::Packet {
            from: from.parse().ok(),
            bytes: bytes.to_vec(),
        }),
        other => Err(invalid(format!("the kind {other} is not known"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    }

    /// All frames, and the error after them, if there is one.
    fn all(mut bytes: &[u8]) -> (Vec<Frame>, Option<String>) {
        runtime().block_on(async {
            let mut frames = Vec::new();
            loop {
                match read(&mut bytes).await {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => return (frames, None),
                    Err(error) => return (frames, Some(error.to_string())),
                }
            }
        })
    }

    #[test]
    fn frames_are_as_alertmanager_writes_them() {
        assert_eq!(stream(), b"\x08\0\0\0\x0a\x06v0.1.0");
        let from = "[::1]:9094".parse().unwrap();
        let bytes = packet(from, b"hello");
        assert_eq!(
            bytes,
            b"\x1d\0\0\0\x0a\x06v0.1.0\x10\x01\x1a\x0a[::1]:9094\x22\x05hello"
        );
        let (frames, error) = all(&[bytes, stream()].concat());
        let packet = Frame::Packet {
            from: Some(from),
            bytes: b"hello".to_vec(),
        };
        assert_eq!((frames, error), (vec![packet, Frame::Stream], None));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (bytes, problem) in [
            (
                &b"\x08\0\0\0\x0a\x06v0.2.0"[..],
                "the version \"v0.2.0\" is not v0.1.0",
            ),
            (
                b"\x0a\0\0\0\x0a\x06v0.1.0\x10\x02",
                "the kind 2 is not known",
            ),
            (
                b"GET / HTTP",
                "a frame of 542393671 bytes; 131072 are allowed",
            ),
            (b"\x08\0\0\0\x0a", "unexpected end of file"),
        ] {
            assert_eq!(all(bytes), (Vec::new(), Some(problem.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn hostile_frames_are_read_or_refused(
            tail in prop::collection::vec(any::<u8>(), 0..300),
            change in any::<(prop::sample::Index, u8)>(),
        ) {
            all(&tail);
            let mut bytes = [packet(([127, 0, 0, 1], 1).into(), &tail), stream()].concat();
            let at = change.0.index(bytes.len());
            bytes[at] = change.1;
            let (frames, _) = all(&bytes);
            prop_assert!(frames.len() <= bytes.len() / 4);
        }
    }
}
