//! Starting the program, and what is around it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use testkit::process::{Answer, Program, delete, get, percent_encoded, post, until};

/// For everything that normally takes less than a few seconds, on a busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// The program, in a folder of its own and with temporary files there.
pub(crate) fn keepwatch(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keepwatch"));
    command.current_dir(dir).env("TMPDIR", dir);
    command
}

/// Seconds since 1970.
#[allow(clippy::disallowed_methods, reason = "the server runs on real time")]
pub(crate) fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs_f64()
}

pub(crate) fn workspace_root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

/// The folder with the seed scenarios, which is not part of the repository. Where it is absent the caller
/// returns early; on CI that is a failure.
pub(crate) fn shared_dir() -> Option<PathBuf> {
    let dir = match std::env::var_os("KEEPWATCH_SHARED_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => workspace_root().join("../shared"),
    };
    if dir.is_dir() {
        return Some(dir.canonicalize().unwrap());
    }
    assert!(
        !is_ci(),
        "there is no folder {}; set KEEPWATCH_SHARED_DIR",
        dir.display()
    );
    println!("skipped: there is no folder {}", dir.display());
    None
}

pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// `keepwatch serve` with these arguments, listening.
pub(crate) struct Server {
    pub(crate) program: Program,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
}

/// Starts a server on a free port and waits until it is ready.
pub(crate) fn serve<S: AsRef<std::ffi::OsStr>>(dir: &Path, arguments: &[S]) -> Server {
    let mut command = keepwatch(dir);
    command
        .arg("serve")
        .args(arguments)
        .arg("--web.listen-address=127.0.0.1:0");
    ready(Program::start("keepwatch serve", command))
}

/// Waits until a started server says where it listens, and is ready.
pub(crate) fn ready(mut program: Program) -> Server {
    let address = program.wait_for_line("its address", BOUND, |line| {
        line.strip_prefix("listening on http://").map(str::to_owned)
    });
    let server = Server { program, address };
    until("readiness", BOUND, || {
        let answer = server.get("/-/ready");
        if answer.status == 200 {
            Ok(())
        } else {
            Err(format!("{answer:?}"))
        }
    });
    server
}

impl Server {
    pub(crate) fn get(&self, path: &str) -> Answer {
        get(&self.address, path)
    }

    pub(crate) fn post(&self, path: &str) -> Answer {
        post(&self.address, path, "")
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        delete(&self.address, path)
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        json(&self.address, path)
    }

    /// The `result` of an instant query, now.
    pub(crate) fn query(&self, expression: &str) -> Value {
        let answer = self.json(&format!(
            "/api/v1/query?query={}",
            percent_encoded(expression)
        ));
        answer["data"]["result"].clone()
    }

    /// The value of a line of `/metrics`.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        let page = self.get("/metrics").body;
        let mut lines = page.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        value.parse().ok()
    }
}

/// A JSON answer with status 200.
pub(crate) fn json(address: &str, path: &str) -> Value {
    let answer = get(address, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body)
        .unwrap_or_else(|error| panic!("{path}: {error}: {}", answer.body))
}

/// The active targets of `/api/v1/targets`.
pub(crate) fn active_targets(address: &str) -> Vec<Value> {
    let answer = json(address, "/api/v1/targets?state=active");
    answer["data"]["activeTargets"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// Waits until the active targets are as wanted.
pub(crate) fn wait_for_targets(
    address: &str,
    what: &str,
    is_wanted: impl Fn(&[Value]) -> bool,
) -> Vec<Value> {
    until(what, BOUND, || {
        let targets = active_targets(address);
        if is_wanted(&targets) {
            Ok(targets)
        } else {
            Err(format!("{targets:#?}"))
        }
    })
}
