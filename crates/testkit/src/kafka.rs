//! A broker of Kafka as far as a producer needs one: it leads all three partitions of one topic, keeps what is produced
//! (records that are not packed), and refuses or hangs up as it is told. Metadata in version 4, InitProducerId in version 0,
//! Produce in version 7.

#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "test support: what cannot be done fails the test"
)]

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

const PARTITIONS: i32 = 3;

/// What was produced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Produced {
    pub partition: i32,
    pub acks: i16,
    /// The producer's number of the record; -1 without one.
    pub sequence: i32,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
}

/// How a broker behaves.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// So many connections are hung up at first.
    pub hangs_up: usize,
    /// Codes for the first requests to produce; the others are taken.
    pub refuses: Vec<i16>,
}

/// Stops when it is dropped.
#[derive(Debug)]
pub struct Broker {
    shared: Arc<Shared>,
    address: String,
}

#[derive(Debug)]
struct Shared {
    topic: String,
    port: i32,
    behaviour: Behaviour,
    connections: AtomicUsize,
    requests: AtomicUsize,
    produced: Mutex<Vec<Produced>>,
    is_stopped: AtomicBool,
}

impl Broker {
    pub fn start(topic: &str, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port of 127.0.0.1");
        let address = listener
            .local_addr()
            .expect("a listening socket has an address");
        let shared = Arc::new(Shared {
            topic: topic.to_owned(),
            port: i32::from(address.port()),
            behaviour,
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            produced: Mutex::default(),
            is_stopped: AtomicBool::new(false),
        });
        let broker = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if broker.is_stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let number = broker.connections.fetch_add(1, Ordering::Relaxed);
                if number < broker.behaviour.hangs_up {
                    continue;
                }
                let broker = Arc::clone(&broker);
                // A client that goes away is part of what is tested.
                std::thread::spawn(move || broker.serve(stream).ok());
            }
        });
        Self {
            shared,
            address: address.to_string(),
        }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it has taken, in order.
    pub fn produced(&self) -> Vec<Produced> {
        self.shared.produced.lock().clone()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts; if nobody listens any more, it has ended already.
        let _ = TcpStream::connect(&self.address);
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap_or(0)];
            stream.read_exact(&mut frame)?;
            let mut frame = Frame(&frame);
            let (api, version, correlation) = (frame.i16(), frame.i16(), frame.i32());
            frame.text();
            let answer = match (api, version) {
                (3, 4) => Some(self.metadata(frame)),
                (0, 7) => self.produce(frame),
                // Throttle, code, the producer 7 with the epoch 0.
                (22, 0) => Some([&[0; 13][..], &[7, 0, 0]].concat()),
                other => panic!("a request {other:?} that this broker does not know"),
            };
            if let Some(answer) = answer {
                let length = i32::try_from(answer.len() + 4).unwrap_or(i32::MAX);
                let head = [length.to_be_bytes(), correlation.to_be_bytes()].concat();
                stream.write_all(&[head, answer].concat())?;
            }
        }
    }

    fn metadata(&self, mut frame: Frame<'_>) -> Vec<u8> {
        assert_eq!(frame.i32(), 1, "one topic is asked for");
        let topic = frame.text();
        assert_eq!(frame.take(1), [0], "topics are not made");
        let is_known = topic == self.topic;
        let mut answer = Vec::new();
        // Throttle, one broker with its number.
        for number in [0, 1, 1] {
            answer.extend(i32::to_be_bytes(number));
        }
        text(&mut answer, "127.0.0.1");
        answer.extend(self.port.to_be_bytes());
        // No rack, no cluster; controller, topics.
        answer.extend((-1i16).to_be_bytes());
        answer.extend((-1i16).to_be_bytes());
        answer.extend(1i32.to_be_bytes());
        answer.extend(1i32.to_be_bytes());
        answer.extend(if is_known { 0i16 } else { 3 }.to_be_bytes());
        text(&mut answer, &topic);
        answer.push(0);
        let partitions = if is_known { PARTITIONS } else { 0 };
        answer.extend(partitions.to_be_bytes());
        for index in 0..partitions {
            answer.extend(0i16.to_be_bytes());
            // Itself, its leader, one replica and that in sync.
            for number in [index, 1, 1, 1, 1, 1] {
                answer.extend(i32::to_be_bytes(number));
            }
        }
        answer
    }

    fn produce(&self, mut frame: Frame<'_>) -> Option<Vec<u8>> {
        assert_eq!(frame.i16(), -1, "there is no transaction");
        let acks = frame.i16();
        let _timeout = frame.i32();
        assert_eq!(frame.i32(), 1, "one topic");
        let topic = frame.text();
        assert_eq!(frame.i32(), 1, "one partition");
        let partition = frame.i32();
        let _length = frame.i32();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let code = self.behaviour.refuses.get(number).copied().unwrap_or(0);
        if code == 0 {
            let mut produced = self.produced.lock();
            for (sequence, key, value) in frame.records() {
                produced.push(Produced {
                    partition,
                    acks,
                    sequence,
                    key,
                    value,
                });
            }
        }
        if acks == 0 {
            return None;
        }
        let mut answer = Vec::new();
        answer.extend(1i32.to_be_bytes());
        text(&mut answer, &topic);
        answer.extend(1i32.to_be_bytes());
        answer.extend(partition.to_be_bytes());
        answer.extend(code.to_be_bytes());
        // Offset, time, first offset, throttle.
        answer.extend([0; 28]);
        Some(answer)
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(i16::try_from(text.len()).unwrap_or(i16::MAX).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// The rest of a request.
struct Frame<'a>(&'a [u8]);

impl<'a> Frame<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at_checked(length).expect("a whole request");
        self.0 = rest;
        taken
    }

    fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.take(2).try_into().expect("two bytes"))
    }

    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.take(4).try_into().expect("four bytes"))
    }

    fn text(&mut self) -> String {
        let length = usize::try_from(self.i16()).unwrap_or(0);
        String::from_utf8_lossy(self.take(length)).into_owned()
    }

    /// Zigzag.
    fn varint(&mut self) -> i64 {
        let (mut number, mut shift) = (0u64, 0);
        loop {
            let byte = self.take(1).first().copied().unwrap_or(0);
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
            }
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = usize::try_from(self.varint()).unwrap_or(0);
        self.take(length).to_vec()
    }

    /// Numbers, keys and values of a batch.
    fn records(&mut self) -> Vec<(i32, Vec<u8>, Vec<u8>)> {
        // Offset, length, epoch, then the version.
        self.take(16);
        assert_eq!(self.take(1), [2], "a batch of version 2");
        // The checksum is not looked at: the producer's own tests have it.
        self.take(4);
        assert_eq!(self.i16() & 7, 0, "records that are not packed");
        // Last offset, times, producer.
        self.take(4 + 16 + 10);
        let (first, count) = (self.i32(), self.i32());
        let record = |index: i32| {
            let _length = self.varint();
            self.take(1);
            let (_time, _offset) = (self.varint(), self.varint());
            let (key, value) = (self.bytes(), self.bytes());
            assert_eq!(self.varint(), 0, "no headers");
            (if first < 0 { -1 } else { first + index }, key, value)
        };
        (0..count).map(record).collect()
    }
}
