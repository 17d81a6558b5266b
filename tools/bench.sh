#!/usr/bin/env bash
# Measures what is promised as ratios; wants an otherwise idle machine.
#   MODEL    GGUF file; else the small real one
#   QUANT    of a copy of it that is measured instead, e.g. q4_0
#   ROUNDS   else 25 of the decode rate, 3 of the race
#   SHAPES   of the race, e.g. "one_client shared_text"; else all
#   RATE     requests a second that arrive at random times
#   ARGS     more options of the worker in the race
#   EMBEDDING_MODEL  directory or GGUF file; else the small real one for embeddings
# Further arguments are race.py's.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh

requantise() {
    make_scratch
    "$peer/llama-quantize" --allow-requantize "$1" "$scratch/copy.gguf" "$QUANT"
    mkdir -p "$(dirname "$2")"
    mv "$scratch/copy.gguf" "$2"
}

# Prints the path of the copy of a model.
requantised() {
    local name folder copy
    name=$(basename "$1" .gguf)
    folder=$cache/requantised-$(sha256sum "$1" | cut -c-12)
    copy=$folder/${name%.Q*}.${QUANT^^}.gguf
    lock requantise
    if [[ -f $copy ]]; then
        there "the $QUANT copy of $name"
    else
        step requantise "making a $QUANT copy of $name" \
            "see that QUANT is a type that llama-quantize knows, and that the disk is not full" \
            requantise "$1" "$copy"
    fi
    echo "$copy"
}

tools/build.sh release llm-worker-rbee embedding-worker-rbee bare_decode bare_engine bare_shape \
    limits load_generator products
peer=$(tools/peer.sh)
model=${MODEL:-$(tools/fetch.sh model)}
embedding_model=${EMBEDDING_MODEL:-$(tools/fetch.sh embedding-model)}
[[ -z ${QUANT:-} ]] || model=$(requantised "$model")

python3 bench/decode_rate.py build/release/llm-worker-rbee build/release/bench/bare_decode \
    "$model" "${ROUNDS:-25}"
build/release/bench/products
build/release/bench/bare_engine "$model" "$(nproc)"
python3 bench/race.py build/release "$peer" "$model" --rounds "${ROUNDS:-3}" \
    --shapes "${SHAPES:-}" --worker-flags="${ARGS:-}" "$@"
python3 bench/chats.py build/release "$peer" "$model"
python3 bench/neighbour.py build/release "$peer" "$model"
python3 bench/embeddings.py build/release "$peer" "$embedding_model"
