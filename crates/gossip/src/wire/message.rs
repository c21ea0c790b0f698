//! The structs of the protocol, each with its fields in the order in which they are written.

use std::net::{IpAddr, SocketAddr};

use super::WireError;
use super::msgpack::{Known, Reader, Writer};

/// Longest name of a member; Alertmanager's have 26 bytes.
const NAME_BYTES_MAX: usize = 255;
/// Longest data that a member attaches to itself, by memberlist's own limit.
const META_BYTES_MAX: usize = 512;

/// The type bytes.
pub(crate) mod kind {
    pub(crate) const PING: u8 = 0;
    pub(crate) const INDIRECT_PING: u8 = 1;
    pub(crate) const ACK: u8 = 2;
    pub(crate) const SUSPECT: u8 = 3;
    pub(crate) const ALIVE: u8 = 4;
    pub(crate) const DEAD: u8 = 5;
    pub(crate) const PUSH_PULL: u8 = 6;
    pub(crate) const COMPOUND: u8 = 7;
    pub(crate) const USER: u8 = 8;
    pub(crate) const COMPRESSED: u8 = 9;
    pub(crate) const ENCRYPTED: u8 = 10;
    pub(crate) const NACK: u8 = 11;
    pub(crate) const CHECKSUM: u8 = 12;
    pub(crate) const ERROR: u8 = 13;
    pub(crate) const LABEL: u8 = 244;
}

/// Versions that a member speaks: least, most and current one of the protocol, then of the user's part.
pub type Versions = [u8; 6];

/// What we speak: memberlist's protocol 1 to 5 at version 2, as every Alertmanager.
pub const VERSIONS: Versions = [1, 5, 2, 0, 0, 0];

/// Are you there?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    pub sequence: u32,
    /// Who is meant; another member at this address does not answer.
    pub node: String,
    /// Where the answer goes; to the sender of the packet if absent.
    pub source: Option<SocketAddr>,
    pub source_node: String,
}

/// Ask somebody else for me whether it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndirectPing {
    pub sequence: u32,
    pub target: SocketAddr,
    pub node: String,
    /// Whether no answer of the target is to be told as well.
    pub wants_nack: bool,
    pub source: Option<SocketAddr>,
    pub source_node: String,
}

/// `from` has no sign of life of `node`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    pub incarnation: u32,
    pub node: String,
    pub from: String,
}

/// `node` is gone; it says so itself if it is `from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    pub incarnation: u32,
    pub node: String,
    pub from: String,
}

/// A member as it describes itself, and how often it had to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeState {
    pub name: String,
    pub address: SocketAddr,
    /// What it attaches to itself; no Alertmanager does. Nothing and nil are told apart on the wire.
    pub meta: Option<Vec<u8>>,
    pub incarnation: u32,
    /// `None` if a very old member does not say.
    pub versions: Option<Versions>,
}

/// How a member stands, for others to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateKind {
    Alive,
    Suspect,
    Dead,
    /// Gone of its own will.
    Left,
}

/// One member in an exchange of whole states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberState {
    pub node: NodeState,
    pub state: StateKind,
}

/// One message of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Ping(Ping),
    IndirectPing(IndirectPing),
    Ack { sequence: u32 },
    Nack { sequence: u32 },
    Suspect(Suspect),
    Alive(NodeState),
    Dead(Dead),
    User(Vec<u8>),
}

