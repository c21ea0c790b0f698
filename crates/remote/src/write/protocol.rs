//! Which message a request holds, by its headers; texts are the peer's.

use std::fmt;

use super::refusal::RequestRefusal;

/// Media type of all remote write messages.
const MEDIA_TYPE: &str = "application/x-protobuf";

/// The messages of remote write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// Remote write 1.0.
    V1,
    /// Remote write 2.0.
    V2,
}

impl MessageType {
    const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// The full name of the protobuf message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "prometheus.WriteRequest",
            Self::V2 => "io.prometheus.write.v2.Request",
        }
    }

    fn parse(name: &str) -> Result<Self, UnknownMessageType> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == name)
            .ok_or_else(|| UnknownMessageType(name.to_owned()))
    }
}

/// A name that no message has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown type for remote write protobuf message {0}, supported: {all}", all = MessageTypes::default())]
pub struct UnknownMessageType(pub String);

/// The messages that a receiver accepts, in the order in which they were configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTypes(Vec<MessageType>);

impl Default for MessageTypes {
    fn default() -> Self {
        Self(MessageType::ALL.to_vec())
    }
}

impl MessageTypes {
    /// From names; one name may also hold several, with commas between them. Repetitions count once.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownMessageType> {
        let mut types = Vec::new();
        for name in names.into_iter().flat_map(|names| names.split(',')) {
            let message = MessageType::parse(name.trim())?;
            if !types.contains(&message) {
                types.push(message);
            }
        }
        Ok(Self(types))
    }

    fn accept(&self, message: MessageType) -> Result<MessageType, RequestRefusal> {
        if self.0.contains(&message) {
            return Ok(message);
        }
        Err(RequestRefusal::Type(format!(
            "{} protobuf message is not accepted by this server; only accepts {self}",
            message.as_str()
        )))
    }

    /// The message that a Content-Type announces. An absent one stands for 1.0.
    pub(crate) fn of_content_type(
        &self,
        content_type: Option<&str>,
    ) -> Result<MessageType, RequestRefusal> {
        let content_type = content_type.unwrap_or_default().trim();
        let content_type = if content_type.is_empty() {
            MEDIA_TYPE
        } else {
            content_type
        };
        let mut parts = content_type.split(';');
        if parts.next() != Some(MEDIA_TYPE) {
            return Err(RequestRefusal::Type(format!(
                "expected {MEDIA_TYPE} as the first (media) part, got {content_type} content-type"
            )));
        }
        for part in parts {
            let [name, value] = part.split('=').collect::<Vec<_>>()[..] else {
                return Err(RequestRefusal::Type(format!(
                    "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values, got {part} in {content_type} content-type"
                )));
            };
            if name == "proto" {
                let message = MessageType::parse(value).map_err(|error| {
                    RequestRefusal::Type(format!("got {content_type} content type; {error}"))
                })?;
                return self.accept(message);
            }
        }
        self.accept(MessageType::V1)
    }
}

impl fmt::Display for MessageTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, message) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{}", message.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content_type: &str) -> Result<MessageType, String> {
        let refused = |refusal: RequestRefusal| refusal.to_string();
        MessageTypes::default()
            .of_content_type(Some(content_type))
            .map_err(refused)
    }

    #[test]
    fn content_types() {
        for (content_type, message) in [
            ("", MessageType::V1),
            ("application/x-protobuf", MessageType::V1),
            ("application/x-protobuf;charset=x", MessageType::V1),
            (
                "application/x-protobuf;proto=prometheus.WriteRequest",
                MessageType::V1,
            ),
            (
                "application/x-protobuf;proto=io.prometheus.write.v2.Request",
                MessageType::V2,
            ),
        ] {
            assert_eq!(check(content_type), Ok(message), "{content_type}");
        }
        for (content_type, text) in [
            (
                "text/plain",
                "expected application/x-protobuf as the first (media) part, got text/plain content-type",
            ),
            (
                "application/x-protobuf;proto",
                "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values, got proto in application/x-protobuf;proto content-type",
            ),
            (
                "application/x-protobuf;proto=foo",
                "got application/x-protobuf;proto=foo content type; unknown type for remote write protobuf message foo, supported: prometheus.WriteRequest, io.prometheus.write.v2.Request",
            ),
        ] {
            assert_eq!(check(content_type), Err(text.to_owned()));
        }
    }

    #[test]
    fn only_what_is_configured() {
        let types = MessageTypes::parse(["io.prometheus.write.v2.Request"]).unwrap();
        let refused = types.of_content_type(None).unwrap_err().to_string();
        assert_eq!(
            refused,
            "prometheus.WriteRequest protobuf message is not accepted by this server; only accepts io.prometheus.write.v2.Request"
        );
        let both = "prometheus.WriteRequest,io.prometheus.write.v2.Request";
        assert_eq!(MessageTypes::parse([both]), Ok(MessageTypes::default()));
        assert!(MessageTypes::parse(["v3"]).is_err());
    }
}
