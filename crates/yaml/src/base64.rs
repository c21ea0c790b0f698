//! Standard base64 with padding, as `!!binary` and the `data` of Secrets hold it.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

/// Bits behind the last byte may be set: Go's decoder takes them.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Line breaks are skipped; anything else outside the alphabet, or wrong padding, is `None`.
#[must_use]
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    if text.contains(['\n', '\r']) {
        return ENGINE.decode(text.replace(['\n', '\r'], "")).ok();
    }
    ENGINE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::decode_base64;

    #[test]
    fn decodes_and_refuses() {
        assert_eq!(decode_base64("aGVs\r\nbG8=\n"), Some(b"hello".to_vec()));
        assert_eq!(decode_base64("/w=="), Some(vec![0xff]));
        assert_eq!(decode_base64("/x=="), Some(vec![0xff]));
        assert_eq!(decode_base64(""), Some(vec![]));
        for wrong in ["abc", "a$cd", "====", "aGVs bG8=", "aGVsbG8=aGVs"] {
            assert_eq!(decode_base64(wrong), None, "{wrong}");
        }
    }
}
