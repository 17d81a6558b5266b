# Each target does all of its own set-up: Debian packages, llama.cpp, the model. What is there
# already is left as it is.

MODEL ?=
HOST ?= 127.0.0.1
PORT ?= 8080
ARGS ?=
PREFIX ?= /usr/local
export MODEL HOST PORT PREFIX

.PHONY: help build serve test test-extra coverage bench install format lint clean
.DEFAULT_GOAL := help

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  Also: JOBS=n (build jobs), LLAMA_BACKEND=cpu|cuda|vulkan|metal, CMAKE_PREFIX_PATH=DIR"
	@echo "  (a llama.cpp of your own), FUZZ_SECONDS=n (make test), DESTDIR (make install)."

build: ## build llm-worker-rbee and embedding-worker-rbee in build/release
	@tools/packages.sh build
	@tools/build.sh release llm-worker-rbee embedding-worker-rbee

serve: ## build and start it; MODEL=file.gguf HOST=127.0.0.1 PORT=8080 ARGS="more options"
	@tools/packages.sh build
	@tools/serve.sh $(ARGS)

test: ## every test: tidy, release, sanitizers, fuzzers
	@tools/test.sh

test-extra: ## tests with large clients: LangChain
	@tools/packages.sh build test
	@tools/test-extra.sh

coverage: ## which lines of worker/ its own tests run; report in build/coverage/
	@tools/packages.sh build test
	@tools/coverage.sh

bench: ## measure on an idle machine; MODEL=file.gguf QUANT=q4_0 ROUNDS=3 SHAPES="one_client …"
	@tools/packages.sh build
	@tools/bench.sh

install: ## install it; PREFIX=/usr/local
	@tools/packages.sh build
	@tools/install.sh

format: ## lay out all C++ sources
	@tools/packages.sh lint
	@find src tests bench -name '*.h' -o -name '*.cpp' | xargs clang-format-19 -i

lint: ## look for mistakes with clang-tidy and shellcheck (slow)
	@tools/packages.sh build test lint
	@tools/lint.sh

clean: ## delete build/ (what was fetched stays in the user's cache folder)
	rm -rf build
