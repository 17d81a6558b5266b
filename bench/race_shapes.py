"""The loads of the race, as load_generator takes them, and what bounds them."""

import os

# name → (what it is, fields of bench/load_shape.h)
SHAPES = {
    "one_client": ("1 client, 100-word prompts, 64 out",
                   {"clients": 1, "requests": 8, "words": 100, "tokens_out": 64}),
    "four_clients": ("4 clients, 100-word prompts, 64 out",
                     {"clients": 4, "requests": 4, "words": 100, "tokens_out": 64}),
    "sixteen_clients": ("16 clients, 100-word prompts, 64 out",
                        {"clients": 16, "requests": 2, "words": 100, "tokens_out": 64}),
    "shared_text": ("16 clients, one shared 600-word text, 32 out",
                    {"clients": 16, "requests": 1, "shared_words": 600, "words": 10,
                     "tokens_out": 32}),
    "conversations": ("8 conversations of 5 turns, 48 out a turn",
                      {"clients": 8, "requests": 1, "turns": 5, "words": 60, "words_later": 30,
                       "tokens_out": 48}),
    "arriving_prompt": ("8 streams, and a prompt that fills the context",
                        {"clients": 8, "requests": 1, "words": 20, "tokens_out": 256,
                         "arriving_words": 1900, "arriving_tokens_out": 8,
                         "arrives_after_tokens": 64}),
    "random_arrivals": ("random arrivals, 100-word prompts, 32 out",
                        {"clients": 1, "requests": 20, "words": 100, "tokens_out": 32,
                         "arrivals_per_second": float(os.environ.get("RATE", "1"))}),
}

_ARRIVING = ("arriving_words", "arriving_tokens_out", "arrives_after_tokens")


def fields_of(name, seed):
    return {**SHAPES[name][1], "seed": seed}


def has_bound(name):
    """How fast requests arrive bounds an open loop."""
    return "arrivals_per_second" not in SHAPES[name][1]


def limit_tokens_per_second(name, limits):
    """What the machine allows if nothing but the model's matrices cost time: each row's
    multiplications at the measured peak, or each step's weights at the measured rate of memory,
    whichever takes longer. Counts a word as a token."""
    shape = {"turns": 1, "shared_words": 0, "words_later": 30,
             **{field: 0 for field in _ARRIVING}, **SHAPES[name][1]}
    macs, bytes_read = limits["macs_per_second"], limits["bytes_per_second"]

    def decode_seconds(sequences, steps):
        return steps * max(sequences * limits["decode_macs"] / macs,
                           limits["weight_bytes"] / bytes_read)

    conversations = shape["clients"] * shape["requests"]
    own_rows = shape["words"] + (shape["turns"] - 1) * (shape["words_later"] + 1)
    rows = shape["shared_words"] + conversations * own_rows + shape["arriving_words"]
    steps = shape["requests"] * shape["turns"] * (shape["tokens_out"] - 1)
    seconds = rows * limits["prompt_macs"] / macs + decode_seconds(shape["clients"], steps)
    return conversations * shape["turns"] * shape["tokens_out"] / seconds