impl Message {
    /// Type byte and body.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        match self {
            Self::Ping(ping) => {
                out.push(kind::PING);
                ping.write(&mut out);
            }
            Self::IndirectPing(ping) => {
                out.push(kind::INDIRECT_PING);
                ping.write(&mut out);
            }
            Self::Ack { sequence } => {
                out.push(kind::ACK);
                Writer::new(&mut out, 2)
                    .bytes("Payload", &[])
                    .number("SeqNo", u64::from(*sequence));
            }
            Self::Nack { sequence } => {
                out.push(kind::NACK);
                Writer::new(&mut out, 1).number("SeqNo", u64::from(*sequence));
            }
            Self::Suspect(Suspect {
                incarnation,
                node,
                from,
            }) => {
                out.push(kind::SUSPECT);
                write_accusation(&mut out, *incarnation, node, from);
            }
            Self::Dead(Dead {
                incarnation,
                node,
                from,
            }) => {
                out.push(kind::DEAD);
                write_accusation(&mut out, *incarnation, node, from);
            }
            Self::Alive(node) => {
                out.push(kind::ALIVE);
                write_node(Writer::new(&mut out, 6), "Node", node, None);
            }
            Self::User(bytes) => {
                out.push(kind::USER);
                out.extend_from_slice(bytes);
            }
        }
        out
    }

    /// Reads the body of one message that is neither compound nor compressed.
    pub(crate) fn decode(kind: u8, body: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        let message = match kind {
            kind::PING => Self::Ping(Ping::read(&mut reader)?),
            kind::INDIRECT_PING => Self::IndirectPing(IndirectPing::read(&mut reader)?),
            kind::ACK => Self::Ack {
                sequence: read_sequence(&mut reader)?,
            },
            kind::NACK => Self::Nack {
                sequence: read_sequence(&mut reader)?,
            },
            kind::SUSPECT => {
                let (incarnation, node, from) = read_accusation(&mut reader)?;
                Self::Suspect(Suspect {
                    incarnation,
                    node,
                    from,
                })
            }
            kind::DEAD => {
                let (incarnation, node, from) = read_accusation(&mut reader)?;
                Self::Dead(Dead {
                    incarnation,
                    node,
                    from,
                })
            }
            kind::ALIVE => Self::Alive(read_node(&mut reader, b"Node")?.0),
            kind::USER => Self::User(body.to_vec()),
            kind::ENCRYPTED => return Err(WireError::Encrypted),
            other => return Err(WireError::Type(other)),
        };
        Ok(message)
    }
}

impl Ping {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let optional = source_fields(self.source.as_ref(), &self.source_node);
        let mut writer = Writer::new(out, 2 + optional);
        writer.bytes("Node", self.node.as_bytes());
        writer.number("SeqNo", u64::from(self.sequence));
        write_source(&mut writer, self.source.as_ref(), &self.source_node);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut ping = Self {
            sequence: 0,
            node: String::new(),
            source: None,
            source_node: String::new(),
        };
        let (mut address, mut port) = (&[][..], 0u16);
        reader.fields(|name, reader| {
            match name {
                b"SeqNo" => ping.sequence = reader.number()?,
                b"Node" => ping.node = read_name(reader)?,
                b"SourceAddr" => address = reader.bytes()?,
                b"SourcePort" => port = reader.number()?,
                b"SourceNode" => ping.source_node = read_name(reader)?,
                _ => return Ok(Known::No),
            }
            Ok(Known::Yes)
        })?;
        ping.source = source(address, port)?;
        Ok(ping)
    }
}

impl IndirectPing {
    fn write(&self, out: &mut Vec<u8>) {
        let optional = source_fields(self.source.as_ref(), &self.source_node);
        let mut writer = Writer::new(out, 5 + optional);
        writer.flag("Nack", self.wants_nack);
        writer.bytes("Node", self.node.as_bytes());
        writer.number("Port", u64::from(self.target.port()));
        writer.number("SeqNo", u64::from(self.sequence));
        write_source(&mut writer, self.source.as_ref(), &self.source_node);
        write_ip(&mut writer, "Target", self.target.ip());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let (mut sequence, mut node, mut source_node) = (0, String::new(), String::new());
        let (mut wants_nack, mut target, mut port) = (false, &[][..], 0u16);
        let (mut source_ip, mut source_port) = (&[][..], 0u16);
        reader.fields(|name, reader| {
            match name {
                b"SeqNo" => sequence = reader.number()?,
                b"Target" => target = reader.bytes()?,
                b"Port" => port = reader.number()?,
                b"Node" => node = read_name(reader)?,
                b"Nack" => wants_nack = reader.flag()?,
                b"SourceAddr" => source_ip = reader.bytes()?,
                b"SourcePort" => source_port = reader.number()?,
                b"SourceNode" => source_node = read_name(reader)?,
                _ => return Ok(Known::No),
            }
            Ok(Known::Yes)
        })?;
        Ok(Self {
            sequence,
            target: SocketAddr::new(ip(target)?, port),
            node,
            wants_nack,
            source: source(source_ip, source_port)?,
            source_node,
        })
    }
}

impl MemberState {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        write_node(Writer::new(out, 7), "Name", &self.node, Some(self.state));
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let (node, state) = read_node(reader, b"Name")?;
        let state = match state {
            0 => StateKind::Alive,
            1 => StateKind::Suspect,
            2 => StateKind::Dead,
            3 => StateKind::Left,
            other => return Err(WireError::State(other)),
        };
        Ok(Self { node, state })
    }
}

