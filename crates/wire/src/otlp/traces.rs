//! Spans as `ExportTraceServiceRequest`, in protobuf. Source: the protocol's `trace.proto` and `common.proto`.

use crate::proto::writer::Message;

/// What a span stands for, in the numbers of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    Internal = 1,
    /// A request that was answered.
    Server = 2,
    /// A request to another server.
    Client = 3,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanValue {
    Text(String),
    Count(u64),
}

/// One that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub trace_id: u128,
    pub span_id: u64,
    /// 0 for none.
    pub parent_id: u64,
    pub name: String,
    pub kind: SpanKind,
    /// Nanoseconds since 1970.
    pub start_ns: u64,
    pub end_ns: u64,
    pub attributes: Vec<(&'static str, SpanValue)>,
    /// What went wrong, if anything did.
    pub error: Option<String>,
}

/// Spans of one process, which the attributes tell of.
pub fn encode_spans(
    resource: &[(&'static str, SpanValue)],
    scope: &str,
    spans: &[Span],
) -> Vec<u8> {
    let mut about = Message::new();
    attributes(&mut about, 1, resource);
    let mut scoped = Message::new();
    let mut name = Message::new();
    name.text(1, scope);
    scoped.message(1, &name);
    for span in spans {
        scoped.message(2, &encode_span(span));
    }
    let mut of_resource = Message::new();
    of_resource.message(1, &about);
    of_resource.message(2, &scoped);
    let mut request = Message::new();
    request.message(1, &of_resource);
    request.into_bytes()
}

fn encode_span(span: &Span) -> Message {
    let mut message = Message::new();
    message.present_bytes(1, &span.trace_id.to_be_bytes());
    message.present_bytes(2, &span.span_id.to_be_bytes());
    if span.parent_id != 0 {
        message.present_bytes(4, &span.parent_id.to_be_bytes());
    }
    message.text(5, &span.name);
    message.unsigned(6, span.kind as u64);
    message.fixed64(7, span.start_ns);
    message.fixed64(8, span.end_ns);
    attributes(&mut message, 9, &span.attributes);
    if let Some(error) = &span.error {
        let mut status = Message::new();
        status.text(2, error);
        // That it is an error.
        status.unsigned(3, 2);
        message.message(15, &status);
    }
    message
}

fn attributes(message: &mut Message, field: u32, attributes: &[(&'static str, SpanValue)]) {
    for (key, value) in attributes {
        let mut any = Message::new();
        match value {
            SpanValue::Text(text) => any.present_bytes(1, text.as_bytes()),
            SpanValue::Count(count) => any.present_unsigned(3, *count),
        }
        let mut pair = Message::new();
        pair.text(1, key);
        pair.message(2, &any);
        message.message(field, &pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_protocol() {
        let span = Span {
            trace_id: 0x0102,
            span_id: 3,
            parent_id: 4,
            name: "n".to_owned(),
            kind: SpanKind::Client,
            start_ns: 5,
            end_ns: 6,
            attributes: vec![("a", SpanValue::Count(0))],
            error: Some("e".to_owned()),
        };
        let resource = [("r", SpanValue::Text("t".to_owned()))];
        let bytes = encode_spans(&resource, "s", &[span]);
        let mut trace_id = vec![0x0a, 16];
        trace_id.extend_from_slice(&[0; 14]);
        trace_id.extend_from_slice(&[1, 2]);
        let id = |tag: u8, id: u8| vec![tag, 8, 0, 0, 0, 0, 0, 0, 0, id];
        let time = |tag: u8, time: u8| vec![tag, time, 0, 0, 0, 0, 0, 0, 0];
        let inner = [
            trace_id,
            id(0x12, 3),
            id(0x22, 4),
            vec![0x2a, 1, b'n', 0x30, 3],
            time(0x39, 5),
            time(0x41, 6),
            vec![0x4a, 7, 0x0a, 1, b'a', 0x12, 2, 0x18, 0],
            vec![0x7a, 5, 0x12, 1, b'e', 0x18, 2],
        ]
        .concat();
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
        let scoped = [vec![0x0a, 3, 0x0a, 1, b's', 0x12, length(&inner)], inner].concat();
        let about = vec![0x0a, 10, 0x0a, 8, 0x0a, 1, b'r', 0x12, 3, 0x0a, 1, b't'];
        let of_resource = [about, vec![0x12, length(&scoped)], scoped].concat();
        // All lengths take one byte.
        assert!(of_resource.len() < 128);
        let expected = [vec![0x0a, length(&of_resource)], of_resource].concat();
        assert_eq!(bytes, expected);
    }
}
