//! A started program: its lines, its end.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::wait::until;

/// What a program is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// As Ctrl-C.
    Interrupt,
    /// Stop cleanly.
    Terminate,
    /// Read the configuration anew.
    HangUp,
    /// End at once; nothing in the program runs any more.
    Kill,
}

/// A running program. Killed when dropped.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    lines: Arc<Mutex<Lines>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Lines {
    stdout: Vec<String>,
    stderr: Vec<String>,
}

/// What a program left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    /// Starts a program with its output read by threads, so that it never blocks on a full pipe. `name`
    /// stands in messages.
    pub fn start(name: &str, command: Command) -> Self {
        Self::start_with(name, command, Stdio::null())
    }

    /// As [`start`](Self::start), with something to read or to pass on as its standard input.
    pub fn start_with(name: &str, mut command: Command, input: Stdio) -> Self {
        command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("starting {name} ({command:?}): {error}"),
        };
        let lines = Arc::<Mutex<Lines>>::default();
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let readers = vec![
            read_lines(stdout, Arc::clone(&lines), |lines| &mut lines.stdout),
            read_lines(stderr, Arc::clone(&lines), |lines| &mut lines.stderr),
        ];
        Self {
            name: name.to_owned(),
            child,
            lines,
            readers,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All complete lines of standard output so far.
    pub fn stdout(&self) -> Vec<String> {
        self.lines.lock().stdout.clone()
    }

    /// All complete lines of standard error so far.
    pub fn stderr(&self) -> Vec<String> {
        self.lines.lock().stderr.clone()
    }

    /// Waits for a line, of either output, in which `find` finds something.
    pub fn wait_for_line<T>(
        &mut self,
        what: &str,
        bound: Duration,
        find: impl Fn(&str) -> Option<T>,
    ) -> T {
        let what = format!("{what} from {}", self.name);
        until(&what, bound, || {
            // Asked before the lines are read: the last lines of a program that ended still count.
            let ended = self.has_ended();
            let found = {
                let lines = self.lines.lock();
                lines
                    .stdout
                    .iter()
                    .chain(&lines.stderr)
                    .find_map(|line| find(line))
            };
            match (found, ended) {
                (Some(found), _) => Ok(found),
                (None, Some(status)) => panic!("{what}: it ended with {status}\n{}", self.output()),
                (None, None) => Err(self.output()),
            }
        })
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.has_ended().is_none()
    }

    fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child
            .try_wait()
            .expect("the child is ours to wait for")
    }

    pub fn signal(&self, signal: Signal) {
        let signal = match signal {
            Signal::Interrupt => rustix::process::Signal::INT,
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::HangUp => rustix::process::Signal::HUP,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal)
            .expect("signalling a child that was not waited for");
    }

    /// Waits for its end.
    pub fn wait(mut self, bound: Duration) -> Finished {
        let what = format!("the end of {}", self.name);
        let status = until(&what, bound, || {
            self.has_ended().ok_or_else(|| self.output())
        });
        for reader in self.readers.drain(..) {
            reader.join().expect("reading lines does not panic");
        }
        let text = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect();
        let lines = self.lines.lock();
        Finished {
            code: status.code(),
            signal: status.signal(),
            stdout: text(&lines.stdout),
            stderr: text(&lines.stderr),
        }
    }

    /// Everything it said, for messages.
    pub fn output(&self) -> String {
        let lines = self.lines.lock();
        let name = &self.name;
        let mut text = format!("--- {name}, standard output\n");
        lines
            .stdout
            .iter()
            .for_each(|line| text.extend([line.as_str(), "\n"]));
        text.push_str(&format!("--- {name}, standard error\n"));
        lines
            .stderr
            .iter()
            .for_each(|line| text.extend([line.as_str(), "\n"]));
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            print_to_test(&self.output());
        }
    }
}

/// A failed test shows what its programs said.
#[allow(
    clippy::print_stderr,
    reason = "the test runner shows it with the failure"
)]
fn print_to_test(text: &str) {
    eprintln!("{text}");
}

/// Runs a program to its end.
pub fn finish(name: &str, command: Command, bound: Duration) -> Finished {
    Program::start(name, command).wait(bound)
}

fn read_lines(
    from: impl Read + Send + 'static,
    lines: Arc<Mutex<Lines>>,
    part: fn(&mut Lines) -> &mut Vec<String>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(from);
        let mut line = Vec::new();
        while reader
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            let text = String::from_utf8_lossy(&line)
                .trim_end_matches('\n')
                .to_owned();
            part(&mut lines.lock()).push(text);
            line.clear();
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    const BOUND: Duration = Duration::from_secs(20);

    #[test]
    fn lines_and_code() {
        let finished = finish("sh", shell("echo out; echo err >&2; exit 3"), BOUND);
        assert_eq!(finished.code, Some(3));
        assert_eq!(finished.stdout, "out\n");
        assert_eq!(finished.stderr, "err\n");
    }

    #[test]
    fn a_signal_ends_it() {
        let mut program = Program::start("sh", shell("echo ready; exec sleep 1000"));
        program.wait_for_line("ready", BOUND, |line| (line == "ready").then_some(()));
        assert!(program.is_running());
        program.signal(Signal::Kill);
        assert_eq!(program.wait(BOUND).signal, Some(9));
    }

    #[test]
    #[should_panic(expected = "it ended with exit status: 1")]
    fn a_line_that_will_never_come() {
        let mut program = Program::start("sh", shell("exit 1"));
        program.wait_for_line("a line", BOUND, |line| (line == "never").then_some(()));
    }
}
