"""What a Hugging Face directory of a decoder computes, by numpy from its own tensors and names.
Source: transformers, models/{llama,qwen2,qwen3,phi,phi3}/modeling_*.py, modeling_rope_utils.py."""

import math

import oracles  # noqa: F401  # Before numpy, which it makes importable.
import numpy as np


def yarn_speeds(rope, rotated, speeds):
    def pair_of(turns):
        return (rotated * math.log(rope["original_max_position_embeddings"] / (turns * 2 * math.pi))
                / (2 * math.log(rope["rope_theta"])))

    first, last = max(math.floor(pair_of(32)), 0), min(math.ceil(pair_of(1)), rotated - 1)
    slowed = np.clip((np.arange(len(speeds)) - first) / max(last - first, 0.001), 0, 1)
    return speeds / rope["factor"] * slowed + speeds * (1 - slowed)


def llama3_speeds(rope, speeds):
    original, factor = rope["original_max_position_embeddings"], rope["factor"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    lengths = 2 * math.pi / speeds
    smooth = (original / lengths - low) / (high - low)
    between = (1 - smooth) * speeds / factor + smooth * speeds
    return np.where(lengths < original / high, speeds,
                    np.where(lengths > original / low, speeds / factor, between))


def rotary_speeds(model, context):
    """(radians a position of each pair, factor of sines and cosines)"""
    rope, kind = model.rope(), model.rope().get("rope_type")
    rotated = int(model.head() * model.config.get("partial_rotary_factor", 1))
    speeds = rope["rope_theta"] ** -(np.arange(0, rotated, 2) / rotated)
    if kind == "linear":
        return speeds / rope["factor"], 1
    if kind == "llama3":
        return llama3_speeds(rope, speeds), 1
    if kind == "yarn":
        return yarn_speeds(rope, rotated, speeds), 0.1 * math.log(rope["factor"]) + 1
    if kind == "longrope":
        original = model.config["original_max_position_embeddings"]
        factors = rope["long_factor" if context > original else "short_factor"]
        scale = model.config["max_position_embeddings"] / original
        return speeds / np.array(factors), math.sqrt(1 + math.log(scale) / math.log(original))
    assert kind is None, kind
    return speeds, 1


class Decoder:
    def __init__(self, model, context):
        """`context`: tokens that the model is run with; longrope depends on it."""
        self.config = model.config
        self.weights = model.floats()
        self.head = model.head()
        self.speeds, self.magnitude = rotary_speeds(model, context)

    def linear(self, name, x):
        y = x @ self.weights[name + ".weight"].T
        return y + self.weights.get(name + ".bias", 0)

    def norm(self, name, x):
        weight = self.weights[name + ".weight"]
        if name + ".bias" in self.weights:
            x = x - x.mean(-1, keepdims=True)
            scale = np.sqrt((x * x).mean(-1, keepdims=True) + self.config["layer_norm_eps"])
            return x / scale * weight + self.weights[name + ".bias"]
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.config["rms_norm_eps"]) * weight

    def rotate(self, x):
        """[heads][tokens][head]: pairs are half of what is rotated apart."""
        angles = np.arange(x.shape[1])[:, None] * self.speeds
        cosines, sines = np.cos(angles) * self.magnitude, np.sin(angles) * self.magnitude
        half = len(self.speeds)
        a, b, rest = x[..., :half], x[..., half:2 * half], x[..., 2 * half:]
        return np.concatenate([a * cosines - b * sines, b * cosines + a * sines, rest], -1)

    def heads(self, x):
        return x.reshape(len(x), -1, self.head).swapaxes(0, 1)

    def attention(self, layer, x):
        name = layer + "self_attn."
        widths = [self.config[f"num_{kind}_heads"] * self.head
                  for kind in ("attention", "key_value", "key_value")]
        if name + "qkv_proj.weight" in self.weights:
            parts = np.split(self.linear(name + "qkv_proj", x), np.cumsum(widths)[:-1], -1)
        else:
            parts = [self.linear(f"{name}{part}_proj", x) for part in "qkv"]
        q, k, v = map(self.heads, parts)
        if name + "q_norm.weight" in self.weights:
            q, k = self.norm(name + "q_norm", q), self.norm(name + "k_norm", k)
        q, k = self.rotate(q), self.rotate(k)
        k, v = (np.repeat(each, len(q) // len(k), 0) for each in (k, v))
        scores = q @ k.swapaxes(1, 2) / math.sqrt(self.head)
        ages = np.arange(len(x))[:, None] - np.arange(len(x))
        window = self.config.get("sliding_window") or len(x)
        if self.config.get("use_sliding_window") is False:
            window = len(x)
        scores = np.where((ages >= 0) & (ages < window), scores, -np.inf)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (shares / shares.sum(-1, keepdims=True) @ v).swapaxes(0, 1).reshape(len(x), -1)
        out = "dense" if name + "dense.weight" in self.weights else "o_proj"
        return self.linear(name + out, mixed)

    def feed_forward(self, layer, x):
        name = layer + "mlp."
        if name + "fc1.weight" in self.weights:
            y = self.linear(name + "fc1", x)
            y = y / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y ** 3)))
            return self.linear(name + "fc2", y)
        if name + "gate_up_proj.weight" in self.weights:
            gate, up = np.split(self.linear(name + "gate_up_proj", x), 2, -1)
        else:
            gate, up = (self.linear(f"{name}{part}_proj", x) for part in ("gate", "up"))
        return self.linear(name + "down_proj", gate / (1 + np.exp(-gate)) * up)

    def states(self, tokens):
        """[tokens][width], after the last norm"""
        x = self.weights["model.embed_tokens.weight"][tokens]
        for i in range(self.config["num_hidden_layers"]):
            layer = f"model.layers.{i}."
            normed = self.norm(layer + "input_layernorm", x)
            if layer + "post_attention_layernorm.weight" in self.weights:
                x = x + self.attention(layer, normed)
                x = x + self.feed_forward(layer, self.norm(layer + "post_attention_layernorm", x))
            else:
                x = x + self.attention(layer, normed) + self.feed_forward(layer, normed)
        final = "norm" if "model.norm.weight" in self.weights else "final_layernorm"
        return self.norm("model." + final, x)

    def logprobs(self, tokens):
        """[tokens][vocabulary]"""
        x = self.states(tokens)
        if self.config["tie_word_embeddings"]:
            logits = x @ self.weights["model.embed_tokens.weight"].T
        else:
            logits = self.linear("lm_head", x)
        logits = logits - logits.max(-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))
