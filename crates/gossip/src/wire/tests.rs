//! Recorded packets and streams of real Alertmanagers, read and written again; and what hostile ones do.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use super::message::{VERSIONS, kind};
use super::packet::{COMPRESSIBLE_BYTES_MIN, Checksum, compound, compressed};
use super::*;

const FIXTURE: &str = "tests/fixtures/alertmanager-0.25.txt";

struct Recorded {
    name: String,
    bytes: Vec<u8>,
    read: String,
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn recorded() -> (String, Vec<Recorded>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FIXTURE);
    let text = std::fs::read_to_string(path).unwrap();
    let mut parts = text.split("\n\n");
    let head = parts.next().unwrap().to_owned();
    let all = parts.map(|part| {
        let mut lines = part.lines();
        Recorded {
            name: lines.next().unwrap().to_owned(),
            bytes: from_hex(lines.next().unwrap()),
            read: lines.map(|line| format!("{line}\n")).collect(),
        }
    });
    (head, all.collect())
}

/// What we read in it, and the bytes that we would have sent instead.
fn read_and_written(recorded: &Recorded) -> (String, Vec<u8>) {
    let mut read = String::new();
    if recorded.name.starts_with("tcp") {
        let mut decoder = StreamDecoder::for_incoming("");
        let message = decoder.push(&recorded.bytes).unwrap().unwrap();
        writeln!(read, "{message:?}").unwrap();
        return (read, message.encode(""));
    }
    let opened = open_packet(&recorded.bytes, "").unwrap();
    assert_eq!(opened.problems, []);
    let mut encoded = Vec::new();
    for message in &opened.messages {
        writeln!(read, "{message:?}").unwrap();
        encoded.push(message.encode());
    }
    let message = match &encoded[..] {
        [one] => one.clone(),
        many => compound(many),
    };
    let checksum = if recorded.bytes[0] == kind::CHECKSUM {
        Checksum::Written
    } else {
        Checksum::LeftOut
    };
    (read, seal_packet(message, checksum, ""))
}

#[test]
fn recorded_bytes_are_read_and_written_as_they_are() {
    let (head, all) = recorded();
    assert!(all.len() > 20);
    let mut text = head;
    for recorded in &all {
        let (read, written) = read_and_written(recorded);
        assert_eq!(
            to_hex(&written),
            to_hex(&recorded.bytes),
            "{}",
            recorded.name
        );
        write!(
            text,
            "\n\n{}\n{}\n{}",
            recorded.name,
            to_hex(&written),
            read.trim_end()
        )
        .unwrap();
        if std::env::var_os("UPDATE").is_none() {
            assert_eq!(read, recorded.read, "{}", recorded.name);
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FIXTURE);
        std::fs::write(path, text + "\n").unwrap();
    }
}

#[test]
fn streams_come_in_pieces() {
    for recorded in recorded().1 {
        if !recorded.name.starts_with("tcp") {
            continue;
        }
        let mut decoder = StreamDecoder::for_answer();
        let (last, rest) = recorded.bytes.split_last().unwrap();
        for byte in rest {
            assert_eq!(decoder.push(&[*byte]), Ok(None), "{}", recorded.name);
        }
        assert!(
            decoder.push(&[*last]).unwrap().is_some(),
            "{}",
            recorded.name
        );
    }
}

#[test]
fn uncompressed_streams_are_read_too() {
    let state = StreamMessage::State {
        members: (1..=3).map(|n| member(n, StateKind::Suspect)).collect(),
        is_join: true,
        user: b"state".to_vec(),
    };
    let encoded = state.encode("");
    let plain = lzw::decompress(
        packet::read_compressed(&mut msgpack::Reader::new(&encoded[1..])).unwrap(),
        1 << 20,
    )
    .unwrap();
    let mut decoder = StreamDecoder::for_incoming("");
    let (last, rest) = plain.split_last().unwrap();
    for byte in rest {
        assert_eq!(decoder.push(&[*byte]), Ok(None));
    }
    assert_eq!(decoder.push(&[*last]), Ok(Some(state)));
}

fn member(number: u8, state: StateKind) -> MemberState {
    MemberState {
        node: NodeState {
            name: format!("node-{number}"),
            address: format!("[fd00::{number}]:9094").parse().unwrap(),
            meta: Some(b"meta".to_vec()),
            incarnation: 70_000,
            versions: Some(VERSIONS),
        },
        state,
    }
}

