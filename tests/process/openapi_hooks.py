"""Loaded by schemathesis, in its own process. For rules that no JSON schema can say: two of single
values, and what parameters of OpenAI's routes mean together."""

import json
import random

import schemathesis

INTEGERS = {"max_tokens", "top_k", "repeat_last_n", "seed", "priority"}
STOP_MAX = 100
# On OpenAI's routes.
SHORT_TEXT_MAX = 256
TOKENS_MAX = 64
SWITCHES = {"chat": ("stream", "logprobs", "return_tokens", "parallel_tool_calls"),
            "completion": ("stream", "echo", "return_tokens")}
FORMS = ("response_format", "grammar", "regex", "json_schema", "choice")


@schemathesis.hook
def map_body(_context, body):
    if not isinstance(body, dict):
        return body
    body = {name: _without_fraction(value) if name in INTEGERS else value
            for name, value in body.items()}
    if isinstance(body.get("stop"), list):
        body["stop"] = [_short_in_bytes(text, STOP_MAX) for text in body["stop"]]
    return body


def _without_fraction(value):
    """To a JSON schema 6.0 is an integer; to the worker only 6 is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _short_in_bytes(text, bytes_max):
    """A schema counts characters, the worker bytes."""
    if not isinstance(text, str) or len(text) > bytes_max:
        return text
    return text.encode(errors="replace")[:bytes_max].decode(errors="ignore")


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Of bodies that the document allows only: one that is meant to be wrong has to stay so."""
    is_openai = "/completions" in case.operation.path
    if is_openai and case.meta.generation.mode.is_positive and isinstance(case.body, dict):
        body = {name: value for name, value in case.body.items() if value is not None}
        for settle in (_turn_switches, _shorten, _settle_texts, _settle_forms, _settle_counts,
                       _settle_stream, _settle_chat):
            settle(body)
        case.body = body


def _turn_switches(body):
    """Of so many parameters each is seldom there, and a switch seldom on."""
    chance = random.Random(json.dumps(body, sort_keys=True))
    for name in SWITCHES["completion" if "prompt" in body else "chat"]:
        body[name] = chance.random() < 0.5
    if body["stream"] and chance.random() < 0.5:
        body["stream_options"] = {"include_usage": True}


def _shorten(body):
    """To what fits the context and is soon done."""
    body["max_tokens"] = min(body.get("max_tokens", TOKENS_MAX), TOKENS_MAX)
    for name, most in (("messages", 3), ("tools", 2), ("prompt", 60)):
        if name in body:
            body[name] = body[name][:most]
    if isinstance(body.get("prompt"), list) and isinstance(body["prompt"][0], (str, list)):
        body["prompt"] = [prompt[:60] for prompt in body["prompt"][:3]]
    for message in body.get("messages", ()):
        if isinstance(message.get("content"), list):
            message["content"] = message["content"][:2]


def _settle_texts(body):
    for name in ("stop", "bad_words"):
        if isinstance(body.get(name), list):
            body[name] = [_short_in_bytes(text, SHORT_TEXT_MAX) for text in body[name]]
    for name in ("stop", "cache_salt"):
        if isinstance(body.get(name), str):
            body[name] = _short_in_bytes(body[name], SHORT_TEXT_MAX)


def _settle_forms(body):
    """One form can be followed at a time, and none where a tool has to be called."""
    names = _unique_tools(body)
    choice = body.get("tool_choice")
    if not names and (choice == "required" or isinstance(choice, dict)):
        del body["tool_choice"]
    elif isinstance(choice, dict):
        choice["function"]["name"] = names[0]
    followed = [name for name in FORMS if name in body]
    if body.get("response_format", {}).get("type") == "text":
        followed.remove("response_format")
    kept = 0 if names and body.get("tool_choice") not in (None, "auto", "none") else 1
    for name in followed[kept:]:
        del body[name]


def _unique_tools(body):
    """The names of the tools, of which each is there once."""
    tools = {tool["function"]["name"]: tool for tool in body.get("tools", ())}
    if "tools" in body:
        body["tools"] = list(tools.values())
    return list(tools)


def _settle_counts(body):
    if "max_completion_tokens" in body:
        body["max_completion_tokens"] = body["max_tokens"]
    if "min_tokens" in body:
        body["min_tokens"] = min(body["min_tokens"], body["max_tokens"])
    if "best_of" in body:
        body["best_of"] = max(body["best_of"], body.get("n", 1))


def _settle_stream(body):
    if not body.get("stream"):
        body.pop("stream_options", None)
    elif "best_of" in body:
        body["best_of"] = body.get("n", 1)


def _settle_chat(body):
    if "prompt" in body:
        return
    if not body.get("logprobs"):
        body.pop("top_logprobs", None)
    body.get("chat_template_kwargs", {}).pop("reasoning_effort", None)
    last = body["messages"][-1]
    if last["role"] != "assistant" or not last.get("content") or last.get("tool_calls"):
        body.pop("continue_final_message", None)
