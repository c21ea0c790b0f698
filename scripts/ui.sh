#!/usr/bin/env bash
# The web UI, where Node is: ui.sh build|check|unit|browser. Without a Node that is new enough it says so in one
# line and leaves the UI out; with CI=true that is an error.
set -euo pipefail
cd "$(dirname "$0")/../ui"

NODE_MIN=20.19.0
export NO_COLOR=1

has_node() {
    local found
    found=$(node --version 2>/dev/null) || found=none
    if [[ $found != none ]] &&
        [[ $(printf '%s\n%s\n' "$NODE_MIN" "${found#v}" | sort --version-sort | head -n 1) == "$NODE_MIN" ]]; then
        return 0
    fi
    echo "the web UI is left out: it needs Node $NODE_MIN or newer, and npm (found: $found)" >&2
    return 1
}

# Only if the lock file changed since.
install() {
    if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then
        npm ci --no-audit --no-fund --loglevel=error
        touch node_modules/.package-lock.json
    fi
}

if ! has_node; then
    [[ ${CI:-} != true ]]
    exit
fi
install
case ${1:-} in
    build) npm run --silent build ;;
    check) npm run --silent check && npm run --silent build ;;
    unit) npm run --silent test ;;
    browser) npm run --silent browser ;;
    *)
        echo "ui.sh: no task ${1:-}; there are build, check, unit and browser" >&2
        exit 2
        ;;
esac
