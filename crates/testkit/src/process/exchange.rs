//! The smallest HTTP client that tests need: one request, one connection, the whole answer as text.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// A slow machine may take long to answer; a hanging server must not hang the test.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// An answer of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// An answer whose body is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawAnswer {
    pub status: u16,
    /// Lines of the head.
    pub head: Vec<String>,
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// The value of a header; "" without it.
    pub fn header(&self, wanted: &str) -> &str {
        header(&self.head, wanted).unwrap_or_default()
    }

    fn into_text(self) -> Answer {
        Answer {
            status: self.status,
            body: String::from_utf8_lossy(&self.body).into_owned(),
        }
    }
}

fn header<'h>(head: &'h [String], wanted: &str) -> Option<&'h str> {
    let mut pairs = head.iter().filter_map(|line| line.split_once(':'));
    pairs
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value.trim())
}

/// `address` is `HOST:PORT`, `path` begins with `/` and is sent as it is.
pub fn try_get(address: &str, path: &str) -> io::Result<Answer> {
    exchange(address, &format!("GET {path}"), "")
}

/// As [`try_get`]; fails the test if there is no answer.
pub fn get(address: &str, path: &str) -> Answer {
    match try_get(address, path) {
        Ok(answer) => answer,
        Err(error) => panic!("GET http://{address}{path}: {error}"),
    }
}

/// Posts a body; fails the test if there is no answer.
pub fn post(address: &str, path: &str, body: &str) -> Answer {
    match exchange(address, &format!("POST {path}"), body) {
        Ok(answer) => answer,
        Err(error) => panic!("POST http://{address}{path}: {error}"),
    }
}

/// Asks to delete; fails the test if there is no answer.
pub fn delete(address: &str, path: &str) -> Answer {
    match exchange(address, &format!("DELETE {path}"), "") {
        Ok(answer) => answer,
        Err(error) => panic!("DELETE http://{address}{path}: {error}"),
    }
}

/// For a value in a query string.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// Posts bytes to a server that may end meanwhile.
pub fn try_post_bytes(address: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
    finished(&exchange_raw(address, &format!("POST {path}"), "", body)?).map(RawAnswer::into_text)
}

/// Posts bytes with headers of one's own; gives the lines of the answer's head too. Fails the test if
/// there is no answer.
pub fn post_bytes(
    address: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (Vec<String>, Answer) {
    let answer = post_for_bytes(address, path, headers, body);
    (answer.head.clone(), answer.into_text())
}

/// As [`post_bytes`], for answers that are no text.
pub fn post_for_bytes(
    address: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> RawAnswer {
    exchange_bytes(address, &format!("POST {path}"), headers, body)
}

/// Asks with headers of one's own; fails the test if there is no answer.
pub fn get_for_bytes(address: &str, path: &str, headers: &[(&str, &str)]) -> RawAnswer {
    exchange_bytes(address, &format!("GET {path}"), headers, b"")
}

fn exchange_bytes(
    address: &str,
    method_and_path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> RawAnswer {
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let raw = exchange_raw(address, method_and_path, &lines, body);
    match raw.and_then(|raw| finished(&raw)) {
        Ok(answer) => answer,
        Err(error) => panic!("{method_and_path} at {address}: {error}"),
    }
}

fn exchange(address: &str, method_and_path: &str, body: &str) -> io::Result<Answer> {
    let raw = exchange_raw(address, method_and_path, "", body.as_bytes())?;
    finished(&raw).map(RawAnswer::into_text)
}

fn finished(raw: &[u8]) -> io::Result<RawAnswer> {
    parse(raw).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "an answer cut short"))
}

/// `header_lines` end with a line end each.
fn exchange_raw(
    address: &str,
    method_and_path: &str,
    header_lines: &str,
    body: &[u8],
) -> io::Result<Vec<u8>> {
    let nowhere = || io::Error::new(io::ErrorKind::NotFound, "no such address");
    let socket = address.to_socket_addrs()?.next().ok_or_else(nowhere)?;
    let mut stream = TcpStream::connect_timeout(&socket, ANSWER_TIMEOUT)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    let length = body.len();
    let request = format!(
        "{method_and_path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{header_lines}\r\n"
    );
    stream.write_all(request.as_bytes())?;
    stream.write_all(body)?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw)?;
    Ok(raw)
}

/// `None` if the answer is not complete.
fn parse(raw: &[u8]) -> Option<RawAnswer> {
    let head_end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(raw.get(..head_end)?);
    let head: Vec<String> = head.lines().map(str::to_owned).collect();
    let body = raw.get(head_end + 4..)?;
    let status = head.first()?.split(' ').nth(1)?.parse().ok()?;
    let is_chunked = header(&head, "transfer-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    let body = if is_chunked {
        joined_chunks(body)?
    } else if let Some(length) = header(&head, "content-length") {
        body.get(..length.parse().ok()?)?.to_vec()
    } else {
        body.to_vec()
    };
    Some(RawAnswer { status, head, body })
}

fn joined_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut joined = Vec::new();
    loop {
        let line_end = rest.windows(2).position(|window| window == b"\r\n")?;
        let line = std::str::from_utf8(rest.get(..line_end)?).ok()?;
        let digits = line.split(';').next()?.trim();
        let length = usize::from_str_radix(digits, 16).ok()?;
        if length == 0 {
            return Some(joined);
        }
        let start = line_end + 2;
        joined.extend_from_slice(rest.get(start..start.checked_add(length)?)?);
        rest = rest.get(start.checked_add(length)?.checked_add(2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let answer = parse(raw).unwrap();
        assert_eq!(answer.header("transfer-encoding"), "chunked");
        assert_eq!((answer.status, &answer.body[..]), (200, &b"abcde"[..]));
        assert_eq!(parse(&raw[..raw.len() - 8]), None, "cut short");
    }

    #[test]
    fn lengths_are_kept() {
        let raw = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno";
        let answer = parse(raw).unwrap().into_text();
        assert_eq!((answer.status, answer.body.as_str()), (404, "no"));
        assert_eq!(parse(&raw[..raw.len() - 1]), None, "cut short");
    }
}
