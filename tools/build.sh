#!/usr/bin/env bash
# build.sh PRESET [CMAKE_OPTION...] [TARGET...]
# Configures build/PRESET, then builds the TARGETs there.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh

# Another checkout of the same sources finds what this one has compiled.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

preset=$1
shift
folder=build/$preset
options=()
while [[ ${1:-} == -* ]]; do
    options+=("$1")
    shift
done
targets=("$@")

if [[ $preset == release || $preset == dev ]]; then
    llama=$(tools/llama.sh)
    # CMake remembers where it found llama.cpp; what it remembers may be another backend's.
    options+=(-Ullama_DIR -Ullama_LIBRARY -Uggml_DIR "-DCMAKE_PREFIX_PATH=$llama")
fi

mkdir -p "$folder"
exec 8>"$folder/.lock"
if ! flock --nonblock 8; then
    note "...   waiting for another make that is in $folder"
    flock 8
fi

step "configure-$preset" "configuring $folder" \
    "read the lines above; if another compiler was used before, delete $folder" \
    cmake --preset "$preset" "${options[@]}"
((${#targets[@]} > 0)) || exit 0

note "...   building ${targets[*]} in $folder"
began=$SECONDS
cmake --build "$folder" --parallel "${JOBS:-$(nproc)}" --target "${targets[@]}" >&2 ||
    fail "building ${targets[*]} in $folder (after $((SECONDS - began)) s)" \
        "the compiler's message stands above; where memory ran out, run make again with JOBS=1"
note "${green}ok${plain}    building ${targets[*]} in $folder: $((SECONDS - began)) s"
