#!/usr/bin/env bash
# cargo.sh FOLDER LIBRARY
# Builds the Rust library in FOLDER as the file LIBRARY, and LIBRARY.d beside it, which says what it
# was built from. Crates and what was compiled of them are shared by all checkouts.
folder=$1 library=$2
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh
source tools/rust.sh

rust=$(rust_folder)
[[ -n $rust ]] ||
    fail "there is no Rust that works, of version 1.$rust_minor_min or later" \
        "run tools/packages.sh build, which installs Debian's, or install one from rust-lang.org"

# Mirrors and the like are the user's to set; the rest of a home folder is not needed.
settings=()
if [[ -z ${CARGO_HOME:-} && -f ${HOME:-}/.cargo/config.toml ]]; then
    settings=(--config "$HOME/.cargo/config.toml")
fi
export CARGO_HOME=${CARGO_HOME:-$cache/cargo}

build_library() {
    local target=$cache/rust
    RUSTC=$rust/rustc "$rust/cargo" build --release --locked "${settings[@]}" \
        --manifest-path "$folder/Cargo.toml" --target-dir "$target" --jobs "${JOBS:-$(nproc)}"
    # Another checkout's build would replace it there.
    cp "$target/release/librbee_ffi.a" "$library.new"
    sed "s|^[^:]*:|$library:|" "$target/release/librbee_ffi.d" >"$library.d"
    mv "$library.new" "$library"
}

lock rust
step rust "building the Rust library (the first time some minutes)" \
    "read the log's last lines; where cargo did not reach its registry, check the network" \
    build_library
