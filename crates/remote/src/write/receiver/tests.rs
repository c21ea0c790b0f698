//! Requests against a real head, answers in the peer's words.

use model::Matcher;
use model::clock::ManualClock;
use model::storage::{CommitReport, SampleBatch, SeriesRef, TimeRange, WriteError};
use tsdb::{Head, OpenOptions, RealDisk};
use wire::remote::write1::{self, SeriesContent};
use wire::remote::{WrittenSample, compress, write2};

use super::*;

const NOW: i64 = 1_704_067_200_000;
const V2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

struct Bed {
    receiver: Receiver,
    head: Head,
    reasons: Arc<ReasonBook>,
    _dir: tempfile::TempDir,
}

impl Bed {
    fn new() -> Self {
        Self::with(|head| Arc::new(head))
    }

    fn with(writer: impl FnOnce(Head) -> Arc<dyn SampleWriter>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (head, _) = Head::open(OpenOptions::new(dir.path(), Arc::new(RealDisk))).unwrap();
        let reasons = Arc::new(ReasonBook::new(10));
        let collaborators = Collaborators {
            writer: writer(head.clone()),
            reader: Arc::new(head.clone()),
            clock: Arc::new(ManualClock::new(Timestamp(NOW))),
            reasons: Arc::clone(&reasons),
        };
        let types = MessageTypes::default();
        Self {
            receiver: Receiver::new(collaborators, types, &Registry::new()),
            head,
            reasons,
            _dir: dir,
        }
    }

    fn send(&self, content_type: &str, content: &[u8]) -> (Status, String) {
        let answer = self.answer(content_type, content);
        (answer.status, answer.text)
    }

    fn answer(&self, content_type: &str, content: &[u8]) -> Answer {
        let head = RequestHead {
            content_type: Some(content_type),
            content_encoding: Some("snappy"),
        };
        self.receiver.receive(&head, &compress(content).unwrap())
    }

    /// `labels=time,value …` of every series, in the order of their labels.
    fn stored(&self) -> Vec<String> {
        let list = self
            .head
            .select(&model::storage::SelectRequest {
                range: TimeRange::ALL,
                matchers: &[Matcher::not_equal("__name__", "")],
                projection: model::storage::Projection::All,
            })
            .unwrap();
        let mut batch = model::storage::SeriesBatch::new();
        list.read(0..list.len(), &mut batch).unwrap();
        let mut lines: Vec<String> = (0..list.len())
            .map(|row| {
                let (times, values) = batch.floats(row);
                let samples = times
                    .iter()
                    .zip(values)
                    .map(|(time, value)| format!("{}:{value}", time - NOW));
                let samples: Vec<String> = samples.collect();
                format!("{}={}", list.labels(row), samples.join(","))
            })
            .collect();
        lines.sort();
        lines
    }
}

fn samples(list: &[(i64, f64)]) -> Vec<WrittenSample> {
    let sample = |(time, value): &(i64, f64)| WrittenSample {
        time: Timestamp(NOW + time),
        value: *value,
        start_time: None,
    };
    list.iter().map(sample).collect()
}

type Rows<'a> = &'a [(&'a [(&'a str, &'a str)], &'a [(i64, f64)])];

fn v1(rows: Rows<'_>) -> Vec<u8> {
    let mut writer = write1::Writer::new();
    for (labels, list) in rows {
        writer.series(&SeriesContent {
            labels: &Labels::from_pairs(labels.iter().copied()),
            samples: &samples(list),
            histograms: &[],
            exemplars: &[],
        });
    }
    writer.finish()
}

fn v2(rows: Rows<'_>) -> Vec<u8> {
    let mut writer = write2::Writer::new();
    for (labels, list) in rows {
        let content = SeriesContent {
            labels: &Labels::from_pairs(labels.iter().copied()),
            samples: &samples(list),
            histograms: &[],
            exemplars: &[],
        };
        writer.series(&content, &model::Metadata::default());
    }
    writer.finish()
}

const A: &[(&str, &str)] = &[("__name__", "m"), ("i", "a")];
const B: &[(&str, &str)] = &[("__name__", "m"), ("i", "b")];

fn good() -> (Status, String) {
    (Status::Stored, String::new())
}

