//! Whom a certificate is for: its subject alternative names (RFC 5280, 4.2.1.6), as Go writes them.
//!
//! webpki knows them too, but shows only some of the kinds. The certificate may be anything: nothing is taken for granted
//! but that it is DER, and every step consumes bytes.

use std::net::IpAddr;

use rustls_pki_types::CertificateDer;

/// One element of DER: its tag, and what is in it.
struct Element<'a> {
    tag: u8,
    inside: &'a [u8],
}

const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[3] EXPLICIT`, with the extensions in it.
const EXTENSIONS: u8 = 0xa3;
/// 2.5.29.17
const SUBJECT_ALTERNATIVE_NAMES: [u8; 3] = [0x55, 0x1d, 0x11];

const MAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

/// Names of hosts, addresses of mail, IP addresses and URIs; `None` if it is no certificate.
pub(crate) fn certificate_names(certificate: &CertificateDer<'_>) -> Option<Vec<String>> {
    let certificate = only(certificate.as_ref(), SEQUENCE)?;
    let (signed, _) = take(certificate)?;
    if signed.tag != SEQUENCE {
        return None;
    }
    let Some(extensions) = find(signed.inside, |one| one.tag == EXTENSIONS)? else {
        return Some(Vec::new());
    };
    let extensions = only(extensions.inside, SEQUENCE)?;
    let of_names = |extension: &Element<'_>| {
        take(extension.inside).is_some_and(|(id, _)| {
            id.tag == OBJECT_IDENTIFIER && id.inside == SUBJECT_ALTERNATIVE_NAMES
        })
    };
    let Some(extension) = find(extensions, of_names)? else {
        return Some(Vec::new());
    };
    let value = find(extension.inside, |one| one.tag == OCTET_STRING)??;
    let mut rest = only(value.inside, SEQUENCE)?;
    let mut names = Vec::new();
    while !rest.is_empty() {
        let (name, after) = take(rest)?;
        names.extend(text(&name));
        rest = after;
    }
    Some(names)
}

/// From when to when it holds, both included, in seconds since 1970; `None` if it is no certificate.
pub(crate) fn validity(certificate: &CertificateDer<'_>) -> Option<(i64, i64)> {
    let certificate = only(certificate.as_ref(), SEQUENCE)?;
    let (signed, _) = take(certificate)?;
    // After the number, which is no sequence: algorithm, issuer, validity.
    let mut rest = signed.inside;
    let mut sequences = 0;
    while !rest.is_empty() {
        let (element, after) = take(rest)?;
        sequences += u32::from(element.tag == SEQUENCE);
        if sequences == 3 {
            let (begin, end) = take(element.inside)?;
            let (end, _) = take(end)?;
            return Some((seconds(&begin)?, seconds(&end)?));
        }
        rest = after;
    }
    None
}

/// `YYMMDDHHMMSSZ`, of 1950 to 2049, or `YYYYMMDDHHMMSSZ`.
fn seconds(time: &Element<'_>) -> Option<i64> {
    let text = std::str::from_utf8(time.inside).ok()?.strip_suffix('Z')?;
    let (year, rest) = match time.tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i16 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    let day = jiff::civil::Date::new(year, part(0)?, part(2)?).ok()?;
    let time = jiff::civil::Time::new(part(4)?, part(6)?, part(8)?, 0).ok()?;
    let zoned = day
        .to_datetime(time)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()?;
    Some(zoned.timestamp().as_second())
}

/// `None` for kinds that are not compared.
fn text(name: &Element<'_>) -> Option<String> {
    match name.tag {
        MAIL | DNS | URI => std::str::from_utf8(name.inside).ok().map(str::to_owned),
        IP => {
            let ip = match name.inside.len() {
                4 => IpAddr::from(<[u8; 4]>::try_from(name.inside).ok()?),
                _ => IpAddr::from(<[u8; 16]>::try_from(name.inside).ok()?),
            };
            Some(ip.to_canonical().to_string())
        }
        _ => None,
    }
}

/// What is in the first element, if it has the tag.
fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (element, _) = take(bytes)?;
    (element.tag == tag).then_some(element.inside)
}

/// The first element that is wanted; the outer `None` if the bytes are no elements.
fn find<'a>(
    mut bytes: &'a [u8],
    is_wanted: impl Fn(&Element<'a>) -> bool,
) -> Option<Option<Element<'a>>> {
    while !bytes.is_empty() {
        let (element, rest) = take(bytes)?;
        if is_wanted(&element) {
            return Some(Some(element));
        }
        bytes = rest;
    }
    Some(None)
}

/// The first element, and the bytes behind it.
fn take(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let count = usize::from(first & 0x7f);
        // A length of 4 bytes is 4 GiB; indefinite lengths are not DER.
        if count == 0 || count > 4 {
            return None;
        }
        let (digits, after) = rest.split_at_checked(count)?;
        rest = after;
        digits
            .iter()
            .fold(0, |length, digit| length << 8 | usize::from(*digit))
    };
    let (inside, rest) = rest.split_at_checked(length)?;
    Some((Element { tag, inside }, rest))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn certificate(names: Vec<SanType>) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn names_are_as_go_writes_them() {
        let found = certificate(vec![
            SanType::DnsName("client.example".try_into().unwrap()),
            SanType::Rfc822Name("me@example.org".try_into().unwrap()),
            SanType::URI("spiffe://cluster/ns/a".try_into().unwrap()),
            SanType::IpAddress("10.1.2.3".parse().unwrap()),
            SanType::IpAddress("2001:db8::1".parse().unwrap()),
        ]);
        let expected = [
            "client.example",
            "me@example.org",
            "spiffe://cluster/ns/a",
            "10.1.2.3",
            "2001:db8::1",
        ];
        assert_eq!(certificate_names(&found).unwrap(), expected);
        assert!(
            certificate_names(&certificate(Vec::new()))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn anything_may_come() {
        let whole = certificate(vec![SanType::DnsName("a.example".try_into().unwrap())]);
        let whole = whole.as_ref();
        for end in 0..whole.len() {
            let cut = CertificateDer::from(whole[..end].to_vec());
            assert_eq!(certificate_names(&cut), None, "{end}");
        }
        for at in 0..whole.len() {
            for value in [0, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut broken = whole.to_vec();
                broken[at] = value;
                // It ends, whatever it finds.
                certificate_names(&CertificateDer::from(broken));
            }
        }
    }
}
