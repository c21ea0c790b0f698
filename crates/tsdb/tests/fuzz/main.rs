//! Every file kind changed at random: no panic, no hang, and what was repaired once is in order. The same
//! functions are run by libFuzzer: `docs/fuzzing.md`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "tests fail by panicking and say why; the folder `fuzz/` has the modules too"
)]

mod folder;
mod repair;
mod targets;

use testkit::disk::Random;

use targets::{Kind, chunk, file};

/// Inputs for each kind of file.
const FILES: u64 = 250;
const CHUNKS: u64 = 20_000;

fn input(random: &mut Random, length: u64) -> Vec<u8> {
    let length = 1 + random.below(length);
    (0..length).map(|_| random.below(256) as u8).collect()
}

/// A failure names the kind, the number and the bytes.
fn run(what: &str, number: u64, bytes: &[u8], work: impl FnOnce(&[u8]) + std::panic::UnwindSafe) {
    if let Err(panic) = std::panic::catch_unwind(|| work(bytes)) {
        println!("{what}, input {number}: {bytes:?}");
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn files() {
    std::thread::scope(|scope| {
        for kind in Kind::ALL {
            scope.spawn(move || {
                let mut random = Random::new(kind as u64 + 1);
                // As it is.
                file(kind, &[0]);
                file(kind, &[1]);
                for number in 0..FILES {
                    let bytes = input(&mut random, 16);
                    run(&format!("{kind:?}"), number, &bytes, |bytes| {
                        file(kind, bytes)
                    });
                }
            });
        }
    });
}

#[test]
fn chunks() {
    let mut random = Random::new(1);
    for number in 0..CHUNKS {
        let mut bytes = input(&mut random, 200);
        // Few samples are said to be there, so that some chunks are read to their end.
        if let Some(count) = bytes.get_mut(1..3) {
            count.copy_from_slice(&[0, (number % 12) as u8]);
        }
        run("chunk", number, &bytes, chunk);
    }
}