/// An alive message, or with a state one member of an exchange. They differ in the name of the name.
fn write_node(mut writer: Writer<'_>, name: &str, node: &NodeState, state: Option<StateKind>) {
    write_ip(&mut writer, "Addr", node.address.ip());
    writer
        .number("Incarnation", u64::from(node.incarnation))
        .bytes_or_nil("Meta", node.meta.as_deref())
        .bytes(name, node.name.as_bytes())
        .number("Port", u64::from(node.address.port()));
    if let Some(state) = state {
        let number = match state {
            StateKind::Alive => 0,
            StateKind::Suspect => 1,
            StateKind::Dead => 2,
            StateKind::Left => 3,
        };
        writer.number("State", number);
    }
    let versions = node.versions.as_ref().map_or(&[][..], |all| &all[..]);
    writer.bytes("Vsn", versions);
}

fn read_node(reader: &mut Reader<'_>, name_field: &[u8]) -> Result<(NodeState, u8), WireError> {
    let (mut address, mut port, mut state) = (&[][..], 0u16, 0u8);
    let (mut node_name, mut meta, mut incarnation) = (String::new(), None, 0);
    let mut versions = &[][..];
    reader.fields(|name, reader| {
        match name {
            b"Addr" => address = reader.bytes()?,
            b"Port" => port = reader.number()?,
            b"Incarnation" => incarnation = reader.number()?,
            b"Meta" => meta = reader.bytes_or_nil()?,
            b"State" => state = reader.number()?,
            b"Vsn" => versions = reader.bytes()?,
            name if name == name_field => node_name = read_name(reader)?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    if meta.is_some_and(|meta| meta.len() > META_BYTES_MAX) {
        return Err(WireError::TooLong(META_BYTES_MAX));
    }
    let node = NodeState {
        name: node_name,
        address: SocketAddr::new(ip(address)?, port),
        meta: meta.map(<[u8]>::to_vec),
        incarnation,
        versions: versions.first_chunk().copied(),
    };
    Ok((node, state))
}

fn read_sequence(reader: &mut Reader<'_>) -> Result<u32, WireError> {
    let mut sequence = 0;
    reader.fields(|name, reader| {
        if name != b"SeqNo" {
            return Ok(Known::No);
        }
        sequence = reader.number()?;
        Ok(Known::Yes)
    })?;
    Ok(sequence)
}

fn write_accusation(out: &mut Vec<u8>, incarnation: u32, node: &str, from: &str) {
    Writer::new(out, 3)
        .bytes("From", from.as_bytes())
        .number("Incarnation", u64::from(incarnation))
        .bytes("Node", node.as_bytes());
}

fn read_accusation(reader: &mut Reader<'_>) -> Result<(u32, String, String), WireError> {
    let (mut incarnation, mut node, mut from) = (0, String::new(), String::new());
    reader.fields(|name, reader| {
        match name {
            b"Incarnation" => incarnation = reader.number()?,
            b"Node" => node = read_name(reader)?,
            b"From" => from = read_name(reader)?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    Ok((incarnation, node, from))
}

fn read_name(reader: &mut Reader<'_>) -> Result<String, WireError> {
    let name = reader.text()?;
    if name.len() > NAME_BYTES_MAX {
        return Err(WireError::TooLong(NAME_BYTES_MAX));
    }
    Ok(name)
}

fn source_fields(source: Option<&SocketAddr>, node: &str) -> u8 {
    let address = if source.is_some() { 2 } else { 0 };
    address + u8::from(!node.is_empty())
}

fn write_source(writer: &mut Writer<'_>, source: Option<&SocketAddr>, node: &str) {
    if let Some(source) = source {
        write_ip(writer, "SourceAddr", source.ip());
    }
    if !node.is_empty() {
        writer.bytes("SourceNode", node.as_bytes());
    }
    if let Some(source) = source {
        writer.number("SourcePort", u64::from(source.port()));
    }
}

/// As memberlist: without an address or a port, the packet's own sender is meant.
fn source(address: &[u8], port: u16) -> Result<Option<SocketAddr>, WireError> {
    if address.is_empty() || port == 0 {
        return Ok(None);
    }
    Ok(Some(SocketAddr::new(ip(address)?, port)))
}

fn write_ip(writer: &mut Writer<'_>, name: &str, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => writer.bytes(name, &ip.octets()),
        IpAddr::V6(ip) => writer.bytes(name, &ip.octets()),
    };
}

fn ip(bytes: &[u8]) -> Result<IpAddr, WireError> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        Ok(IpAddr::from(bytes))
    } else if let Ok(bytes) = <[u8; 16]>::try_from(bytes) {
        Ok(IpAddr::from(bytes))
    } else {
        Err(WireError::Address(bytes.len()))
    }
}
