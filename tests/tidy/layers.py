"""Which folder may include which, and which may see a foreign library."""

import re

_WORKER = {
    f"worker/{folder}"
    for folder in (
        "base contract validation narration metrics device model_file hugging_face engine "
        "scheduler hive http openai app"
    ).split()
}
_BELOW_LLM = {"llm/model", "worker/engine", "worker/metrics", "worker/narration", "worker/base"}
_LLM_PARTS = {"llm/batching", "llm/sampling", "llm/text"}

# A folder may always include itself.
MAY_INCLUDE = {
    "worker/base": set(),
    "worker/contract": {"worker/base"},
    "worker/narration": {"worker/base"},
    "worker/metrics": {"worker/base"},
    "worker/device": {"worker/base"},
    "worker/model_file": {"worker/base"},
    "worker/hugging_face": {"worker/device", "worker/model_file", "worker/base"},
    "worker/validation": {"worker/base"},
    "worker/engine": {"worker/base", "worker/narration"},
    "worker/scheduler": {
        "worker/engine",
        "worker/metrics",
        "worker/narration",
        "worker/base",
    },
    "worker/hive": {
        "worker/scheduler",
        "worker/contract",
        "worker/narration",
        "worker/metrics",
        "worker/device",
        "worker/model_file",
        "worker/base",
    },
    "worker/http": _WORKER - {"worker/app", "worker/hive", "worker/hugging_face", "worker/openai"},
    "worker/openai": {
        "worker/http",
        "worker/scheduler",
        "worker/contract",
        "worker/validation",
        "worker/base",
    },
    "worker/app": _WORKER,
    "llama": {
        "llm/model",
        "embedding/model",
        "worker/device",
        "worker/model_file",
        "worker/base",
    },
    "llama/loading": {"llama", "llm/model"} | _WORKER,
    "cpu/kernels": {"worker/model_file", "worker/base"},
    "cpu": {
        "cpu/kernels",
        "llm/model",
        "worker/device",
        "worker/model_file",
        "worker/base",
    },
    "ffi": {"worker/base"},
    "llm/model": {"worker/base"},
    "llm/batching": _BELOW_LLM | _LLM_PARTS,
    "llm/sampling": _BELOW_LLM | _LLM_PARTS,
    "llm/text": _BELOW_LLM | _LLM_PARTS,
    "llm/api": _BELOW_LLM
    | _LLM_PARTS
    | {"llm/api/openai"}
    | {"worker/http", "worker/scheduler", "worker/contract", "worker/validation"},
    "llm/api/tokens": {
        "llm/model",
        "worker/openai",
        "worker/http",
        "worker/scheduler",
        "worker/contract",
        "worker/validation",
        "worker/base",
    },
    # Parses requests and knows no model, so that it is fuzzed without one.
    "llm/api/openai": {
        "llm/model",
        "llm/api/tokens",
        "llm/sampling",
        "worker/openai",
        "worker/validation",
        "worker/base",
    },
    # main.cpp puts all of it together.
    "llm/api/completions": _BELOW_LLM
    | _LLM_PARTS
    | {"llm/api", "llm/api/openai", "llm/api/tokens"}
    | {"worker/openai", "worker/http", "worker/scheduler", "worker/contract"},
    "embedding/model": {"llm/model", "worker/base"},
    "embedding/batching": {"embedding/model", "llm/model", "worker/engine", "worker/base"},
    "embedding/api": {
        "embedding/batching",
        "llm/model",
        "llm/api/tokens",
        "worker/openai",
        "worker/http",
        "worker/scheduler",
        "worker/contract",
        "worker/validation",
        "worker/base",
    },
    "llm": _WORKER
    | _BELOW_LLM
    | _LLM_PARTS
    | {"llm/api", "llm/api/openai", "llm/api/completions", "llama", "llama/loading", "cpu"}
    | {"embedding/api", "embedding/batching"},
    "embedding": _WORKER
    | {
        "embedding/model",
        "embedding/batching",
        "embedding/api",
        "llm/model",
        "llama",
        "llama/loading",
    },
}

# Foreign headers that would spread everywhere: the folders and files where they stay.
CONFINED = (
    (re.compile(r"(llama|gguf|ggml)[\w-]*\.h$"), {"llama"}),
    (
        re.compile(r"ffi/"),
        {
            "ffi",
            "llm/text/chat_template.cpp",
            "llm/sampling/grammar.cpp",
            "llm/sampling/json_schema.cpp",
        },
    ),
    (re.compile(r"boost/beast"), {"worker/http", "worker/hive/response_parser.cpp"}),
    (re.compile(r"sqlite3"), {"worker/model_file"}),
)

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(source):
    """(line number, quoted, path) of each #include."""
    for number, line in enumerate(source.lines, 1):
        match = _INCLUDE.match(line)
        if match:
            yield number, match[1] == '"', match[2]


def may_include(sources):
    for source in sources:
        if not source.is_cpp or not source.path.startswith("src/"):
            continue
        here = source.folder.removeprefix("src/")
        if here not in MAY_INCLUDE:
            yield f"{source.path}: its folder is missing from the table in tests/tidy/layers.py"
            continue
        for number, quoted, path in includes(source):
            yield from _judge(f"{source.path}:{number}", source, here, quoted, path)


def _judge(where, source, here, quoted, path):
    for pattern, folders in CONFINED:
        if pattern.match(path):
            if not {here, source.path.removeprefix("src/")} & folders:
                yield f"{where}: {path} may be seen only in {', '.join(sorted(folders))}"
            return
    if not quoted:
        return
    there = path.rpartition("/")[0]
    if there == "tests/support" and source.is_test:
        return
    if there != here and there not in MAY_INCLUDE[here]:
        yield f"{where}: {here} may not include {path}"