#[test]
fn both_versions_meet_in_one_series() {
    let bed = Bed::new();
    for (step, value) in [(0, 1.0), (1000, 2.0)] {
        let rows: Rows<'_> = &[(A, &[(step, value)]), (B, &[(step, 0.0)])];
        assert_eq!(bed.send("", &v1(rows)), good());
        let rows: Rows<'_> = &[(B, &[(step + 500, 5.0)]), (A, &[(step + 500, value)])];
        assert_eq!(bed.send(V2, &v2(rows)), good());
    }
    assert_eq!(
        bed.stored(),
        [
            r#"{__name__="m", i="a"}=0:1,500:1,1000:2,1500:2"#,
            r#"{__name__="m", i="b"}=0:0,500:5,1000:0,1500:5"#,
        ]
    );
    assert_eq!(bed.receiver.samples_appended(), 8);
    assert!(bed.receiver.cache_bytes() > 0);
}

#[test]
fn refused_samples_leave_the_good_ones_in() {
    let bed = Bed::new();
    assert_eq!(
        bed.send("", &v1(&[(A, &[(0, 1.5)]), (B, &[(0, 1.0)])])),
        good()
    );
    let bad = |status: &str| (Status::BadRequest, status.to_owned());
    let duplicate = "duplicate sample for timestamp 1704067200000; overrides not allowed: existing 1.5, new value 2";
    for (rows, text) in [
        (&[(A, &[(-5, 2.0)][..])][..], "out of order sample"),
        (&[(A, &[(0, 2.0)])], duplicate),
        (&[(B, &[(-4_000_000, 2.0)])], "out of bounds"),
        (
            &[(A, &[(600_001, 2.0)])],
            "out of bounds: timestamp is too far in the future",
        ),
    ] {
        assert_eq!(bed.send("", &v1(rows)), bad(text));
    }
    let rows: Rows<'_> = &[
        (A, &[(0, 1.5), (1, 7.0), (0, 9.0)]),
        (B, &[(-1, 1.0), (2, 3.0)]),
    ];
    let answer = bed.answer(V2, &v2(rows));
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (
            Status::BadRequest,
            "out of order sample for series {__name__=\"m\", i=\"a\"}\n\
             out of order sample for series {__name__=\"m\", i=\"b\"}"
        )
    );
    assert_eq!(answer.written.map(|written| written.samples), Some(3));
    assert_eq!(
        bed.stored(),
        [
            r#"{__name__="m", i="a"}=0:1.5,1:7"#,
            r#"{__name__="m", i="b"}=0:1,2:3"#
        ]
    );
    let counts = bed.reasons.counts();
    assert!(counts.contains(&("sample-out-of-order", 3)), "{counts:?}");
    assert!(counts.contains(&("sample-out-of-bounds", 2)), "{counts:?}");
}

/// One series of version 1 with these labels and one sample.
fn v1_pairs(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let field = |tag: u8, bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).unwrap();
        [&[tag, length][..], bytes].concat()
    };
    let mut series = Vec::new();
    for (name, value) in pairs {
        let label = [field(0x0a, name), field(0x12, value)].concat();
        series.extend(field(0x0a, &label));
    }
    series.extend(field(0x12, &[0x10, 1]));
    field(0x0a, &series)
}

#[test]
fn series_with_invalid_labels_are_dropped_in_version_1() {
    let bed = Bed::new();
    for pairs in [
        &[(&b"a"[..], &b"1"[..])][..],
        &[(b"__name__", b"")],
        &[(b"__name__", b"m"), (b"", b"1")],
        &[(b"__name__", b"m"), (b"a", b"\xff")],
        &[(b"__name__", b"m"), (b"a", b"1"), (b"a", b"2")],
        &[],
    ] {
        assert_eq!(bed.send("", &v1_pairs(pairs)), good(), "{pairs:?}");
    }
    assert_eq!(bed.stored(), [""; 0]);
    assert_eq!(bed.receiver.invalid_labels.get(), 6.0);
    assert_eq!(bed.reasons.counts(), [("remote-write-invalid-labels", 6)]);
    let unsorted: &[(&[u8], &[u8])] = &[(b"z", b"1"), (b"__name__", b"m"), (b"e", b"")];
    assert_eq!(bed.send("", &v1_pairs(unsorted)), good());
    assert_eq!(bed.stored().len(), 1);
}

