#!/usr/bin/env bash
# Which lines the C++ tests run, in a build without llama.cpp, as those of the sanitizers are.
# Prints a table of the folders; build/coverage/lines.txt names each line that no test runs.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh

folder=build/coverage
tools/build.sh coverage -DRBEE_TESTS=ON all
# Counts add up from run to run.
find "$folder" -name '*.gcda' -delete
step coverage-tests "running the tests" "fix the test; make test shows more of it" \
    ctest --test-dir "$folder" --parallel "${JOBS:-$(nproc)}" --output-on-failure \
    --no-tests=error --label-exclude tidy
python3 tools/coverage.py "$folder" "$folder/lines.txt"
note "each line that no test runs: $folder/lines.txt"
