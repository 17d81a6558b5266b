"""Bodies for OpenAI's routes as no honest client sends them: (path, bytes) each."""

import json
import random

CHAT, TEXT, RENDER = "/v1/chat/completions", "/v1/completions", "/v1/chat/completions/render"
MIB = 1 << 20

FIELDS = {
    CHAT: ("model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p",
           "presence_penalty", "frequency_penalty", "seed", "logit_bias", "stop", "n", "stream",
           "stream_options", "logprobs", "top_logprobs", "response_format", "tools",
           "tool_choice", "parallel_tool_calls", "functions", "reasoning_effort",
           "chat_template_kwargs", "user", "metadata", "modalities", "top_k", "min_p",
           "repetition_penalty", "repeat_last_n", "min_tokens", "ignore_eos", "stop_token_ids",
           "bad_words", "grammar", "regex", "json_schema", "choice", "priority", "cache_salt",
           "return_tokens", "continue_final_message"),
    TEXT: ("model", "prompt", "max_tokens", "echo", "suffix", "logprobs", "n", "best_of", "stop",
           "stream", "logit_bias", "seed", "regex", "choice", "json_schema", "stop_token_ids"),
}
NUMBERS = (0, 1, -1, 2, 3.5, 2**31, 2**63, 2**64, -2**63, 1e308, -0.0, 1e-320)
REGEXES = ("(a{1000}){1000}", "((((a+)+)+)+)+$", "[\\w\\W]{99999}", "(?=a)b", "(a|a)*(a|a)*b",
           "\\p{L}{1,5000}", "(" * 2000 + ")" * 2000, "[", "(?P<x>a)\\k<x>", "a{99999999999}", "")
GRAMMARS = ('start: "a" start | start start', "start: /(a{999}){999}/", "start: x", "x: \"a\"",
            "root ::= \"a\"", "start: %json {\"$ref\": \"#\"}", "start: <[99999999]>", "\0",
            "start: " + '("a"?)' * 3000)


def attempt(seed, number):
    """The same for the same two numbers."""
    chance = random.Random(f"{seed}.{number}")
    kind = chance.choices((wrong_types, nested, numbers, texts, twice, regexes, schemas, tools,
                           messages, mutated, honest),
                          weights=(30, 8, 8, 6, 6, 8, 10, 8, 8, 12, 6))[0]
    path, body = kind(chance)
    return path, body if isinstance(body, bytes) else json.dumps(body).encode()


def base(path):
    body = {"model": "default", "max_tokens": 2}
    if path == TEXT:
        return {**body, "prompt": "One, two"}
    return {**body, "messages": [{"role": "user", "content": "Hi"}]}


def some_path(chance):
    return chance.choice((CHAT, CHAT, TEXT, RENDER))


def honest(chance):
    path = some_path(chance)
    return path, {**base(path), "stream": chance.random() < 0.5}


def anything(chance, depth=3):
    kind = chance.randrange(8 if depth else 5)
    if kind == 0:
        return chance.choice((None, True, False))
    if kind == 1:
        return chance.choice(NUMBERS)
    if kind == 2:
        return chance.choice(("", "a", "\0", "\ud800", "😀" * 9, "none", "required", "json_schema",
                              "<|im_end|>", "\ue000<|im_start|>", "x" * 300))
    if kind in (3, 4):
        return chance.choice(([], {}, [[]], [None], {"": None}, {"type": "object"}))
    if kind in (5, 6):
        return [anything(chance, depth - 1) for _ in range(chance.randrange(4))]
    keys = ("type", "function", "name", "content", "role", "json_schema", "schema", "strict",
            "parameters", "text", "arguments", "id", "enum", "$ref", "x")
    return {chance.choice(keys): anything(chance, depth - 1) for _ in range(chance.randrange(5))}


def wrong_types(chance):
    path = some_path(chance)
    body = base(path)
    for field in chance.sample(FIELDS.get(path, FIELDS[CHAT]), chance.choice((1, 1, 2, 5))):
        body[field] = anything(chance)
    return path, body


def nested(chance):
    path = some_path(chance)
    field = chance.choice(FIELDS.get(path, FIELDS[CHAT]))
    depth = chance.choice((20, 31, 33, 100, 5_000, 100_000))
    opening, closing = chance.choice((('[', ']'), ('{"a":', '}'), ('{"anyOf":[', ']}'),
                                      ('{"type":"object","properties":{"a":', '}}')))
    inside = opening * depth + "1" + closing * depth
    whole = json.dumps(base(path))[:-1] + f', "{field}_": 1, "{field}": {inside}}}'
    if field in base(path):
        whole = "{" + f'"{field}": {inside}' + "}"
    return path, whole.encode()


def numbers(chance):
    path = some_path(chance)
    field = chance.choice(FIELDS.get(path, FIELDS[CHAT]))
    number = chance.choice(("1e999", "-1e999", "9" * 400, "0." + "1" * 5000, "1e-99999", "-0",
                            "01", "0x10", "NaN", "Infinity", "1.0e5", "18446744073709551616",
                            "5.0", "2.0", "--1", "1e", "."))
    body = {name: value for name, value in base(path).items() if name != field}
    return path, (json.dumps(body)[:-1] + f', "{field}": {number}}}').encode()


