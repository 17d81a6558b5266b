# shellcheck shell=bash
# Sourced after steps.sh: where a Rust is that works.

# The oldest one that the crates of src/ffi take.
rust_minor_min=87

# Prints the folder of a rustc that runs and is new enough, and of the cargo beside it; nothing
# where there is none. That one lies in PATH is not enough: rustup's is there without a toolchain.
rust_folder() {
    local folder version
    for folder in "$(dirname "$(command -v rustc || echo none/rustc)")" /usr/bin; do
        version=$("$folder/rustc" --version 2>/dev/null </dev/null) || continue
        [[ $version =~ ^rustc\ 1\.([0-9]+)\. ]] || continue
        ((BASH_REMATCH[1] >= rust_minor_min)) || continue
        "$folder/cargo" --version &>/dev/null </dev/null || continue
        echo "$folder"
        return
    done
}
