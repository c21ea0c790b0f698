//! Frames byte by byte, and answers that lie.

use std::io::Read;

use super::*;

const HEAD: RequestHead<'static> = RequestHead {
    correlation: 7,
    client_id: "am",
};

#[test]
fn keys_have_the_partitions_that_kafka_gives_them() {
    // Of the tests of Kafka's own client.
    for (key, expected) in [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("abc", 479_470_107),
    ] {
        assert_eq!(murmur2(key.as_bytes()).cast_signed(), expected, "{key}");
    }
    assert_eq!(partition_of(b"abc", 10), 479_470_107 % 10);
    assert_eq!(partition_of(b"abc", 0), 0);
}

#[test]
fn a_request_for_metadata() {
    let expected =
        b"\x00\x00\x00\x14\x00\x03\x00\x04\x00\x00\x00\x07\x00\x02am\x00\x00\x00\x01\x00\x01t\x00";
    assert_eq!(metadata_request(HEAD, "t"), expected);
}

/// Throttle, one broker, cluster, controller, a topic with two partitions, one without a leader.
fn metadata() -> Vec<u8> {
    let mut answer = Vec::new();
    answer.extend_from_slice(&7i32.to_be_bytes());
    answer.extend_from_slice(&0i32.to_be_bytes());
    answer.extend_from_slice(&1i32.to_be_bytes());
    answer.extend_from_slice(&3i32.to_be_bytes());
    answer.extend_from_slice(b"\x00\x04host\x00\x00\x23\x84\xff\xff");
    answer.extend_from_slice(b"\x00\x01c\x00\x00\x00\x03");
    answer.extend_from_slice(b"\x00\x00\x00\x01\x00\x00\x00\x01t\x00\x00\x00\x00\x02");
    for (error, index, leader) in [(0i16, 0i32, 3i32), (5, 1, -1)] {
        answer.extend_from_slice(&error.to_be_bytes());
        answer.extend_from_slice(&index.to_be_bytes());
        answer.extend_from_slice(&leader.to_be_bytes());
        answer.extend_from_slice(b"\x00\x00\x00\x01\x00\x00\x00\x03\xff\xff\xff\xff");
    }
    answer
}

#[test]
fn an_answer_with_metadata() {
    let expected = Metadata {
        brokers: vec![Broker {
            id: 3,
            host: "host".to_owned(),
            port: 9092,
        }],
        error: ErrorCode::NONE,
        partitions: vec![
            Partition {
                error: ErrorCode::NONE,
                index: 0,
                leader: 3,
            },
            Partition {
                error: ErrorCode(5),
                index: 1,
                leader: -1,
            },
        ],
    };
    assert_eq!(read_metadata(HEAD, &metadata()), Ok(expected));
}

#[test]
fn answers_that_lie_are_errors() {
    let whole = metadata();
    for length in 0..whole.len() {
        let cut = read_metadata(HEAD, &whole[..length]);
        assert_eq!(cut, Err(KafkaError::Truncated), "{length}");
    }
    let other = RequestHead {
        correlation: 8,
        ..HEAD
    };
    let wrong = KafkaError::Correlation { wanted: 8, got: 7 };
    assert_eq!(read_metadata(other, &whole), Err(wrong));
    let mut many = whole.clone();
    many[8..12].copy_from_slice(&i32::MAX.to_be_bytes());
    let too_many = KafkaError::TooMany(i64::from(i32::MAX));
    assert_eq!(read_metadata(HEAD, &many), Err(too_many));
    let to = Destination {
        topic: "t",
        partition: 1,
        acks: Acks::Leader,
        timeout_ms: 1,
    };
    let produced =
        b"\x00\x00\x00\x07\x00\x00\x00\x01\x00\x01t\x00\x00\x00\x01\x00\x00\x00\x01\x00\x06rest";
    assert_eq!(read_produced(HEAD, to, produced), Ok(ErrorCode(6)));
    let elsewhere = Destination { partition: 0, ..to };
    let wrong = Err(KafkaError::OtherTopic);
    assert_eq!(read_produced(HEAD, elsewhere, produced), wrong);
    assert!(ErrorCode(6).is_retriable() && !ErrorCode(10).is_retriable());
    assert_eq!(ErrorCode(10).to_string(), "MESSAGE_TOO_LARGE");
}

fn records(compression: Compression) -> Vec<u8> {
    let records = Records {
        key: b"host",
        values: &[b"one", b"two"],
        timestamp_ms: 0x0102,
        compression,
        sequence: Sequence::NONE,
    };
    records.encode().unwrap()
}

