#!/usr/bin/env bash
# Makes sure that the Debian packages for some purposes are there: packages.sh build|test|bench ...
# Installs what is missing when run as root; otherwise says what to install and stops.
set -euo pipefail

# command=package, one per line; the package is needed if the command is missing.
needs() {
    case $1 in
        build) # A linker for rustc, a C compiler for zstd and ring.
            echo cc=gcc
            echo cc=libc6-dev
            ;;
        test) # The peers: tests compare with them and let their tools read what we wrote.
            echo prometheus=prometheus
            echo promtool=prometheus
            echo prometheus-node-exporter=prometheus-node-exporter
            echo prometheus-alertmanager=prometheus-alertmanager
            echo amtool=prometheus-alertmanager
            # The web UI is tested in it.
            echo chromium=chromium
            ;;
        bench) # The load generator is written in Go, its driver in Python.
            echo prometheus=prometheus
            echo go=golang-go
            echo python3=python3
            ;;
        *)
            echo "packages.sh: no purpose $1; there are build, test and bench" >&2
            return 2
            ;;
    esac
}

missing=()
for purpose in "$@"; do
    list=$(needs "$purpose")
    while IFS='=' read -r command package; do
        # Some packages put their programs where only root looks.
        if ! PATH=$PATH:/usr/sbin:/usr/local/go/bin command -v "$command" >/dev/null; then
            missing+=("$package")
        fi
    done <<<"$list"
done
if [[ ${#missing[@]} -eq 0 ]]; then
    exit 0
fi
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "missing Debian packages: ${missing[*]}" >&2
    echo "install them with: apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "installing ${missing[*]}"
# Tests start the peers themselves, on free ports: Debian's services must not start now.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet --quiet
apt-get install --yes --no-install-recommends --quiet --quiet "${missing[@]}" </dev/null
