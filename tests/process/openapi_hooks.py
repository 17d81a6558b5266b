"""Loaded by schemathesis, in its own process."""

import schemathesis

INTEGERS = {"max_tokens", "top_k", "repeat_last_n", "seed", "priority"}


@schemathesis.hook
def map_body(_context, body):
    """To a JSON schema 6.0 is an integer; to the worker only 6 is, and no schema can say that."""
    if not isinstance(body, dict):
        return body
    return {name: _without_fraction(value) if name in INTEGERS else value
            for name, value in body.items()}


def _without_fraction(value):
    return int(value) if isinstance(value, float) and value.is_integer() else value
