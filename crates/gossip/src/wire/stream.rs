//! Streams: after the label one message, without its length before it. The decoder takes bytes as they come and
//! says when the message is complete.

use super::message::{MemberState, kind};
use super::msgpack::{Known, Reader, Writer};
use super::packet::{check_label, compressed, read_compressed, split_label, write_label};
use super::{Ping, WireError, lzw};

/// User state and user messages, by memberlist's own limit.
pub const STATE_BYTES_MAX: usize = 20 << 20;
/// What a stream may decompress to.
const DECOMPRESSED_BYTES_MAX: usize = 2 * STATE_BYTES_MAX;
/// Members in an exchange. More than any mesh of Alertmanagers has; memberlist takes a million.
const MEMBERS_MAX: usize = 8192;
/// A struct that is longer is not one of ours.
const STRUCT_BYTES_MAX: usize = 8192;

/// A message of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamMessage {
    Ping(Ping),
    Ack {
        sequence: u32,
    },
    /// The whole state of a member. The one who is asked answers with its own.
    State {
        members: Vec<MemberState>,
        /// Whether the sender joins, rather than compares.
        is_join: bool,
        user: Vec<u8>,
    },
    User(Vec<u8>),
    /// Why the other side did not understand us.
    Error(String),
}

impl StreamMessage {
    /// The bytes of the stream. Only the side that opened the stream puts the label before its message.
    pub fn encode(&self, label: &str) -> Vec<u8> {
        let mut plain = Vec::new();
        match self {
            Self::Ping(ping) => {
                plain.push(kind::PING);
                ping.write(&mut plain);
            }
            Self::Ack { sequence } => {
                plain.push(kind::ACK);
                Writer::new(&mut plain, 2)
                    .bytes_or_nil("Payload", None)
                    .number("SeqNo", u64::from(*sequence));
            }
            Self::State {
                members,
                is_join,
                user,
            } => {
                plain.push(kind::PUSH_PULL);
                Writer::new(&mut plain, 3)
                    .flag("Join", *is_join)
                    .number("Nodes", members.len() as u64)
                    .number("UserStateLen", user.len() as u64);
                for member in members {
                    member.write(&mut plain);
                }
                plain.extend_from_slice(user);
            }
            Self::User(bytes) => {
                plain.push(kind::USER);
                Writer::new(&mut plain, 1).number("UserMsgLen", bytes.len() as u64);
                plain.extend_from_slice(bytes);
            }
            Self::Error(text) => {
                plain.push(kind::ERROR);
                Writer::new(&mut plain, 1).bytes("Error", text.as_bytes());
            }
        }
        let mut out = Vec::new();
        write_label(&mut out, label);
        out.extend(compressed(&plain));
        out
    }
}

/// What is read next.
#[derive(Debug)]
enum Stage {
    Label,
    Kind,
    Compressed,
    Body(u8),
    Members {
        left: usize,
        user: usize,
        is_join: bool,
        members: Vec<MemberState>,
    },
    Bytes {
        length: usize,
        state: Option<(Vec<MemberState>, bool)>,
    },
}

/// Collects one message.
#[derive(Debug)]
pub struct StreamDecoder {
    label: String,
    buffer: Vec<u8>,
    /// Where in the buffer the next part starts.
    at: usize,
    stage: Stage,
}