#[test]
fn labels_keep_meshes_apart() {
    let packet = seal_packet(
        Message::Nack { sequence: 1 }.encode(),
        Checksum::Written,
        "blue",
    );
    assert_eq!(packet[..7], [244, 4, b'b', b'l', b'u', b'e', 12]);
    let opened = open_packet(&packet, "blue").unwrap();
    assert_eq!(opened.messages, [Message::Nack { sequence: 1 }]);
    for label in ["", "red"] {
        let refused = open_packet(&packet, label).unwrap_err();
        assert_eq!(refused, WireError::Label("blue".to_owned()));
        let stream = StreamMessage::User(vec![1]).encode("blue");
        let refused = StreamDecoder::for_incoming(label)
            .push(&stream)
            .unwrap_err();
        assert_eq!(refused, WireError::Label("blue".to_owned()));
    }
    let bare = seal_packet(
        Message::Nack { sequence: 1 }.encode(),
        Checksum::LeftOut,
        "",
    );
    assert!(matches!(
        open_packet(&bare, "blue"),
        Err(WireError::Label(_))
    ));
    assert!(open_packet(&[244, 0, 11], "").is_err());
}

#[test]
fn a_wrong_checksum_is_noticed() {
    let mut packet = seal_packet(Message::User(vec![7; 9]).encode(), Checksum::Written, "");
    *packet.last_mut().unwrap() ^= 1;
    assert_eq!(open_packet(&packet, "").unwrap_err(), WireError::Checksum);
}

#[test]
fn parts_that_are_no_good_do_not_hide_the_others() {
    let good = Message::Nack { sequence: 3 };
    let packet = compound(&[vec![99], good.encode(), vec![kind::ENCRYPTED], vec![]]);
    let opened = open_packet(&packet, "").unwrap();
    assert_eq!(opened.messages, [good]);
    assert_eq!(
        opened.problems,
        [WireError::Type(99), WireError::Encrypted, WireError::Empty]
    );
}

#[test]
fn bombs_cost_little() {
    // A small packet that would unpack to many megabytes, directly and in several parts.
    let zeros = [vec![kind::USER], vec![0; 4 << 20]].concat();
    let bomb = compressed(&zeros);
    assert!(bomb.len() < 20_000);
    let problems = open_packet(&bomb, "").unwrap().problems;
    assert_eq!(problems, [WireError::TooLong(1 << 20)]);
    let small = compressed(&zeros[..700 << 10]);
    let opened = open_packet(&compound(&[small.clone(), small]), "").unwrap();
    assert_eq!((opened.messages.len(), opened.problems.len()), (1, 1));
    let mut nested = Message::Nack { sequence: 1 }.encode();
    for _ in 0..10 {
        nested = compressed(&nested);
    }
    assert_eq!(
        open_packet(&nested, "").unwrap().problems,
        [WireError::Depth]
    );
}

#[test]
fn streams_that_announce_too_much_are_refused_at_once() {
    let mut state = vec![kind::PUSH_PULL];
    msgpack::Writer::new(&mut state, 1).number("Nodes", 1 << 20);
    assert_eq!(
        StreamDecoder::for_answer().push(&state),
        Err(WireError::TooLong(8192))
    );
    let mut user = vec![kind::USER];
    msgpack::Writer::new(&mut user, 1).number("UserMsgLen", 1 << 40);
    assert_eq!(
        StreamDecoder::for_answer().push(&user),
        Err(WireError::TooLong(20 << 20))
    );
    // A struct without end.
    let mut decoder = StreamDecoder::for_answer();
    decoder
        .push(&[kind::PING, 0xdf, 0xff, 0xff, 0xff, 0xff])
        .unwrap();
    let field = [0xa1, b'x', 0xc0].repeat(10_000);
    assert_eq!(decoder.push(&field), Err(WireError::TooLong(8192)));
}

/// Bytes that are all the same are what compresses best.
#[test]
fn what_is_not_tried_would_not_get_smaller() {
    for length in 0..COMPRESSIBLE_BYTES_MIN {
        assert!(compressed(&vec![7; length]).len() >= length, "{length}");
    }
    assert!(compressed(&[7; COMPRESSIBLE_BYTES_MIN]).len() < COMPRESSIBLE_BYTES_MIN);
}

proptest! {
    #[test]
    fn random_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = open_packet(&bytes, "");
        let _ = StreamDecoder::for_incoming("").push(&bytes);
    }

    /// Bytes changed, cut out or repeated in what real members sent.
    #[test]
    fn mutated_bytes_do_not_panic(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let all = recorded().1;
        let recorded = which.get(&all);
        let mut bytes = recorded.bytes.clone();
        for (at, byte, how) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                _ => { let again: Vec<u8> = bytes[at..].iter().copied().take(usize::from(byte)).collect();
                       bytes.splice(at..at, again); }
            }
        }
        let _ = open_packet(&bytes, "");
        let _ = StreamDecoder::for_incoming("").push(&bytes);
        let _ = StreamDecoder::for_answer().push(&bytes);
    }
}
