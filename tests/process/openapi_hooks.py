"""Loaded by schemathesis, in its own process. For two rules that no JSON schema can say."""

import schemathesis

INTEGERS = {"max_tokens", "top_k", "repeat_last_n", "seed", "priority"}
STOP_MAX = 100


@schemathesis.hook
def map_body(_context, body):
    if not isinstance(body, dict):
        return body
    body = {name: _without_fraction(value) if name in INTEGERS else value
            for name, value in body.items()}
    if isinstance(body.get("stop"), list):
        body["stop"] = [_short_in_bytes(text) for text in body["stop"]]
    return body


def _without_fraction(value):
    """To a JSON schema 6.0 is an integer; to the worker only 6 is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _short_in_bytes(text):
    """A schema counts characters, the worker bytes."""
    if not isinstance(text, str) or len(text) > STOP_MAX:
        return text
    return text.encode(errors="replace")[:STOP_MAX].decode(errors="ignore")
