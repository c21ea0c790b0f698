//! `MeshEntry`: entry 1, expires_at 2. `Entry`: group_key 1, receiver 2, timestamp 5, firing_alerts 6 and
//! resolved_alerts 7 (packed hashes), receiver_data 8 (3 and 4 are of old writers). `Receiver`: group_name 1,
//! integration 2, idx 3. A value of the receiver's data: str_val 1, int_val 2 or double_val 3.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::CodecError;
use super::proto::{Field, Reader, Writer};
use crate::nflog::{LogEntry, LogReceiver, ReceiverValue, StoredEntry};
use crate::time::Time;

/// Reads a snapshot or a gossip message.
pub fn decode(bytes: &[u8]) -> Result<Vec<StoredEntry>, CodecError> {
    super::whole(decode_prefix(bytes))
}

/// Reads a snapshot as far as it can be read, and says why no further.
pub fn decode_prefix(bytes: &[u8]) -> (Vec<StoredEntry>, Option<CodecError>) {
    super::messages(bytes, mesh_entry)
}

/// One snapshot, or with one entry a gossip message.
pub fn encode<'a>(entries: impl IntoIterator<Item = &'a StoredEntry>) -> Vec<u8> {
    let mut writer = Writer::default();
    for stored in entries {
        writer.delimited(&message(stored));
    }
    writer.into_bytes()
}

fn mesh_entry(mut reader: Reader<'_>) -> Result<StoredEntry, CodecError> {
    let mut entry = None;
    let mut expires_at = Time::new(0, 0);
    while let Some(field) = reader.field()? {
        match field.number {
            1 => entry = Some(read_entry(field.message()?)?),
            2 => expires_at = field.time()?,
            _ => {}
        }
    }
    Ok(StoredEntry {
        entry: entry.ok_or(CodecError::Missing("entry"))?,
        expires_at,
    })
}

fn read_entry(mut reader: Reader<'_>) -> Result<LogEntry, CodecError> {
    let mut group_key: Arc<str> = Arc::from("");
    let mut log_receiver = None;
    let mut timestamp = Time::new(0, 0);
    let (mut firing, mut resolved) = (Vec::new(), Vec::new());
    let mut receiver_data = BTreeMap::new();
    while let Some(field) = reader.field()? {
        match field.number {
            // Declared as bytes, but always written from text.
            1 => group_key = field.text()?.into(),
            2 => log_receiver = Some(read_receiver(field.message()?)?),
            5 => timestamp = field.time()?,
            6 => field.numbers(&mut firing)?,
            7 => field.numbers(&mut resolved)?,
            8 => {
                if let (key, Some(value)) = data(field)? {
                    receiver_data.insert(key, value);
                }
            }
            _ => {}
        }
    }
    Ok(LogEntry {
        group_key,
        receiver: log_receiver.ok_or(CodecError::Missing("receiver"))?,
        timestamp,
        firing,
        resolved,
        receiver_data: Arc::new(receiver_data),
    })
}

fn read_receiver(mut reader: Reader<'_>) -> Result<LogReceiver, CodecError> {
    let mut receiver = LogReceiver {
        group_name: Arc::from(""),
        integration: Arc::from(""),
        index: 0,
    };
    while let Some(field) = reader.field()? {
        match field.number {
            1 => receiver.group_name = field.text()?.into(),
            2 => receiver.integration = field.text()?.into(),
            3 => receiver.index = u32::try_from(field.number()?).unwrap_or(u32::MAX),
            _ => {}
        }
    }
    Ok(receiver)
}

fn data(field: Field<'_>) -> Result<(String, Option<ReceiverValue>), CodecError> {
    let (mut key, mut value) = (String::new(), None);
    let mut entry = field.message()?;
    while let Some(field) = entry.field()? {
        match field.number {
            1 => key = field.text()?.to_owned(),
            2 => {
                let mut inner = field.message()?;
                while let Some(field) = inner.field()? {
                    value = match field.number {
                        1 => Some(ReceiverValue::Text(field.text()?.to_owned())),
                        2 => Some(ReceiverValue::Int(field.number()?.cast_signed())),
                        3 => Some(ReceiverValue::Float(field.double()?)),
                        _ => value,
                    };
                }
            }
            _ => {}
        }
    }
    Ok((key, value))
}

fn message(stored: &StoredEntry) -> Vec<u8> {
    let entry = &stored.entry;
    let mut receiver = Writer::default();
    receiver.text(1, &entry.receiver.group_name);
    receiver.text(2, &entry.receiver.integration);
    receiver.number(3, u64::from(entry.receiver.index));
    let mut inner = Writer::default();
    inner.text(1, &entry.group_key);
    inner.message(2, &receiver.into_bytes());
    inner.time(5, entry.timestamp);
    inner.packed(6, &entry.firing);
    inner.packed(7, &entry.resolved);
    for (key, value) in entry.receiver_data.iter() {
        let mut value_writer = Writer::default();
        match value {
            ReceiverValue::Text(text) => value_writer.message(1, text.as_bytes()),
            ReceiverValue::Int(number) => value_writer.number_always(2, number.cast_unsigned()),
            ReceiverValue::Float(number) => value_writer.double_always(3, *number),
        }
        let mut pair = Writer::default();
        pair.message(1, key.as_bytes());
        pair.message(2, &value_writer.into_bytes());
        inner.message(8, &pair.into_bytes());
    }
    let mut outer = Writer::default();
    outer.message(1, &inner.into_bytes());
    outer.time(2, stored.expires_at);
    outer.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let stored = StoredEntry {
            entry: LogEntry {
                group_key: r#"{}/{a="b"}:{c="d"}"#.into(),
                receiver: LogReceiver {
                    group_name: "team".into(),
                    integration: "slack".into(),
                    index: 3,
                },
                timestamp: Time::new(1_700_000_000, 1),
                firing: vec![u64::MAX, 0, 7],
                resolved: Vec::new(),
                receiver_data: Arc::new(BTreeMap::from([
                    ("thread".to_owned(), ReceiverValue::Text(String::new())),
                    ("count".to_owned(), ReceiverValue::Int(-1)),
                    ("ts".to_owned(), ReceiverValue::Float(0.5)),
                ])),
            },
            expires_at: Time::new(1_700_007_200, 1),
        };
        let bytes = encode([&stored]);
        assert_eq!(decode(&bytes).unwrap(), [stored]);
        for end in 1..bytes.len() {
            assert!(decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        assert_eq!(decode(&[2, 0x0a, 0]), Err(CodecError::Missing("receiver")));
    }
}
