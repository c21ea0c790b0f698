//! Events written, damaged and read again.

use std::fmt::Write;
use std::sync::Arc;

use model::{Labels, Timestamp};

use super::decode::Header;
use super::query::Search;
use super::record::detail;
use super::{Damage, Draft, Kind, Query, Record, Segment, SegmentWriter};
use crate::alert::{Alert, PostedAlert};
use crate::dedup::NotifyReason;
use crate::delivery::{DeliveryId, FailureReason, NotifiedAlert, ReceiverAnswer};
use crate::event::{Event, GroupRef};
use crate::inhibit::Inhibition;
use crate::reason::NotNotified;
use crate::time::Time;

fn alert(name: &str, instance: &str) -> Arc<Alert> {
    let labels = Labels::from_pairs([("alertname", name), ("instance", instance)]);
    let posted = PostedAlert::from_labels(labels);
    let alert = Alert::from_posted(
        &posted,
        Time::from(Timestamp(1000)),
        model::Duration::from_secs(300),
        model::name::NameScheme::Utf8,
    );
    Arc::new(alert.unwrap())
}

fn group(receiver: &str) -> Arc<GroupRef> {
    Arc::new(GroupRef {
        key: format!("{{}}:{{to=\"{receiver}\"}}").into(),
        receiver: receiver.into(),
        route_id: "{}/0".into(),
    })
}

fn notified(alerts: &[&Arc<Alert>]) -> Arc<[NotifiedAlert]> {
    let one = |alert: &&Arc<Alert>| NotifiedAlert {
        alert: Arc::clone(alert),
        is_resolved: alert.labels.value("instance") == "b",
    };
    alerts.iter().map(one).collect()
}

fn events() -> Vec<Event> {
    let (a, b, other) = (alert("Slow", "a"), alert("Slow", "b"), alert("Down", "c"));
    let shop = group("shop");
    let webhook: Arc<str> = "webhook".into();
    let both = notified(&[&a, &b]);
    let inhibition = Inhibition {
        source: other.fingerprint,
        source_labels: other.labels.clone(),
        rule: 0,
        rule_name: "".into(),
    };
    vec![
        Event::AlertFired { alert: a.clone() },
        Event::GroupCreated {
            alert: a.clone(),
            group: shop.clone(),
            flush_at: Timestamp(31_000),
        },
        Event::AlertRouted {
            alert: a.clone(),
            group: shop.clone(),
            flush_at: Timestamp(31_000),
        },
        Event::AlertSuppressed {
            alert: a.clone(),
            group: shop.clone(),
            reason: NotNotified::Silenced(vec!["s1".to_owned(), "s2".to_owned()]),
        },
        Event::AlertSuppressed {
            alert: b,
            group: group("night"),
            reason: NotNotified::Inhibited(inhibition),
        },
        Event::DeliveryStarted {
            delivery: DeliveryId(7),
            group: shop.clone(),
            integration: webhook.clone(),
            attempt: 1,
            reason: NotifyReason::FirstNotification,
            alerts: both.clone(),
        },
        Event::DeliveryRetried {
            delivery: DeliveryId(7),
            group: shop.clone(),
            integration: webhook.clone(),
            attempt: 1,
            alerts: both.clone(),
            failure: FailureReason::ServerError,
            message: "unexpected status code 500: boom".to_owned(),
            next_at: Timestamp(32_500),
        },
        Event::DeliverySucceeded {
            delivery: DeliveryId(7),
            group: shop,
            integration: webhook,
            attempts: 2,
            alerts: both,
            answer: ReceiverAnswer { status: Some(200) },
            repeats_after: Some(Timestamp(100_000)),
        },
        Event::ConfigReplaced,
    ]
}

fn header() -> Header {
    Header {
        first: Timestamp(1000),
        before: None,
    }
}

/// A segment with these events, one each second.
fn segment(events: &[Event]) -> Vec<u8> {
    let mut bytes = SegmentWriter::header(&header());
    let mut writer = SegmentWriter::default();
    for (event, at) in events
        .iter()
        .zip((1..).map(|second| Timestamp(second * 1000)))
    {
        writer.append(&Draft::of(at, event), &mut bytes);
    }
    bytes
}

