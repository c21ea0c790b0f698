#!/usr/bin/env bash
# Everything that must hold. Runs all steps even if one fails, names those that failed, and ends with
# `N passed, N failed`: the tests of the workspace, added up.
set -uo pipefail
cd "$(dirname "$0")/.."

DENY_VERSION=0.20.2
# A test that hangs must not hang the whole run.
TESTS_MINUTES_MAX=30

tools=target/tools
log=target/test-output.txt
ui_log=target/test-output-ui.txt
mkdir -p target
if [[ ${CI:-} == true ]]; then
    # Nothing is built twice there, so the bookkeeping for it only costs.
    export CARGO_INCREMENTAL=0
fi

failed_steps=()

# step NAME COMMAND...: runs a step and says what it is, whether it passed and how long it took.
step() {
    local name=$1 start=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if "$@"; then
        printf '== %s: ok (%d s)\n' "$name" $((SECONDS - start))
    else
        printf '== %s: FAILED (%d s)\n' "$name" $((SECONDS - start))
        failed_steps+=("$name")
    fi
}

format() {
    cargo fmt --all --check || {
        echo "run: cargo fmt --all"
        return 1
    }
}

lints() {
    cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
}

# Built once, with little optimisation (two minutes on two cores): it runs for a second. Advisories are left out, because their
# database is only to be had from a git host; `cargo deny check advisories` asks there.
dependencies() {
    if ! "$tools/bin/cargo-deny" --version 2>/dev/null | grep -qF "$DENY_VERSION"; then
        echo "building cargo-deny $DENY_VERSION, once"
        CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off \
            CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_STRIP=debuginfo \
            cargo install --locked --quiet --force --version "$DENY_VERSION" \
            --root "$tools" --target-dir "$tools/build" cargo-deny || return 1
        rm -rf "$tools/build"
    fi
    "$tools/bin/cargo-deny" --all-features --locked check bans licenses sources
}

layers() {
    cargo xtask tidy
}

tests() {
    timeout --kill-after=10 "${TESTS_MINUTES_MAX}m" \
        cargo test --workspace --lib --bins --tests --locked --no-fail-fast 2>&1 | tee "$log"
    return "${PIPESTATUS[0]}"
}

# Format, lints and types of the web UI; its build, with the sizes that its pages may have; its unit tests.
ui() {
    scripts/ui.sh check && scripts/ui.sh unit 2>&1 | tee "$ui_log"
    return "${PIPESTATUS[0]}"
}

# The program with the UI in it, in a browser. Where there is no Node, nothing was built.
browser() {
    if [[ ! -f ui/dist/files.rs ]]; then
        scripts/ui.sh browser
        return
    fi
    cargo build --package keepwatch --features ui --locked --quiet || return 1
    timeout --kill-after=10 "${TESTS_MINUTES_MAX}m" scripts/ui.sh browser 2>&1 | tee -a "$ui_log"
    return "${PIPESTATUS[0]}"
}

conformance() {
    cargo xtask conformance --records
}

# tests_total WORD: the sum of `N WORD` in the result lines of all test programs, cargo's and the web UI's.
tests_total() {
    {
        grep -oE '^test result: .*' "$log" 2>/dev/null | grep -oE "[0-9]+ $1;"
        grep -E '^ +Tests ' "$ui_log" 2>/dev/null | grep -oE "[0-9]+ $1"
    } | awk '{n += $1} END {print n + 0}'
}

# One function, so that an edit of this file cannot change a run that is under way.
main() {
    rm -f "$log" "$ui_log"
    step "format" format
    step "lints" lints
    step "dependencies" dependencies
    step "layers" layers
    step "tests" tests
    step "web UI" ui
    step "web UI in a browser" browser
    step "conformance" conformance

    printf '\n'
    passed=$(tests_total passed)
    failed=$(tests_total failed)
    if [[ ${#failed_steps[@]} -gt 0 ]]; then
        printf 'failed steps: %s\n' "$(printf '%s, ' "${failed_steps[@]}" | sed 's/, $//')"
    fi
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [[ ${#failed_steps[@]} -eq 0 && $passed -gt 0 ]]
}

main
exit
