//! What ends an answer with samples before its end: never a part of it that passes for the whole.

use std::cell::Cell;

use model::clock::ManualClock;
use model::storage::{SampleBatch, SampleWriter, TimeRange};
use model::{Labels, MatchOp, Timestamp};
use tsdb::block::UlidSource;
use tsdb::{DbOptions, OpenOptions, RealDisk};
use wire::remote::compress;
use wire::remote::read::{Query as RawQuery, RawMatcher, Request, decode_response};

use super::*;
use diag::ReasonBook;
use std::sync::Arc;

const SERIES: usize = 10;

/// A handler over a few series of one sample each, and a request for all of them.
fn bed() -> (Handler, Vec<u8>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp(2000)));
    let head = OpenOptions::new(dir.path(), Arc::new(RealDisk));
    let options = DbOptions::new(head, UlidSource::new(clock.clone(), 1));
    let (db, _) = tsdb::Db::open(options).unwrap();
    let mut batch = SampleBatch::new();
    for number in 0..SERIES {
        let labels = Labels::from_pairs([("__name__", "m"), ("n", &number.to_string())]);
        batch.push(db.resolve(&labels).unwrap(), Timestamp(1000), 1.0);
    }
    assert_eq!(db.commit(&batch).unwrap().refused.len(), 0);
    let limits = Limits {
        samples_max: 0,
        frame_bytes_max: 1 << 20,
    };
    let reasons = Arc::new(ReasonBook::new(10));
    let request = Request {
        queries: vec![RawQuery {
            range: TimeRange::new(Timestamp(0), Timestamp(2000)),
            matchers: vec![RawMatcher {
                name: "__name__".to_owned(),
                op: Some(MatchOp::Equal),
                value: "m".to_owned(),
            }],
            hints: None,
        }],
        accepted: Vec::new(),
    };
    let body = compress(&request.encode()).unwrap();
    (Handler::new(db, limits, reasons, clock), body, dir)
}

#[test]
fn an_answer_that_may_not_go_on_is_none() {
    let (handler, body, _dir) = bed();
    let asked = Cell::new(0);
    let whole = handler.answer(&body, ANSWER_BYTES_MAX, &|| {
        asked.set(asked.get() + 1);
        Ok(())
    });
    let Ok(Answer::Samples(pieces)) = whole else {
        panic!("{whole:?}");
    };
    let content = wire::remote::decompress(&pieces.concat(), 1 << 20).unwrap();
    let results = decode_response(&content).unwrap();
    assert_eq!(results.first().map(Vec::len), Some(SERIES));
    assert_eq!(asked.get(), SERIES);
    for refusal in [ReadRefusal::OutOfRoom, ReadRefusal::Abandoned] {
        asked.set(0);
        let ended = handler.answer(&body, ANSWER_BYTES_MAX, &|| {
            asked.set(asked.get() + 1);
            if asked.get() > SERIES / 2 {
                return Err(refusal.clone());
            }
            Ok(())
        });
        assert_eq!(ended.unwrap_err(), refusal);
    }
    let small = handler.answer(&body, 100, &|| Ok(()));
    assert_eq!(small.unwrap_err(), ReadRefusal::AnswerSize(100));
}
