#!/usr/bin/env bash
# Builds libllama unless it is there, and prints the folder it is installed in.
#   LLAMA_BACKEND      cpu (default) cuda vulkan metal
#   CMAKE_PREFIX_PATH  when it names an installed llama.cpp, that one is taken
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh
source tools/pins.sh
source tools/pip.sh

# Prints the first folder of CMAKE_PREFIX_PATH that holds an installed llama.cpp, if one does.
users_own() {
    local prefix
    local -a prefixes
    IFS=':;' read -ra prefixes <<<"${CMAKE_PREFIX_PATH:-}"
    for prefix in "${prefixes[@]}"; do
        if compgen -G "$prefix/lib*/cmake/llama/llama-config.cmake" >/dev/null ||
            compgen -G "$prefix/lib/*/cmake/llama/llama-config.cmake" >/dev/null; then
            echo "$prefix"
            return
        fi
    done
}

own=$(users_own)
if [[ -n $own ]]; then
    there "llama.cpp of your own in $own"
    echo "$own"
    exit 0
fi

backend=${LLAMA_BACKEND:-cpu}
# Without OpenMP the worker hands libllama a thread pool that sleeps when there is nothing to do.
options=(-DLLAVA_BUILD=OFF -DGGML_OPENMP=OFF)
remedy="read the log's last lines; where memory ran out, run make again with JOBS=1"
case $backend in
    cpu) ;;
    cuda)
        options+=(-DGGML_CUDA=ON)
        remedy="install NVIDIA's CUDA toolkit and put nvcc into PATH; $remedy"
        ;;
    vulkan)
        options+=(-DGGML_VULKAN=ON)
        remedy="install libvulkan-dev, glslc and spirv-headers; $remedy"
        ;;
    metal) options+=(-DGGML_METAL=ON) ;;
    *) fail "LLAMA_BACKEND=$backend is not known" "one of: cpu cuda vulkan metal" ;;
esac

key=$({ echo "$llama_version ${options[*]}"; cpu_features; } | sha256sum | cut -c-12)
prefix=$cache/llama-$llama_version-$backend-$key

build_llama() {
    local archive=$1
    make_scratch
    # pip by itself unpacks and builds in a new folder each time: ccache would find nothing again.
    mkdir "$scratch/source"
    tar --extract --file "$archive" --directory "$scratch/source" --strip-components 1
    local launchers="-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache"
    CMAKE_ARGS="${options[*]} $launchers" CMAKE_BUILD_PARALLEL_LEVEL=${JOBS:-$(nproc)} \
        pip install --verbose --no-deps --config-settings "build-dir=$scratch/build" \
        --target "$scratch/installed" "$scratch/source"
    # The rest of the package is the Python binding, with a second copy of the libraries.
    mkdir "$scratch/llama"
    mv "$scratch/installed/include" "$scratch/installed/lib" "$scratch/llama"
    test -e "$scratch/llama/lib/cmake/llama/llama-config.cmake"
    mv "$scratch/llama" "$prefix"
}

lock "llama-$backend"
if [[ -d $prefix ]]; then
    there "llama.cpp $llama_version for $backend"
else
    archive=$(tools/fetch.sh llama-source)
    step "llama-$backend" "building llama.cpp $llama_version for $backend (once; some minutes)" \
        "$remedy" build_llama "$archive"
fi
echo "$prefix"
