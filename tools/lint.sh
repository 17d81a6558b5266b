#!/usr/bin/env bash
# Looks for mistakes that the compiler does not see, in all sources and in these scripts.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh

shellcheck --external-sources .ci/run tools/*.sh
tools/build.sh release -DRBEE_TESTS=ON
run-clang-tidy-19 -quiet -p build/release -j "${JOBS:-$(nproc)}" "$PWD/(src|tests|bench)/"
