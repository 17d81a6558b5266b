#!/usr/bin/env bash
# Tests with clients whose set-up is too large for every run of `make test`.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh

RBEE_TEST_MODEL=$(tools/fetch.sh model)
RBEE_NODE_CLIENTS_EXTRA=$(tools/fetch.sh node-clients-extra)
RBEE_WORKER=$PWD/build/release/llm-worker-rbee
export RBEE_TEST_MODEL RBEE_NODE_CLIENTS_EXTRA RBEE_WORKER

tools/build.sh release llm-worker-rbee
cd tests/process
python3 -m unittest --verbose node_client_test.LangChainTest
