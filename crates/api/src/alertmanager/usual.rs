//! Posted alerts as clients usually write them, read in one pass. Whatever is unusual in a body – a field of another
//! name, a null, a name twice, a time that is none – is left to the reader in `alerts`, which knows the peer's rules
//! and words for it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use alerting::{PostedAlert, Time};
use model::{Labels, Pairs};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::alerts::is_request_uri;

/// The alerts, or `None` if something is unusual.
pub(super) fn read(body: &[u8]) -> Option<Vec<PostedAlert>> {
    let alerts: Vec<Usual<'_>> = serde_json::from_slice(body).ok()?;
    alerts.into_iter().map(Usual::posted).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Usual<'b> {
    #[serde(borrow)]
    labels: Sorted<'b, Labels>,
    #[serde(borrow, default = "Sorted::nothing")]
    annotations: Sorted<'b, Pairs>,
    #[serde(borrow, default)]
    starts_at: Option<Text<'b>>,
    #[serde(borrow, default)]
    ends_at: Option<Text<'b>>,
    #[serde(borrow, default, rename = "generatorURL")]
    generator_url: Text<'b>,
}

/// Borrows from the body where nothing is escaped.
#[derive(Default, Deserialize)]
struct Text<'b>(#[serde(borrow)] Cow<'b, str>);

impl Usual<'_> {
    fn posted(self) -> Option<PostedAlert> {
        let url = self.generator_url.0;
        if !url.is_empty() && !is_request_uri(&url) {
            return None;
        }
        // Go's zero time means "not given".
        let time = |text: Option<Text<'_>>| match text {
            None => Some(None),
            Some(text) => {
                let time = Time::parse(&text.0).ok()?;
                Some(Some(time).filter(|time| !time.is_unset()))
            }
        };
        Some(PostedAlert {
            labels: self.labels.value,
            annotations: self.annotations.value,
            starts_at: time(self.starts_at)?,
            ends_at: time(self.ends_at)?,
            generator_url: url.into_owned(),
        })
    }
}

/// What pairs of texts become once they are in order.
trait OfSorted {
    fn of_sorted(pairs: &[(Text<'_>, Text<'_>)]) -> Self;
}

impl OfSorted for Labels {
    fn of_sorted(pairs: &[(Text<'_>, Text<'_>)]) -> Self {
        let given = pairs.iter().filter(|(_, value)| !value.0.is_empty());
        Self::from_sorted(given.map(|(name, value)| (&*name.0, &*value.0)))
    }
}

impl OfSorted for Pairs {
    fn of_sorted(pairs: &[(Text<'_>, Text<'_>)]) -> Self {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (&*name.0, &*value.0)).collect()
    }
}

/// A JSON object of texts.
struct Sorted<'b, T> {
    value: T,
    body: PhantomData<&'b ()>,
}

impl<T: OfSorted> Sorted<'_, T> {
    fn nothing() -> Self {
        Self {
            value: T::of_sorted(&[]),
            body: PhantomData,
        }
    }
}

impl<'de: 'b, 'b, T: OfSorted> Deserialize<'de> for Sorted<'b, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SortedVisitor(PhantomData))
    }
}

struct SortedVisitor<'b, T>(PhantomData<(&'b (), T)>);

impl<'de: 'b, 'b, T: OfSorted> Visitor<'de> for SortedVisitor<'b, T> {
    type Value = Sorted<'b, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs: Vec<(Text<'b>, Text<'b>)> = Vec::with_capacity(8);
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        pairs.sort_by(|a, b| a.0.0.cmp(&b.0.0));
        if pairs.windows(2).any(|pair| pair[0].0.0 == pair[1].0.0) {
            return Err(A::Error::custom("a name comes twice"));
        }
        Ok(Sorted {
            value: T::of_sorted(&pairs),
            body: PhantomData,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alertmanager::alerts;

    fn by_the_rules(body: &str) -> Vec<PostedAlert> {
        let value = serde_json::from_str(body).unwrap();
        alerts::read(&value).unwrap_or_else(|_| panic!("{body} is refused"))
    }

    #[test]
    fn usual_bodies_are_read_as_the_rules_say() {
        for body in [
            "[]",
            r#"[{"labels":{}}]"#,
            r#" [ {"labels":{"b":"1","a":"","alertname":"A\u00e9\n\"<"}} ] "#,
            r#"[{"annotations":{"z":"","a":"\ud83d\udd25"},"labels":{"a":"b"}},{"labels":{"a":"c"}}]"#,
            r#"[{"labels":{"a":"b"},"startsAt":"2024-01-01T00:00:00.5+02:00","endsAt":"2024-01-02T00:00:00Z"}]"#,
            r#"[{"labels":{"a":"b"},"startsAt":"0001-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00.000Z"}]"#,
            r#"[{"labels":{"a":"b"},"startsAt":null,"generatorURL":"http://p/graph?g0.expr=a%20b"}]"#,
        ] {
            let usual = read(body.as_bytes());
            assert_eq!(usual, Some(by_the_rules(body)), "{body}");
        }
    }

    #[test]
    fn unusual_bodies_are_left_to_the_rules() {
        for body in [
            "",
            "null",
            "{}",
            "[null]",
            "[{}]",
            r#"[{"labels":null}]"#,
            r#"[{"labels":{"a":null}}]"#,
            r#"[{"labels":{"a":1}}]"#,
            r#"[{"labels":{"a":"1","a":"2"}}]"#,
            r#"[{"labels":{"a":"1"},"labels":{"a":"2"}}]"#,
            r#"[{"Labels":{"a":"1"}}]"#,
            r#"[{"labels":{"a":"1"},"status":"firing"}]"#,
            r#"[{"labels":{"a":"1"},"annotations":null}]"#,
            r#"[{"labels":{"a":"1"},"generatorURL":null}]"#,
            r#"[{"labels":{"a":"1"},"generatorURL":"::::"}]"#,
            r#"[{"labels":{"a":"1"},"startsAt":""}]"#,
            r#"[{"labels":{"a":"1"},"startsAt":"yesterday"}]"#,
            r#"[{"labels":{"a":"1"}}] and more"#,
            r#"[{"labels":{"a":"\ud800"}}]"#,
        ] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
        assert_eq!(read(b"[{\"labels\":{\"a\":\"\xff\"}}]"), None);
    }
}
