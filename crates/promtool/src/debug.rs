//! `debug pprof|metrics|all`: what a server tells of itself, packed into `debug.tar.gz`.

use std::fs::File;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use folder::tar::{write_end, write_header, write_padding};

use crate::console::Console;
use crate::http::Server;

const ARCHIVE: &str = "debug.tar.gz";

/// Paths and names of files.
const PROFILES: [(&str, &str); 7] = [
    ("/debug/pprof/profile?seconds=30", "cpu.pb"),
    ("/debug/pprof/block", "block.pb"),
    ("/debug/pprof/goroutine", "goroutine.pb"),
    ("/debug/pprof/heap", "heap.pb"),
    ("/debug/pprof/mutex", "mutex.pb"),
    ("/debug/pprof/threadcreate", "threadcreate.pb"),
    ("/debug/pprof/trace?seconds=30", "trace.pb"),
];
const METRICS: [(&str, &str); 1] = [("/metrics", "metrics.txt")];

/// What is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DebugKind {
    /// Only Go programs have them.
    Profiles,
    Metrics,
    All,
}

/// Fetches and packs; a page that the server does not have ends it.
pub fn debug(console: &mut Console<'_>, server: &Server, kind: DebugKind) -> Result<(), String> {
    let fail = |problem: String| format!("error completing debug command: {problem}");
    let archive = File::create(ARCHIVE);
    let archive = archive.map_err(|error| {
        fail(format!(
            "error creating a new archiver: error creating archive {ARCHIVE:?}: {error}"
        ))
    })?;
    let mut archive = GzEncoder::new(archive, Compression::default());
    let mut pages: Vec<(&str, &str)> = Vec::new();
    if kind != DebugKind::Metrics {
        pages.extend(PROFILES);
    }
    if kind != DebugKind::Profiles {
        pages.extend(METRICS);
    }
    for (path, name) in pages {
        console.line(format_args!("collecting: {}{path}", server.url()));
        let answer = server.get(path);
        let answer =
            answer.map_err(|error| fail(format!("error executing HTTP request: {error}")))?;
        if answer.status != 200 {
            return Err(fail(format!(
                "{}{path} answers {}",
                server.url(),
                answer.status
            )));
        }
        let length = answer.body.len() as u64;
        let written = write_header(&mut archive, name, length)
            .and_then(|()| archive.write_all(&answer.body))
            .and_then(|()| write_padding(&mut archive, length));
        written.map_err(|error| fail(format!("error writing into the archive: {error}")))?;
    }
    let closed = write_end(&mut archive).and_then(|()| archive.finish()?.sync_all());
    closed.map_err(|error| fail(format!("error closing archive writer: {error}")))?;
    console.line(format_args!(
        "Compiling debug information complete, all files written in {ARCHIVE:?}."
    ));
    Ok(())
}
