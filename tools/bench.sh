#!/usr/bin/env bash
# Measures what is promised as ratios; wants an otherwise idle machine.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh

tools/build.sh release llm-worker-rbee bare_decode
model=${MODEL:-$(tools/fetch.sh model)}
exec python3 bench/decode_rate.py build/release/llm-worker-rbee build/release/bench/bare_decode \
    "$model" "${ROUNDS:-25}"
