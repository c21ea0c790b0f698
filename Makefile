# Two commands do all the set-up they need:
#   make run     builds Keepwatch and shows it at work: `keepwatch demo`
#   make test    everything that must hold
# Both install missing Debian packages when run as root; otherwise they name them and stop.

# Options for `keepwatch demo`, e.g. make run DEMO_ARGS="--port 0 --script 'break metering-svc; wait firing; quit'"
DEMO_ARGS ?=

.PHONY: run build ui test bench clean

run: build
	target/release/keepwatch demo $(DEMO_ARGS)

# The program as it is shipped: target/release/keepwatch. The web UI is in it where Node built it.
build: ui
	scripts/packages.sh build
	cargo build --release --locked --package keepwatch --features jemalloc$$(test ! -f ui/dist/files.rs || echo ,ui)

# The files of the web UI: ui/dist. Needs Node 20.19 or newer; without it this says so and goes on.
ui:
	scripts/ui.sh build

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
	rm -rf ui/dist ui/node_modules
