#!/usr/bin/env bash
# Every test of the project, the fastest first; the last line says how many there were.
#   FUZZ_SECONDS  how long each fuzzer runs
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh

results=$PWD/build/results
rm -rf "$results"
mkdir -p "$results"

stage=''
begin() {
    stage=$1
    note ""
    note "==    $stage, $SECONDS s after the start"
}

# run_tests PRESET [CTEST_OPTION...]
run_tests() {
    local preset=$1
    shift
    ctest --test-dir "build/$preset" --parallel "${JOBS:-$(nproc)}" --output-on-failure \
        --no-tests=error --output-junit "$results/$stage.xml" "$@"
}

# The sum of one attribute over the results of all stages.
total() {
    shopt -s nullglob
    awk -F '"' -v name="$1" '$1 ~ "^[ \t]+" name "=$" { sum += $2; nextfile }
        END { print sum + 0 }' "$results"/*.xml /dev/null
}

conclude() {
    local status=$? ran failed skipped
    stop_following
    note ""
    ((status == 0)) || note "${red}FAIL${plain}  in the stage '$stage'; later ones did not run"
    python3 tests/tidy/tidy.py reuse >&2 || true
    note "time: $SECONDS s"
    ran=$(total tests) failed=$(total failures) skipped=$(total skipped)
    echo "$((ran - failed - skipped)) passed, $failed failed, $skipped skipped"
    exit "$status"
}
trap conclude EXIT

begin set-up
tools/packages.sh build test
RBEE_TEST_MODEL=$(tools/fetch.sh model)
RBEE_TEST_VOCABS=$(tools/fetch.sh vocabularies)
RBEE_SCHEMATHESIS=$(tools/fetch.sh schemathesis) ||
    note "      The tests that need schemathesis will be skipped."
RBEE_JINJA=$(tools/fetch.sh jinja) ||
    note "      The tests that need jinja2 will be skipped."
RBEE_ORACLES=$(tools/fetch.sh oracles) ||
    note "      The tests that compute with numpy and tokenizers will be skipped."
RBEE_TEST_EMBEDDING_MODEL=$(tools/fetch.sh embedding-model) ||
    note "      The tests of the real model for embeddings will be skipped."
RBEE_WORKER=$PWD/build/release/llm-worker-rbee
RBEE_EMBEDDING_WORKER=$PWD/build/release/embedding-worker-rbee
RBEE_OPENAI=$(tools/fetch.sh openai) ||
    note "      The tests that need OpenAI's Python client will be skipped."
RBEE_NODE_CLIENTS=$(tools/fetch.sh node-clients) ||
    note "      The tests that need clients on Node.js will be skipped."
export RBEE_TEST_MODEL RBEE_TEST_VOCABS RBEE_SCHEMATHESIS RBEE_JINJA RBEE_ORACLES \
    RBEE_TEST_EMBEDDING_MODEL RBEE_WORKER RBEE_EMBEDDING_WORKER RBEE_OPENAI RBEE_NODE_CLIENTS

begin tidy
tools/build.sh release -DRBEE_TESTS=ON
run_tests release --label-regex tidy

begin release
tools/build.sh release all
run_tests release --label-exclude tidy

for sanitizer in asan tsan; do
    begin "$sanitizer"
    tools/build.sh "$sanitizer" -DRBEE_TESTS=ON all
    run_tests "$sanitizer"
done

begin fuzz
tools/build.sh fuzz "-DRBEE_FUZZ_SECONDS=${FUZZ_SECONDS:-30}" all
run_tests fuzz