/// Both records: length, attributes, time, offset, key, value, headers.
const PLAIN: &[u8] = b"\x1a\x00\x00\x00\x08host\x06one\x00\x1a\x00\x00\x02\x08host\x06two\x00";

#[test]
fn a_request_to_produce() {
    let batch = records(Compression::None);
    let mut expected = Vec::new();
    expected.extend_from_slice(&[0; 8]);
    let length = i32::try_from(batch.len() - 12).unwrap();
    expected.extend_from_slice(&length.to_be_bytes());
    expected.extend_from_slice(b"\xff\xff\xff\xff\x02");
    expected.extend_from_slice(&batch[17..21]);
    expected.extend_from_slice(b"\x00\x00\x00\x00\x00\x01");
    expected.extend_from_slice(b"\x00\x00\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x00\x00\x01\x02");
    expected.extend_from_slice(&[0xff; 14]);
    expected.extend_from_slice(b"\x00\x00\x00\x02");
    expected.extend_from_slice(PLAIN);
    assert_eq!(batch, expected);
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &batch[21..]);
    assert_eq!(batch[17..21], u32::try_from(sum).unwrap().to_be_bytes());

    let to = Destination {
        topic: "t",
        partition: 1,
        acks: Acks::All,
        timeout_ms: 5,
    };
    let frame = produce_request(
        HEAD,
        to,
        &Records {
            key: b"host",
            values: &[b"one", b"two"],
            timestamp_ms: 0x0102,
            compression: Compression::None,
            sequence: Sequence::NONE,
        },
    )
    .unwrap();
    let length = u32::from_be_bytes(frame[..4].try_into().unwrap());
    assert_eq!(frame.len() - 4, usize::try_from(length).unwrap());
    let head = b"\x00\x00\x00\x07\x00\x00\x00\x07\x00\x02am\xff\xff\xff\xff\x00\x00\x00\x05\x00\x00\x00\x01\x00\x01t\x00\x00\x00\x01\x00\x00\x00\x01";
    assert_eq!(frame[4..4 + head.len()], head[..]);
    assert_eq!(frame[4 + head.len() + 4..], batch[..]);
}

#[test]
fn an_identity_numbers_the_records() {
    let expected =
        b"\x00\x00\x00\x12\x00\x16\x00\x00\x00\x00\x00\x07\x00\x02am\xff\xff\x00\x00\xea\x60";
    assert_eq!(identity_request(HEAD), expected);
    let answer =
        b"\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09\x00\x02";
    let sequence = Sequence {
        producer: 9,
        epoch: 2,
        next: 0,
    };
    assert_eq!(read_identity(HEAD, answer), Ok(Ok(sequence)));
    assert_eq!(sequence.after(3).next, 3);
    let last = Sequence {
        next: i32::MAX,
        ..sequence
    };
    assert_eq!(last.after(1).next, 0);
    let records = Records {
        key: b"",
        values: &[b""],
        timestamp_ms: 0,
        compression: Compression::None,
        sequence: sequence.after(3),
    };
    let batch = records.encode().unwrap();
    assert_eq!(
        batch[43..57],
        *b"\x00\x00\x00\x00\x00\x00\x00\x09\x00\x02\x00\x00\x00\x03"
    );
    let refused = b"\x00\x00\x00\x07\x00\x00\x00\x00\x00\x1f";
    assert_eq!(read_identity(HEAD, refused), Ok(Err(ErrorCode(31))));
}

#[test]
fn records_are_packed_as_asked() {
    for (compression, bits) in [
        (Compression::Gzip, 1),
        (Compression::Snappy, 2),
        (Compression::Lz4, 3),
        (Compression::Zstd, 4),
    ] {
        let batch = records(compression);
        assert_eq!(batch[22], bits);
        let packed = &batch[61..];
        let mut plain = Vec::new();
        match compression {
            Compression::None => plain.extend_from_slice(packed),
            Compression::Gzip => {
                let mut gzip = flate2::read::GzDecoder::new(packed);
                gzip.read_to_end(&mut plain).unwrap();
            }
            Compression::Snappy => {
                plain = snap::raw::Decoder::new().decompress_vec(packed).unwrap();
            }
            Compression::Lz4 => {
                let mut lz4 = lz4_flex::frame::FrameDecoder::new(packed);
                lz4.read_to_end(&mut plain).unwrap();
            }
            Compression::Zstd => plain = zstd::bulk::decompress(packed, 1000).unwrap(),
        }
        assert_eq!(plain, PLAIN, "{compression:?}");
    }
}