impl StreamDecoder {
    /// For the side that was called: there may be a label.
    pub fn for_incoming(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            buffer: Vec::new(),
            at: 0,
            stage: Stage::Label,
        }
    }

    /// For the answer, which has no label.
    pub fn for_answer() -> Self {
        Self {
            stage: Stage::Kind,
            ..Self::for_incoming("")
        }
    }

    /// Takes bytes; gives the message once it is complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<StreamMessage>, WireError> {
        self.buffer.extend_from_slice(bytes);
        loop {
            match self.advance() {
                Ok(Some(message)) => return Ok(Some(message)),
                Ok(None) => {}
                Err(WireError::Truncated) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// One step. `Truncated`: more bytes are needed; nothing has changed then.
    fn advance(&mut self) -> Result<Option<StreamMessage>, WireError> {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        match &mut self.stage {
            Stage::Label => {
                let (found, after) = split_label(rest)?;
                if rest.is_empty() {
                    return Err(WireError::Truncated);
                }
                check_label(found, &self.label)?;
                self.at = self.buffer.len() - after.len();
                self.stage = Stage::Kind;
            }
            Stage::Kind => {
                let kind = *rest.first().ok_or(WireError::Truncated)?;
                self.at += 1;
                self.stage = match kind {
                    kind::COMPRESSED => Stage::Compressed,
                    kind::ENCRYPTED => return Err(WireError::Encrypted),
                    kind => Stage::Body(kind),
                };
            }
            Stage::Compressed => {
                // Looking at the head again with every piece is cheap: the payload is jumped over.
                if rest.len() > STATE_BYTES_MAX + STRUCT_BYTES_MAX {
                    return Err(WireError::TooLong(STATE_BYTES_MAX));
                }
                let payload = read_compressed(&mut Reader::new(rest))?;
                let plain = lzw::decompress(payload, DECOMPRESSED_BYTES_MAX)?;
                let kind = *plain.first().ok_or(WireError::Empty)?;
                if kind == kind::COMPRESSED {
                    return Err(WireError::Depth);
                }
                self.buffer = plain;
                self.at = 1;
                self.stage = Stage::Body(kind);
                // From here on nothing more comes.
                return self.finish();
            }
            Stage::Body(kind) => {
                let kind = *kind;
                return self.body(kind);
            }
            Stage::Members {
                left: 0,
                user,
                is_join,
                members,
            } => {
                self.stage = Stage::Bytes {
                    length: *user,
                    state: Some((std::mem::take(members), *is_join)),
                };
            }
            Stage::Members { left, members, .. } => {
                let mut reader = Reader::new(rest);
                let member = bounded(MemberState::read(&mut reader), rest)?;
                self.at = self.buffer.len() - reader.rest().len();
                members.push(member);
                *left -= 1;
            }
            Stage::Bytes { length, state } => {
                let bytes = rest.get(..*length).ok_or(WireError::Truncated)?.to_vec();
                return Ok(Some(match state.take() {
                    Some((members, is_join)) => StreamMessage::State {
                        members,
                        is_join,
                        user: bytes,
                    },
                    None => StreamMessage::User(bytes),
                }));
            }
        }
        Ok(None)
    }

    /// The rest of a message that was compressed and so is here as a whole.
    fn finish(&mut self) -> Result<Option<StreamMessage>, WireError> {
        loop {
            match self.advance() {
                // It is not that more has to come: it must not be asked for again.
                Err(WireError::Truncated) => return Err(WireError::Compression),
                Ok(None) => {}
                done => return done,
            }
        }
    }

    fn body(&mut self, kind: u8) -> Result<Option<StreamMessage>, WireError> {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let mut reader = Reader::new(rest);
        match kind {
            kind::PING => {
                let ping = bounded(Ping::read(&mut reader), rest)?;
                return Ok(Some(StreamMessage::Ping(ping)));
            }
            kind::ACK => {
                let mut sequence = 0;
                let read = reader.fields(|name, reader| {
                    if name != b"SeqNo" {
                        return Ok(Known::No);
                    }
                    sequence = reader.number()?;
                    Ok(Known::Yes)
                });
                bounded(read, rest)?;
                return Ok(Some(StreamMessage::Ack { sequence }));
            }
            kind::ERROR => {
                let mut text = String::new();
                let read = reader.fields(|name, reader| {
                    if name != b"Error" {
                        return Ok(Known::No);
                    }
                    text = reader.text()?;
                    Ok(Known::Yes)
                });
                bounded(read, rest)?;
                return Ok(Some(StreamMessage::Error(text)));
            }
            kind::PUSH_PULL => {
                let (mut left, mut user, mut is_join) = (0usize, 0usize, false);
                let read = reader.fields(|name, reader| {
                    match name {
                        b"Nodes" => left = reader.number()?,
                        b"UserStateLen" => user = reader.number()?,
                        b"Join" => is_join = reader.flag()?,
                        _ => return Ok(Known::No),
                    }
                    Ok(Known::Yes)
                });
                bounded(read, rest)?;
                if left > MEMBERS_MAX {
                    return Err(WireError::TooLong(MEMBERS_MAX));
                }
                self.at = self.buffer.len() - reader.rest().len();
                self.stage = Stage::Members {
                    left,
                    user: checked_length(user)?,
                    is_join,
                    members: Vec::new(),
                };
            }
            kind::USER => {
                let mut length = 0usize;
                let read = reader.fields(|name, reader| {
                    if name != b"UserMsgLen" {
                        return Ok(Known::No);
                    }
                    length = reader.number()?;
                    Ok(Known::Yes)
                });
                bounded(read, rest)?;
                self.at = self.buffer.len() - reader.rest().len();
                self.stage = Stage::Bytes {
                    length: checked_length(length)?,
                    state: None,
                };
            }
            other => return Err(WireError::Type(other)),
        }
        Ok(None)
    }
}

/// A struct that does not end within the limit never will.
fn bounded<T>(read: Result<T, WireError>, bytes: &[u8]) -> Result<T, WireError> {
    match read {
        Err(WireError::Truncated) if bytes.len() > STRUCT_BYTES_MAX => {
            Err(WireError::TooLong(STRUCT_BYTES_MAX))
        }
        read => read,
    }
}

fn checked_length(length: usize) -> Result<usize, WireError> {
    if length > STATE_BYTES_MAX {
        return Err(WireError::TooLong(STATE_BYTES_MAX));
    }
    Ok(length)
}