fn read(bytes: &[u8], query: &Query) -> (Vec<Record>, Option<Damage>) {
    let mut segment = match Segment::new(bytes) {
        Ok(segment) => segment,
        Err(damage) => return (Vec::new(), Some(damage)),
    };
    let mut search = Search::new(query);
    let mut records = Vec::new();
    loop {
        match segment.next_entry() {
            Ok(Some(entry)) => {
                if search.wants(&segment, &entry) {
                    records.push(search.record(&segment, &entry));
                }
            }
            Ok(None) => return (records, None),
            Err(damage) => return (records, Some(damage)),
        }
    }
}

#[test]
fn events_come_back_in_words() {
    let (records, damage) = read(&segment(&events()), &Query::default());
    assert_eq!(damage, None);
    let mut text = String::new();
    for record in &records {
        writeln!(
            text,
            "{} {} {}",
            record.at.seconds(),
            record.kind.as_str(),
            record.sentence()
        )
        .unwrap();
    }
    let expected = "\
1 alert Slow arrived, firing since 1970-01-01T00:00:01Z.
2 group Slow opens the group {}:{to=\"shop\"}: shop is told at 1970-01-01T00:00:31Z at the earliest.
3 alert Slow is in the group {}:{to=\"shop\"}: shop is told at 1970-01-01T00:00:31Z at the earliest.
4 alert shop is not told about Slow: it is silenced by s1, s2.
5 alert night is not told about Slow: it is inhibited while {alertname=\"Down\", instance=\"c\"} fires, by inhibition rule 1.
6 delivery shop is being told about 1 firing and 1 resolved alerts by webhook: first notification.
7 delivery Attempt 1 to tell shop by webhook failed: unexpected status code 500: boom; the next one is at 1970-01-01T00:00:32Z.
8 delivery shop was told about 1 firing and 1 resolved alerts by webhook, which answered 200 to attempt 2.
9 config The configuration of alerting was replaced; all groups start anew.
";
    assert_eq!(text, expected, "\n{text}");
    let last = &records[7];
    assert_eq!((last.delivery, last.attempt), (Some(7), Some(2)));
    assert_eq!(last.detail(detail::STATUS), "200");
    assert_eq!(last.alert_count, 2);
    assert!(!last.alerts[0].is_resolved && last.alerts[1].is_resolved);
}

#[test]
fn what_is_not_written_reads_the_same() {
    let (records, _) = read(&segment(&events()), &Query::default());
    for (record, event) in records.iter().zip(&events()) {
        let mut unwritten = Draft::of(record.at, event).to_record();
        let mut record = record.clone();
        // The order of details is that of their forms on disk.
        unwritten.details.sort();
        record.details.sort();
        assert_eq!(unwritten, record);
    }
}

#[test]
fn what_is_not_asked_for_stays_away() {
    let bytes = segment(&events());
    let codes = |query: &Query| -> Vec<String> {
        let (records, _) = read(&bytes, query);
        records.into_iter().map(|record| record.code).collect()
    };
    let query = Query {
        receiver: Some("night".to_owned()),
        ..Query::default()
    };
    assert_eq!(codes(&query), ["alert-inhibited"]);
    let query = Query {
        kinds: vec![Kind::Config, Kind::Group],
        ..Query::default()
    };
    assert_eq!(codes(&query), ["group-created", "alerting-config-replaced"]);
    let query = Query {
        codes: vec!["delivery-started".to_owned()],
        from: Timestamp(6000),
        to: Timestamp(6000),
        ..Query::default()
    };
    assert_eq!(codes(&query), ["delivery-started"]);
    let query = Query {
        from: Timestamp(6001),
        ..query
    };
    assert!(codes(&query).is_empty());
    // The one that is asked for is told first, though it is second in the list.
    let second = alert("Slow", "b");
    let query = Query {
        fingerprint: Some(second.fingerprint),
        ..Query::default()
    };
    let (records, _) = read(&bytes, &query);
    assert_eq!(records.len(), 4);
    assert_eq!(records[1].alerts[0].subject.labels, second.labels);
    let query = Query {
        matchers: vec![model::Matcher::equal("instance", "a")],
        ..Query::default()
    };
    assert_eq!(codes(&query).len(), 7);
}

#[test]
fn what_was_named_is_not_named_again() {
    let mut writer = SegmentWriter::default();
    let mut bytes = Vec::new();
    let events = events();
    let drafts: Vec<Draft> = events
        .iter()
        .map(|event| Draft::of(Timestamp(1_700_000_000_000), event))
        .collect();
    for draft in &drafts {
        writer.append(draft, &mut bytes);
    }
    let first = bytes.len();
    for draft in &drafts {
        let own = writer.append(draft, &mut bytes);
        assert!(own < 60, "{own} bytes of {draft:?}");
    }
    let second = bytes.len() - first;
    assert!(second * 3 < first, "{first} bytes, then {second}");
}

/// Whatever happens to the bytes: what is read of them was written, in its order, and damage is told.
#[test]
fn torn_and_flipped_segments_end_early_and_say_so() {
    let bytes = segment(&events());
    let (whole, _) = read(&bytes, &Query::default());
    for length in 0..bytes.len() {
        let (records, damage) = read(&bytes[..length], &Query::default());
        assert!(whole.starts_with(&records), "cut at {length}");
        let is_between_frames = damage.is_none();
        assert!(!is_between_frames || records.len() < whole.len());
    }
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    for _ in 0..20_000 {
        let mut damaged = bytes.clone();
        let at = random(damaged.len());
        damaged[at] ^= 1 << random(8);
        let (records, damage) = read(&damaged, &Query::default());
        assert!(whole.starts_with(&records), "flipped at {at}");
        assert!(damage.is_some(), "flipped at {at}");
    }
}

/// Frames with good checksums and senseless payloads are refused, or read to something bounded; never a panic.
#[test]
fn hostile_payloads_do_no_harm() {
    let mut seed = 0x1234_5678_9abc_def1_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let good = segment(&events());
    let mut refused = 0;
    for _ in 0..5_000 {
        let mut bytes = good[..super::decode::HEADER_BYTES].to_vec();
        let mut rest = &good[super::decode::HEADER_BYTES..];
        while rest.len() > 8 {
            let length = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
            let mut payload = rest[8..8 + length].to_vec();
            let at = usize::try_from(random()).unwrap() % payload.len();
            payload[at] = (random() & 0xff) as u8;
            bytes.extend_from_slice(&rest[..4]);
            bytes.extend_from_slice(&super::encode::checksum(&payload).to_le_bytes());
            bytes.extend_from_slice(&payload);
            rest = &rest[8 + length..];
        }
        let (records, damage) = read(&bytes, &Query::default());
        refused += usize::from(damage.is_some());
        for record in records {
            assert!(record.sentence().len() < 100_000);
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn long_texts_and_long_lists_are_written_in_pieces() {
    let long = "ü".repeat(20_000);
    let many: Vec<Arc<Alert>> = (0..5000)
        .map(|number| alert("Many", &format!("instance-{number}")))
        .collect();
    let events = [
        Event::AlertFired {
            alert: alert("Long", &long),
        },
        Event::FlushStarted {
            group: group("shop"),
            alerts: notified(&many.iter().collect::<Vec<_>>()),
        },
    ];
    let (records, damage) = read(&segment(&events), &Query::default());
    assert_eq!(damage, None);
    let labels = &records[0].subject.as_ref().unwrap().labels;
    assert_eq!(labels.value("instance").len(), 16 << 10);
    assert_eq!(records[1].alert_count, 5000);
    assert_eq!(records[1].alerts.len(), 100);
    assert_eq!(records[1].detail(detail::FIRING), "5000");
}

/// Three segments with the same events, ten seconds apart.
fn many_segments() -> (Vec<super::SegmentInfo>, Vec<Vec<u8>>) {
    let mut infos = Vec::new();
    let mut all = Vec::new();
    for number in 0..3 {
        let mut bytes = SegmentWriter::header(&header());
        let mut writer = SegmentWriter::default();
        for (event, second) in events().iter().zip(1..) {
            let at = Timestamp((number * 10 + second) * 1000);
            writer.append(&Draft::of(at, event), &mut bytes);
        }
        infos.push(super::SegmentInfo {
            number: u64::try_from(number).unwrap() + 5,
            bytes: bytes.len() as u64,
            earliest: Timestamp((number * 10 + 1) * 1000),
            latest: Timestamp((number * 10 + 9) * 1000),
        });
        all.push(bytes);
    }
    (infos, all)
}

#[test]
fn pages_join_to_the_whole() {
    use super::{Order, Request, page};
    let (infos, bytes) = many_segments();
    let load = |info: &super::SegmentInfo| -> Result<Vec<u8>, String> {
        let place = usize::try_from(info.number - 5).unwrap();
        Ok(bytes[place].clone())
    };
    for order in [Order::OldestFirst, Order::NewestFirst] {
        for limit in 1..30 {
            let mut request = Request {
                query: Query {
                    from: Timestamp(2000),
                    to: Timestamp(28_000),
                    ..Query::default()
                },
                order,
                cursor: None,
                limit,
            };
            let mut times = Vec::new();
            loop {
                let found = page::read(&infos, &request, load);
                assert!(found.records.len() <= limit);
                times.extend(found.records.iter().map(|(_, record)| record.at.seconds()));
                match found.next {
                    Some(next) => request.cursor = Some(next),
                    None => break,
                }
            }
            if order == Order::NewestFirst {
                times.reverse();
            }
            let expected: Vec<f64> = (2..=28)
                .filter(|second| second % 10 > 0)
                .map(f64::from)
                .collect();
            assert_eq!(times, expected, "{order:?} by {limit}");
        }
    }
}

/// What is sighted in these segments, oldest segment first, as names with instances.
fn sighted(segments: &[Vec<u8>], request: super::SightedRequest) -> (String, bool, usize) {
    let infos = segments.iter().zip(1..).map(|(bytes, number)| {
        let (records, _) = read(bytes, &Query::default());
        super::SegmentInfo {
            number,
            bytes: bytes.len() as u64,
            earliest: records.first().map_or(Timestamp::MAX, |record| record.at),
            latest: records.last().map_or(Timestamp::MIN, |record| record.at),
        }
    });
    let infos: Vec<super::SegmentInfo> = infos.collect();
    let found = super::sighted::read(&infos, &request, |info| {
        Ok(segments[usize::try_from(info.number).unwrap() - 1].clone())
    });
    let mut names: Vec<String> = found
        .labels
        .iter()
        .map(|labels| format!("{}-{}", labels.value("alertname"), labels.value("instance")))
        .collect();
    names.sort();
    (names.join(" "), found.is_cut, found.damage.len())
}

#[test]
fn alerts_are_sighted_once_in_their_time() {
    let all = super::SightedRequest {
        from: Timestamp::MIN,
        to: Timestamp::MAX,
        labels_max: 10,
        bytes_max: u64::MAX,
    };
    let refused = Event::AlertOverLimit {
        labels: alert("Refused", "r").labels.clone(),
        max: 1,
    };
    let newer = [
        Event::AlertFired {
            alert: alert("New", "n"),
        },
        refused,
    ];
    let segments = [segment(&events()), segment(&events()), segment(&newer)];
    // The alert that inhibits is no subject of a record.
    let expected = ("New-n Slow-a Slow-b".to_owned(), false, 0);
    assert_eq!(sighted(&segments, all), expected);
    let early = super::SightedRequest {
        to: Timestamp(4500),
        ..all
    };
    let expected = ("New-n Slow-a".to_owned(), false, 0);
    assert_eq!(sighted(&segments, early), expected);
    // Deliveries name alerts in lists.
    let late = super::SightedRequest {
        from: Timestamp(6000),
        ..all
    };
    let expected = ("Slow-a Slow-b".to_owned(), false, 0);
    assert_eq!(sighted(&segments, late), expected);
    let few = super::SightedRequest {
        labels_max: 2,
        ..all
    };
    assert!(sighted(&segments, few).1);
    let short = super::SightedRequest {
        bytes_max: 1,
        ..all
    };
    let expected = ("New-n".to_owned(), true, 0);
    assert_eq!(sighted(&segments, short), expected);
    let mut torn = segments.clone();
    torn[1].pop();
    let expected = ("New-n Slow-a Slow-b".to_owned(), false, 1);
    assert_eq!(sighted(&torn, all), expected);
}