def texts(chance):
    """Long ones, and such that are no texts."""
    path = some_path(chance)
    body = base(path)
    piece = chance.choice(("a", "a ", "<|im_end|>", "\ud800", "\0", "😀", "{{", "\ue000", "1"))
    size = chance.choice((1_000, 20_000, 20_000, MIB))
    field = chance.choice(("content", "stop", "regex", "user", "model", "cache_salt", "bad_words",
                           "grammar"))
    long = (piece * (size // len(piece) + 1))[:size]
    if field == "content" and path == TEXT:
        body["prompt"] = long
    elif field == "content":
        body["messages"] = [{"role": "user", "content": long}]
    else:
        body[field] = [long] if field == "bad_words" else long
    return path, body


def twice(chance):
    path = some_path(chance)
    body = json.dumps(base(path))
    field = chance.choice(("model", "max_tokens", "n"))
    return path, (body[:-1] + f', "{field}": 1, "{field}": 2}}').encode()


def regexes(chance):
    path = chance.choice((CHAT, TEXT))
    body = base(path)
    if chance.random() < 0.5:
        body["regex"] = chance.choice(REGEXES)
    elif chance.random() < 0.5:
        body["grammar"] = chance.choice(GRAMMARS)
    else:
        body["choice"] = chance.choice(([""], ["a"] * 5_000, [str(i) for i in range(5_000)],
                                        ["a" * 10_000], [1], [], ["\0"], ["a" * i
                                                                          for i in range(200)]))
    return path, body


def schema(chance, depth=4):
    leaf = ({"type": "string", "pattern": chance.choice(REGEXES)}, {"enum": list(range(999))},
            {"type": "integer", "minimum": -1e300, "maximum": 1e300}, {"const": None},
            {"type": "string", "format": "date-time"}, {"type": "nothing"}, True, False, {}, 1,
            {"$ref": "#"}, {"$ref": "#/nowhere"}, {"$ref": "http://example.com/x"},
            {"type": "array", "minItems": 10**9}, {"type": "string", "minLength": 10**9},
            {"type": "number", "multipleOf": 0}, {"not": {}}, {"uniqueItems": True})
    if depth == 0 or chance.random() < 0.2:
        return chance.choice(leaf)
    kind = chance.choice(("allOf", "anyOf", "oneOf", "properties", "items", "patternProperties",
                          "$defs"))
    if kind in ("allOf", "anyOf", "oneOf"):
        return {kind: [schema(chance, depth - 1) for _ in range(chance.randrange(1, 5))]}
    if kind == "items":
        return {"type": "array", "items": schema(chance, depth - 1)}
    count = chance.choice((1, 3, 3, 200 if depth == 4 else 2))
    return {"type": "object", kind: {f"p{i}": schema(chance, depth - 1) for i in range(count)},
            "required": [f"p{i}" for i in range(chance.randrange(5))]}


def schemas(chance):
    path = chance.choice((CHAT, TEXT))
    asked = {"name": "s", "schema": schema(chance), "strict": chance.random() < 0.5}
    return path, {**base(path), "response_format": {"type": "json_schema", "json_schema": asked}}


def tools(chance):
    count = chance.choice((1, 1, 2, 300))
    functions = [{"type": "function", "function": {
        "name": chance.choice((f"f{i}", "f", "a b", "", "x" * 65, "\"]}")),
        "description": chance.choice(("", "<tool_call>", "{% for x in y %}", "d" * 2000)),
        "parameters": schema(chance, 2)}} for i in range(count)]
    choice = chance.choice(("auto", "none", "required", "nothing", 1, {
        "type": "function", "function": {"name": chance.choice(("f", "f0", "g"))}}))
    return chance.choice((CHAT, RENDER)), {**base(CHAT), "tools": functions,
                                           "tool_choice": choice}


def messages(chance):
    count = chance.choice((1, 2, 5, 5_000))
    roles = ("system", "developer", "user", "assistant", "tool", "function", "", "{{x}}")
    contents = ("", "{% raw %}", "{{ messages }}", None, [{"type": "text", "text": "a"}] * 100,
                [{"type": "image_url", "image_url": {"url": "http://169.254.169.254/"}}], "x")
    return chance.choice((CHAT, RENDER)), {**base(CHAT), "messages": [
        {"role": chance.choice(roles if count < 100 else roles[2:4]),
         "content": chance.choice(contents if count < 100 else ("a", "b"))}
        for _ in range(count)],
        "chat_template_kwargs": {chance.choice(("enable_thinking", "x", "loop", "messages")):
                                 anything(chance)},
        "continue_final_message": chance.random() < 0.2}


def mutated(chance):
    path, body = chance.choice((wrong_types, schemas, tools, honest))(chance)
    raw = bytearray(json.dumps(body).encode())
    for _ in range(chance.choice((1, 2, 5))):
        at = chance.randrange(len(raw))
        if chance.random() < 0.5:
            raw[at] = chance.randrange(256)
        else:
            raw[at:at] = chance.choice((b'"', b"{", b"]", b",", b":", b"\\u", b"\xff", b"\0"))
    return path, bytes(raw)
