//! Base64 with the URL alphabet and padding.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for sextet in 0..4 {
            if sextet > chunk.len() {
                out.push('=');
                continue;
            }
            let index = (bits >> (18 - 6 * sextet)) & 63;
            let index = usize::try_from(index).unwrap_or(0);
            out.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'A')));
        }
    }
    out
}

/// An error is Go's, with the byte offset of the first bad character. Line ends are skipped.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| format!("illegal base64 data at input byte {at}");
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut bits = 0_u32;
    let mut count = 0;
    let mut input = text
        .bytes()
        .enumerate()
        .filter(|(_, byte)| !matches!(byte, b'\r' | b'\n'));
    while let Some((at, byte)) = input.next() {
        if byte == b'=' {
            if count < 2 {
                return Err(corrupt(at));
            }
            if count == 2 {
                match input.next() {
                    Some((_, b'=')) => {}
                    Some((at, _)) => return Err(corrupt(at)),
                    None => return Err(corrupt(text.len())),
                }
            }
            if let Some((at, _)) = input.next() {
                return Err(corrupt(at));
            }
            bits <<= 6 * (4 - count);
            push_bytes(&mut out, bits, count - 1);
            return Ok(out);
        }
        let Some(sextet) = ALPHABET.iter().position(|known| *known == byte) else {
            return Err(corrupt(at));
        };
        bits = bits << 6 | u32::try_from(sextet).unwrap_or(0);
        count += 1;
        if count == 4 {
            push_bytes(&mut out, bits, 3);
            bits = 0;
            count = 0;
        }
    }
    if count == 0 {
        Ok(out)
    } else {
        Err(corrupt(text.len() - count))
    }
}

fn push_bytes(out: &mut Vec<u8>, bits: u32, count: usize) {
    let [_, bytes @ ..] = bits.to_be_bytes();
    out.extend(bytes.iter().take(count));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        for text in ["", "f", "fo", "foo", "foob", "flush>>?"] {
            assert_eq!(decode(&encode(text.as_bytes())).unwrap(), text.as_bytes());
        }
        assert_eq!(encode(b"flush>>?"), "Zmx1c2g-Pj8=");
        assert_eq!(decode("Zm\n8="), Ok(b"fo".to_vec()));
        assert_eq!(
            decode("Zm+v"),
            Err("illegal base64 data at input byte 2".to_owned())
        );
        assert_eq!(
            decode("!"),
            Err("illegal base64 data at input byte 0".to_owned())
        );
    }
}
