"""Names and phrases that have no place in the code."""

import re

BANNED_NAMES = {"manager", "helper", "helpers", "util", "utils", "common", "impl", "data", "info"}
# The hive's own word for what describes a worker.
ALLOWED_NAMES = {"WorkerInfo", "worker_info", "worker_info_test"}

# Has no Clock to take time from: what another process is up to can only be polled.
MAY_POLL = {"tests/process/worker.py"}

# getaddrinfo cannot be interrupted, and the process's end must not wait for it.
MAY_DETACH = {"src/worker/hive/name_lookup.cpp"}

_TYPE = re.compile(r"\b(?:class|struct|union|enum(?:\s+class)?|namespace|using)\s+(\w+)\s*[:{=;]")
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def _banned_part(name, path):
    if name in ALLOWED_NAMES:
        return None
    for part in (part.lower() for part in _PARTS.findall(name)):
        if part in BANNED_NAMES or (part == "handler" and "http" not in path):
            return part
    return None


def names(sources):
    """Types, namespaces, files and folders say what they are."""
    for source in sources:
        if not source.path.startswith(("src/", "tests/", "bench/")):
            continue
        for name in source.path.split("/"):
            part = _banned_part(name.split(".")[0], source.path)
            if part:
                yield f"{source.path}: '{part}' says nothing about what it is"
        if source.is_cpp:
            for match in _TYPE.finditer(source.code):
                part = _banned_part(match[1], source.path)
                if part:
                    where = f"{source.path}:{source.line_of(match.start())}"
                    yield f"{where}: {match[1]}: '{part}' says nothing about what it is"


def _search(pattern, message, applies, code_only=True):
    """A rule: no line of the files that it applies to matches the pattern."""
    compiled = re.compile(pattern)

    def rule(sources):
        for source in sources:
            if not applies(source) or source.folder == "tests/tidy":
                continue
            text = source.code if code_only and source.is_cpp else source.text
            for number, line in enumerate(text.splitlines(), 1):
                if compiled.search(line):
                    yield f"{source.path}:{number}: {message}"

    return rule


def _is_program(source):
    return source.is_cpp and source.path.startswith("src/") and not source.is_test


parked_work = _search(
    r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b",  # in parts: this is no such line itself
    "parked work belongs into an issue",
    lambda source: source.name != "LICENSE",
    code_only=False,
)
detached_work = _search(
    r"\bdetached\b|\.detach\(",
    "whoever starts work sees to its end",
    lambda source: source.is_cpp and source.path not in MAY_DETACH,
)
sleeping_tests = _search(
    r"\b(sleep_for|sleep_until|usleep|nanosleep|time\.sleep)\b|\bsleep\s*\(",
    "tests take time from a Clock and never sleep",
    lambda source: source.is_test and source.path not in MAY_POLL,
)
# The process's own words, and the last ones of a process that found a bug in itself.
MAY_PRINT = {"src/worker/app/process.cpp", "src/worker/base/assert.cpp"}

printing = _search(
    r"\bstd::(cout|cerr|clog)\b|(?<![\w.])f?(printf|puts)\s*\(",
    "only worker/app/process.cpp writes to the terminal; the rest has a Log",
    lambda source: _is_program(source) and source.path not in MAY_PRINT,
)
machine_paths = _search(
    r"(?<![\w.-])/(?:work|farm|root|tmp|home/[a-z]+)/"
    r"|https?://(?:registry|index|static|files|proxy|repo1?|deb|cdn)\.",
    "a path or host of one machine",
    lambda source: True,
    code_only=False,
)

# Where secrets are at hand, and the one file that compares them.
SECRET_FOLDERS = (
    "src/worker/http",
    "src/worker/openai",
    "src/worker/app",
    "src/worker/hive",
    "src/llm/api",
    "src/llm/api/openai",
    "src/llm/api/tokens",
    "src/embedding/api",
)
COMPARES_SECRETS = "src/worker/http/bearer_auth.cpp"

# "tokens_in" and "prompt_tokens" are counts; the name of an error is no secret.
_SECRET = r"\b\w*(?:secret|digest|api_?key|api_tokens|token(?!s\b|s_|i))\w*\b"
_byte_compares = _search(
    r"\b(?:CRYPTO_)?memcmp\b|\bstrn?(?:case)?cmp\b",
    "use std::string_view; secrets are compared in bearer_auth.cpp alone",
    lambda source: _is_program(source) and source.path != COMPARES_SECRETS,
)
_secret_operands = _search(
    rf"(?<!ErrorCode::){_SECRET}(?:\(\))?[)\]]*\s*[!=]="
    rf"|[!=]=\s*[*&(]*(?!ErrorCode::)(?:\w+(?:\(\))?(?:\.|->|::))*{_SECRET}(?!\.|->|::)",
    "the time that this takes tells of the secret: see bearer_auth.cpp",
    lambda source: (
        _is_program(source)
        and source.folder in SECRET_FOLDERS
        and source.path != COMPARES_SECRETS
    ),
)


def secret_comparisons(sources):
    """One place compares secrets, in a time that tells nothing of them."""
    sources = list(sources)
    yield from _byte_compares(sources)
    yield from _secret_operands(sources)
