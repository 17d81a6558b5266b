#!/usr/bin/env bash
# Builds the workers and installs them under PREFIX (default /usr/local), with sudo where needed.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh

tools/build.sh release llm-worker-rbee embedding-worker-rbee

prefix=${PREFIX:-/usr/local}
as_owner=()
# The nearest folder that exists tells who may write there.
nearest=${DESTDIR:-}$prefix
while [[ ! -e $nearest ]]; do nearest=$(dirname "$nearest"); done
[[ -w $nearest ]] || as_owner=(sudo "DESTDIR=${DESTDIR:-}")

"${as_owner[@]}" cmake --install build/release --prefix "$prefix" >&2 ||
    fail "installing under $prefix" "name a folder that you may write to: make install PREFIX=…"
