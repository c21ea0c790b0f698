//! A server for tests: scrape targets, discovery lists and whatever else answers with a page.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// With the query string.
    pub path: String,
    /// As they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Of the length that the head says. It is read in any case: a connection that is closed before may look
    /// like a failure to the client, which then asks again.
    pub body: String,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub status: u16,
    pub content_type: String,
    pub body: String,
}

impl Page {
    /// A page in the text format of metrics.
    pub fn metrics(body: impl Into<String>) -> Self {
        Self::ok("text/plain; version=0.0.4; charset=utf-8", body)
    }

    pub fn ok(content_type: &str, body: impl Into<String>) -> Self {
        Self {
            status: 200,
            content_type: content_type.to_owned(),
            body: body.into(),
        }
    }
}

/// Listens on a free port of 127.0.0.1 until dropped. Each connection carries one exchange.
#[derive(Debug)]
pub struct PageServer {
    address: String,
    is_stopped: Arc<AtomicBool>,
}

impl PageServer {
    /// `answer` may be called from several threads at once.
    pub fn start(answer: impl Fn(&PageRequest) -> Page + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port of 127.0.0.1");
        let address = listener
            .local_addr()
            .expect("a listening socket has an address")
            .to_string();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&is_stopped);
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let answer = Arc::clone(&answer);
                // A client that goes away in the middle is part of what is tested.
                std::thread::spawn(move || serve(&stream, &*answer).ok());
            }
        });
        Self {
            address,
            is_stopped,
        }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for PageServer {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts; if nobody listens any more, it has ended already.
        let _ = TcpStream::connect(&self.address);
    }
}

fn serve(stream: &TcpStream, answer: &dyn Fn(&PageRequest) -> Page) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
    let mut length = 0;
    let mut headers = Vec::new();
    while line.trim_end() != "" {
        line.clear();
        reader.read_line(&mut line)?;
        let (name, value) = line.split_once(':').unwrap_or_default();
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        if name == "content-length" {
            length = value.parse().unwrap_or(0);
        }
        headers.push((name, value));
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let page = answer(&PageRequest {
        path,
        headers,
        body,
    });
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {} Answer\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
        page.status,
        page.content_type,
        page.body.len(),
        page.body
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{get, post};

    #[test]
    fn answers_what_the_closure_says() {
        let server = PageServer::start(|request| Page {
            status: 201,
            content_type: "text/plain".to_owned(),
            body: format!("you asked for {} with {:?}", request.path, request.body),
        });
        let answer = get(server.address(), "/a?b=c");
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (201, "you asked for /a?b=c with \"\"")
        );
        let answer = post(server.address(), "/p", "text");
        assert_eq!(answer.body, "you asked for /p with \"text\"");
    }
}