#[test]
fn version_2_tells_of_every_series_it_leaves_out() {
    let bed = Bed::new();
    let symbols = ["", "__name__", "m", "a", "1"];
    let mut request = Vec::new();
    for symbol in symbols {
        request.extend([0x22, u8::try_from(symbol.len()).unwrap()]);
        request.extend(symbol.as_bytes());
    }
    let sample: &[u8] = &[0x12, 2, 0x10, 1];
    for (refs, rest) in [
        (&[1u8, 9][..], sample),
        (&[1], sample),
        (&[3, 4], sample),
        (&[1, 2, 3, 4, 3, 4], sample),
        (&[1, 2], &[]),
        (&[1, 2], &[0x12, 2, 0x10, 1, 0x2a, 2, 0x18, 7]),
        (&[1, 2], &[0x12, 2, 0x10, 1, 0x2a, 2, 0x20, 7]),
        (&[1, 2], sample),
    ] {
        let mut series = vec![0x0a, u8::try_from(refs.len()).unwrap()];
        series.extend(refs);
        series.extend(rest);
        request.extend([0x2a, u8::try_from(series.len()).unwrap()]);
        request.extend(series);
    }
    let answer = bed.answer(V2, &request);
    let wanted = [
        "parsing labels for series [1 9]: labelRefs 1 (name) = 9 (value) outside of symbols table (size 5)",
        "parsing labels for series [1]: invalid labelRefs length 1",
        r#"invalid metric name or labels, got {a="1"}"#,
        r#"invalid labels for series, labels {__name__="m", a="1", a="1"}, duplicated label a"#,
        r#"TimeSeries must contain at least one sample or histogram for series {__name__="m"}"#,
        "parsing metadata for series [1 2]: metadata help_ref 7 outside of symbols table (size 5)",
        "parsing metadata for series [1 2]: metadata unit_ref 7 outside of symbols table (size 5)",
    ];
    assert_eq!(answer.text.lines().collect::<Vec<_>>(), wanted);
    assert_eq!(answer.status, Status::BadRequest);
    assert_eq!(answer.written.map(|written| written.samples), Some(1));
    assert_eq!(bed.stored().len(), 1);
}

