"""What a sentence-transformers directory of a BERT makes of texts, by numpy from its own files.
Source: transformers, models/bert/modeling_bert.py; tokenizers, normalizers/bert.rs and
models/wordpiece; sentence-transformers, models/Pooling.py."""

import json
import math
import unicodedata

import oracles  # noqa: F401  # Before numpy, which it makes importable.
import numpy as np

from safetensors_file import read_safetensors

_CONTROLS = ("Cc", "Cf", "Co", "Cs")
LONGEST_WORD = 100  # characters; a longer one is unknown
_CHINESE = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
            (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))


def is_punctuation(character):
    return (33 <= ord(character) <= 47 or 58 <= ord(character) <= 64
            or 91 <= ord(character) <= 96 or 123 <= ord(character) <= 126
            or unicodedata.category(character).startswith("P"))


def is_chinese(character):
    return any(first <= ord(character) <= last for first, last in _CHINESE)


def words(text):
    """In lower case and without accents; punctuation and Chinese characters by themselves."""
    spaced = ""
    for character in text:
        if character.isspace():
            spaced += " "
        elif is_chinese(character):
            spaced += f" {character} "
        elif character != "\ufffd" and unicodedata.category(character) not in _CONTROLS:
            spaced += character
    plain = "".join(character for character in unicodedata.normalize("NFD", spaced)
                    if unicodedata.category(character) != "Mn").lower()
    return "".join(f" {character} " if is_punctuation(character) else character
                   for character in plain).split()


def erf(x):
    """Within 1.5e-7. Source: Abramowitz and Stegun, 7.1.26."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    rest = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (
        -1.453152027 + t * 1.061405429)))) * np.exp(-x * x)
    return np.sign(x) * (1 - rest)


class Vocabulary:
    def __init__(self, folder):
        tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        self.ids = tokenizer["model"]["vocab"]

    def pieces(self, word):
        found, at = [], 0
        while at < len(word):
            mark = "##" if at else ""
            for end in range(len(word), at, -1):
                if mark + word[at:end] in self.ids:
                    break
            else:
                return ["[UNK]"]
            found.append(mark + word[at:end])
            at = end
        return found if len(word) <= LONGEST_WORD else ["[UNK]"]

    def tokens(self, text):
        pieces = [piece for word in words(text) for piece in self.pieces(word)]
        return [self.ids[piece] for piece in ("[CLS]", *pieces, "[SEP]")]


class Bert:
    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
        self.takes_first = pooling.get("pooling_mode_cls_token", False)
        self.weights = read_safetensors(folder / "model.safetensors")
        self.vocabulary = Vocabulary(folder)

    def linear(self, name, x):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def norm(self, name, x):
        x = x - x.mean(-1, keepdims=True)
        scale = np.sqrt((x * x).mean(-1, keepdims=True) + self.config["layer_norm_eps"])
        return x / scale * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def attention(self, name, x):
        count = self.config["num_attention_heads"]
        q, k, v = (self.linear(f"{name}.self.{part}", x).reshape(len(x), count, -1).swapaxes(0, 1)
                   for part in ("query", "key", "value"))
        scores = q @ k.swapaxes(1, 2) / math.sqrt(q.shape[-1])
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (shares / shares.sum(-1, keepdims=True) @ v).swapaxes(0, 1).reshape(x.shape)
        return self.norm(f"{name}.output.LayerNorm",
                         self.linear(f"{name}.output.dense", mixed) + x)

    def states(self, tokens):
        """[tokens][width]"""
        x = (self.weights["embeddings.word_embeddings.weight"][tokens]
             + self.weights["embeddings.position_embeddings.weight"][:len(tokens)]
             + self.weights["embeddings.token_type_embeddings.weight"][0])
        x = self.norm("embeddings.LayerNorm", x)
        for i in range(self.config["num_hidden_layers"]):
            layer = f"encoder.layer.{i}"
            x = self.attention(f"{layer}.attention", x)
            wide = self.linear(f"{layer}.intermediate.dense", x)
            wide = wide / 2 * (1 + erf(wide / math.sqrt(2)))
            x = self.norm(f"{layer}.output.LayerNorm",
                          self.linear(f"{layer}.output.dense", wide) + x)
        return x

    def embed_tokens(self, tokens):
        states = self.states(np.array(tokens))
        pooled = states[0] if self.takes_first else states.mean(0)
        return pooled / np.linalg.norm(pooled)

    def embed(self, text):
        return self.embed_tokens(self.vocabulary.tokens(text))
