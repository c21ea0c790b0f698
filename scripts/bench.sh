#!/usr/bin/env bash
# Runs the benchmark driver of the folder beside this repository: first Prometheus, then Keepwatch, on the
# same load. BENCH_ARGS is passed on; PEER names another Prometheus. Results: target/bench/results.md
set -euo pipefail
cd "$(dirname "$0")/.."

bench=${BENCH_DIR:-../shared/bench}
peer=${PEER:-$(command -v prometheus)}
out=target/bench
if [[ ! -f $bench/bench.py ]]; then
    echo "no benchmark driver at $bench; name its folder with BENCH_DIR" >&2
    exit 1
fi
mkdir -p "$out"
out=$(realpath "$out")
export PATH=$PATH:/usr/local/go/bin
(cd "$bench/loadgen" && go build -buildvcs=false -o "$out/loadgen" .)
read -r -a arguments <<<"${BENCH_ARGS:-}"
exec python3 -B "$bench/bench.py" --loadgen "$out/loadgen" --work "$out/work" --out "$out" \
    --server "prometheus:prometheus=$peer" \
    --server "keepwatch:prometheus=$PWD/target/release/keepwatch" "${arguments[@]}"
