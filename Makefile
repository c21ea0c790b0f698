# Two commands do all the set-up they need:
#   make run     builds Keepwatch and shows it at work: `keepwatch demo`
#   make test    everything that must hold
# Both install missing Debian packages when run as root; otherwise they name them and stop.

# Options for `keepwatch demo`, e.g. make run DEMO_ARGS="--port 0 --script 'break metering-svc; wait firing; quit'"
DEMO_ARGS ?=

.PHONY: run build test bench clean

run: build
	target/release/keepwatch demo $(DEMO_ARGS)

# The program as it is shipped: target/release/keepwatch
build:
	scripts/packages.sh build
	cargo build --release --locked --package keepwatch

# Format, lints, licences, layers, tests, conformance cases; see scripts/test.sh.
test:
	scripts/packages.sh build test
	scripts/test.sh

# Side by side with Prometheus, on one load; see docs/performance.md.
bench: build
	scripts/packages.sh bench
	scripts/bench.sh

clean:
	cargo clean
