//! Debian's Prometheus, Alertmanager and exporters, to be compared with.

use std::process::Command;
use std::time::Duration;

use super::{Finished, Program, Signal, try_get, until};

/// To start, and to end.
const BOUND: Duration = Duration::from_secs(60);

/// A peer that serves; it is killed when this is dropped.
#[derive(Debug)]
pub struct Peer {
    program: Program,
    pub address: String,
}

impl Peer {
    /// Starts Prometheus or Alertmanager and waits until it is ready. The command lets it choose a port.
    pub fn start(name: &str, command: Command) -> Self {
        let mut program = Program::start(name, command);
        let address = listening_on(&mut program);
        until(&format!("{name} to be ready"), BOUND, || {
            match try_get(&address, "/-/ready") {
                Ok(answer) if answer.status == 200 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
        Self { program, address }
    }

    /// Ends it as an init system would, and gives what it said.
    pub fn stop(self) -> Finished {
        self.program.signal(Signal::Terminate);
        self.program.wait(BOUND)
    }
}

/// The address of a program that says in a log line where it listens, as all of these do.
pub fn listening_on(program: &mut Program) -> String {
    program.wait_for_line("its address", BOUND, |line| {
        let (_, rest) = line.split_once("msg=\"Listening on\" address=")?;
        rest.split_whitespace().next().map(str::to_owned)
    })
}