#[test]
fn broken_bodies_store_nothing() {
    let bed = Bed::new();
    let whole = v1(&[(A, &[(0, 1.0)]), (B, &[(0, 1.0)])]);
    let receive = |content_type, body: &[u8]| {
        let head = RequestHead {
            content_type: Some(content_type),
            content_encoding: None,
        };
        let answer = bed.receiver.receive(&head, body);
        (answer.status, answer.text)
    };
    let bad = |text: &str| (Status::BadRequest, text.to_owned());
    let body = compress(&whole).unwrap();
    assert_eq!(receive("", &[]), bad("s2: corrupt input"));
    for cut in 1..body.len() {
        assert_eq!(receive("", &body[..cut]), bad("s2: corrupt input"), "{cut}");
    }
    // 4 GiB of content in a few bytes, and one byte more than the limit.
    let bomb = receive("", &[0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
    assert_eq!(bomb, bad("decoded size exceeds the 33554432 bytes limit"));
    let large = compress(&vec![0; BODY_BYTES_MAX + 1]).unwrap();
    assert_eq!(
        receive("", &large),
        bad("decoded size exceeds the 33554432 bytes limit")
    );
    for cut in [1, 5, whole.len() / 2 + 3, whole.len() - 1] {
        assert_eq!(bed.send("", &whole[..cut]), bad("unexpected EOF"), "{cut}");
    }
    assert_eq!(bed.send("", &[0xff; 20]), bad("proto: integer overflow"));
    assert_eq!(bed.send(V2, &[0xff; 20]), bad("proto: integer overflow"));
    let empty_samples = [0x12, 0].repeat(5_000_000);
    let length = empty_samples.len();
    let mut crowd = vec![0x0a];
    for shift in [0, 7, 14, 21] {
        let more = if shift < 21 { 0x80 } else { 0 };
        crowd.push(u8::try_from(length >> shift & 0x7f).unwrap() | more);
    }
    crowd.extend(empty_samples);
    assert_eq!(
        bed.send("", &crowd),
        bad("the message has more than 4194304 parts of one kind")
    );
    let (status, text) = bed.send("text/plain", &whole);
    assert_eq!(status, Status::UnsupportedMediaType);
    assert!(
        text.starts_with("expected application/x-protobuf"),
        "{text}"
    );
    assert_eq!(bed.stored(), [""; 0]);
    assert_eq!(bed.send("", &[]), good());
}

#[test]
fn few_bytes_that_stand_for_much_text_are_refused() {
    let bed = Bed::new();
    let mut request = vec![0x22, 8];
    request.extend(b"__name__");
    // One symbol of a MiB: a pair of references is two bytes here and a MiB in labels.
    request.extend([0x22, 0x80, 0x80, 0x40]);
    request.extend(vec![b'm'; 1 << 20]);
    let refs = [0, 1].repeat(60);
    let mut series = vec![0x0a, u8::try_from(refs.len()).unwrap()];
    series.extend(refs);
    let one = [&[0x2a, u8::try_from(series.len()).unwrap()][..], &series].concat();
    request.extend(one.repeat(9));
    assert_eq!(
        bed.send(V2, &request),
        (
            Status::BadRequest,
            "the labels of the request take more than 536870912 bytes when written out".to_owned()
        )
    );
}

/// Storage that forgets series, as a head does with series that had no sample for long.
struct Forgetful {
    head: Head,
    forgotten: Mutex<Vec<SeriesRef>>,
    given: Mutex<u64>,
}

impl SampleWriter for Forgetful {
    fn resolve(&self, labels: &Labels) -> Result<SeriesRef, SampleRefusal> {
        *self.given.lock() += 1;
        self.head.resolve(labels)
    }

    fn commit(&self, batch: &SampleBatch) -> Result<CommitReport, WriteError> {
        let forgotten = std::mem::take(&mut *self.forgotten.lock());
        let mut known = batch.clone();
        let gone = |series: &SeriesRef| forgotten.contains(series);
        for series in known.series.iter_mut().filter(|series| gone(series)) {
            *series = SeriesRef(u64::MAX);
        }
        self.head.commit(&known)
    }
}

#[test]
fn forgotten_series_are_resolved_again() {
    let writer: Mutex<Option<Arc<Forgetful>>> = Mutex::default();
    let bed = Bed::with(|head| {
        let forgetful = Arc::new(Forgetful {
            head,
            forgotten: Mutex::default(),
            given: Mutex::default(),
        });
        *writer.lock() = Some(Arc::clone(&forgetful));
        forgetful
    });
    let writer = writer.lock().clone().unwrap();
    let rows = |time| v1(&[(A, &[(time, 1.0)]), (B, &[(time, 2.0)])]);
    assert_eq!(bed.send("", &rows(0)), good());
    let b = writer
        .head
        .resolve(&Labels::from_pairs(B.iter().copied()))
        .unwrap();
    writer.forgotten.lock().push(b);
    let given = *writer.given.lock();
    assert_eq!(bed.send("", &rows(1)), good());
    assert_eq!(*writer.given.lock(), given + 1, "only the forgotten one");
    assert_eq!(
        bed.stored(),
        [
            r#"{__name__="m", i="a"}=0:1,1:1"#,
            r#"{__name__="m", i="b"}=0:2,1:2"#
        ]
    );
}

#[test]
fn a_closed_storage_is_our_failure() {
    let bed = Bed::new();
    bed.head.close().unwrap();
    let (status, text) = bed.send("", &v1(&[(A, &[(0, 1.0)])]));
    assert_eq!(
        (status, text.as_str()),
        (Status::Internal, "storage is closed")
    );
}

#[test]
fn other_encodings_are_refused_before_the_body() {
    let bed = Bed::new();
    let head = RequestHead {
        content_type: None,
        content_encoding: Some("gzip"),
    };
    let answer = bed.receiver.refuse_by_head(&head).unwrap();
    assert_eq!(answer.status, Status::UnsupportedMediaType);
    assert_eq!(
        answer.text,
        "gzip encoding (compression) is not accepted by this server; only snappy is acceptable"
    );
    assert_eq!(bed.receiver.refuse_by_head(&RequestHead::default()), None);
}
