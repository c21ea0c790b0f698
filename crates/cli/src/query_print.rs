//! Answers of the query API, printed as promtool prints them.

use std::fmt::Write as _;

use model::format::go_quote;
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Promql,
    Json,
}

/// `data` of an answer.
pub(crate) fn print(data: &Value, format: Format) -> String {
    let result = data.get("result").unwrap_or(data);
    match format {
        Format::Json => result.to_string(),
        Format::Promql => promql(data["resultType"].as_str().unwrap_or_default(), result),
    }
}

fn promql(kind: &str, result: &Value) -> String {
    match kind {
        "scalar" => format!("scalar: {}", point(result)),
        "string" => result[1].as_str().unwrap_or_default().to_owned(),
        _ => {
            let items = result.as_array().into_iter().flatten();
            items.map(item).collect::<Vec<_>>().join("\n")
        }
    }
}

/// A series with its sample or samples, a label set, or a value.
fn item(item: &Value) -> String {
    if let Some(value) = item.as_str() {
        return value.to_owned();
    }
    let Some(metric) = item.get("metric") else {
        return labels(item, Name::AsLabel);
    };
    let name = labels(metric, Name::InFront);
    match item.get("value").or_else(|| item.get("histogram")) {
        Some(sample) => format!("{name} => {}", point(sample)),
        None => {
            let values = |key: &str| item[key].as_array().cloned().unwrap_or_default();
            let mut points: Vec<String> = values("values").iter().map(point).collect();
            points.extend(values("histograms").iter().map(point));
            format!("{name} =>\n{}", points.join("\n"))
        }
    }
}

/// `VALUE @[SECONDS]`.
fn point(point: &Value) -> String {
    let value = match point[1].as_str() {
        Some(value) => value.to_owned(),
        None => histogram(&point[1]),
    };
    format!("{value} @[{}]", point[0])
}

fn histogram(histogram: &Value) -> String {
    let field = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut out = format!(
        "Count: {}, Sum: {}, Buckets: [",
        field(&histogram["count"]),
        field(&histogram["sum"])
    );
    for (index, bucket) in histogram["buckets"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        // Which ends belong to the bucket: 0 the upper, 1 the lower, 2 none, 3 both.
        let (open, close) = match bucket[0].as_i64() {
            Some(1) => ('[', ')'),
            Some(2) => ('(', ')'),
            Some(3) => ('[', ']'),
            _ => ('(', ']'),
        };
        let space = if index > 0 { " " } else { "" };
        let (lower, upper) = (field(&bucket[1]), field(&bucket[2]));
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "{space}{open}{lower},{upper}{close}:{}",
            field(&bucket[3])
        );
    }
    out.push(']');
    out
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    InFront,
    AsLabel,
}

/// `name{a="b", c="d"}`.
fn labels(labels: &Value, name: Name) -> String {
    let mut pairs: Vec<(&str, &str)> = labels
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
        .collect();
    pairs.sort_unstable();
    let mut front = "";
    if name == Name::InFront {
        front = labels["__name__"].as_str().unwrap_or_default();
        pairs.retain(|(name, _)| *name != "__name__");
        if pairs.is_empty() && !front.is_empty() {
            return front.to_owned();
        }
    }
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", go_quote(value)))
        .collect();
    format!("{front}{{{}}}", pairs.join(", "))
}

/// A tree of operators, each with its estimate and, if there is one, its measurement.
pub(crate) fn explanation(root: &Value) -> String {
    let mut out = String::new();
    // A stack instead of recursion: the answer may be of any depth.
    let mut left = vec![(root, 0_usize)];
    while let Some((node, depth)) = left.pop() {
        let text = |key: &str| node[key].as_str().unwrap_or_default();
        let _ = write!(out, "{}{}", "  ".repeat(depth), text("op"));
        if !text("detail").is_empty() {
            let _ = write!(out, " {}", text("detail"));
        }
        let _ = write!(out, "  [estimated {}", cost(&node["estimated"]));
        let measured = &node["measured"];
        if measured.is_object() {
            let milliseconds = measured["seconds"].as_f64().unwrap_or_default() * 1000.0;
            let _ = write!(out, "; measured {}, {milliseconds:.3} ms", cost(measured));
        }
        out.push_str("]\n");
        let children = node["children"].as_array().into_iter().flatten();
        let deeper = children.map(|child| (child, depth + 1));
        left.extend(deeper.rev());
    }
    out
}

fn cost(cost: &Value) -> String {
    let count = |key: &str| cost[key].as_u64().unwrap_or_default();
    format!(
        "{} series, {} samples, {} bytes",
        count("series"),
        count("samples"),
        count("bytes")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The expected texts are what promtool 2.42 printed for the same answers.
    #[test]
    fn prints_as_promtool() {
        let metric = json!({"__name__": "up", "instance": "127.0.0.1:19911", "job": "self"});
        let vector = json!({"resultType": "vector", "result": [{"metric": metric, "value": [1795717230.281, "1"]}]});
        let matrix = json!({"resultType": "matrix", "result": [{"metric": metric, "values": [[1795717230.117, "1"]]}]});
        let scalar = json!({"resultType": "scalar", "result": [1795717230.364, "0.0000000003333333333333333"]});
        for (data, expected) in [
            (
                &vector,
                "up{instance=\"127.0.0.1:19911\", job=\"self\"} => 1 @[1795717230.281]",
            ),
            (
                &matrix,
                "up{instance=\"127.0.0.1:19911\", job=\"self\"} =>\n1 @[1795717230.117]",
            ),
            (
                &scalar,
                "scalar: 0.0000000003333333333333333 @[1795717230.364]",
            ),
            (&json!({"resultType": "vector", "result": []}), ""),
            (
                &json!([metric]),
                "{__name__=\"up\", instance=\"127.0.0.1:19911\", job=\"self\"}",
            ),
            (&json!(["self"]), "self"),
        ] {
            assert_eq!(print(data, Format::Promql), expected);
        }
        assert_eq!(
            print(&vector, Format::Json),
            "[{\"metric\":{\"__name__\":\"up\",\"instance\":\"127.0.0.1:19911\",\"job\":\"self\"},\"value\":[1795717230.281,\"1\"]}]"
        );
        assert_eq!(print(&json!(["self"]), Format::Json), "[\"self\"]");
    }

    #[test]
    fn an_explanation_is_a_tree() {
        let cost = json!({"series": 1, "samples": 2, "bytes": 3});
        let measured = json!({"series": 4, "samples": 5, "bytes": 6, "seconds": 0.0015});
        let leaf = |op: &str| json!({"op": op, "detail": "up", "estimated": cost, "children": []});
        let root = json!({"op": "operator", "detail": "+", "estimated": cost, "measured": measured,
            "children": [leaf("selector"), leaf("range selector")]});
        let estimate = "[estimated 1 series, 2 samples, 3 bytes";
        assert_eq!(
            explanation(&root),
            format!(
                "operator +  {estimate}; measured 4 series, 5 samples, 6 bytes, 1.500 ms]\n  \
                 selector up  {estimate}]\n  range selector up  {estimate}]\n"
            )
        );
    }
}
