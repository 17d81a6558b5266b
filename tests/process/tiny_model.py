"""Models that are small and real: libllama loads and runs them. One for each way in which models
remember a text. Random weights, every byte as a token, the same file for the same seed."""

import math
import random
import struct

import gguf_file
from gguf_file import BYTE, CONTROL, F32, I32, NORMAL, U32, UNKNOWN, f32, string, u32

WIDTH, LAYERS, HEADS, HEADS_KV, FEED_FORWARD, CONTEXT = 64, 2, 4, 2, 128, 512
HEAD = WIDTH // HEADS
INNER, STATE, CONVOLUTION, RANK = 2 * WIDTH, 16, 4, 4
WINDOW, WINDOW_LAYERS = 32, 6


def tokens():
    """(text, type) of each token of a SentencePiece vocabulary."""
    yield "<unk>", UNKNOWN
    yield "<s>", CONTROL
    yield "</s>", CONTROL
    for byte in range(256):
        yield f"<0x{byte:02X}>", BYTE
    for text in ("▁", "e", "t", "a", "o", "i", "n", "s", "r", "▁t", "he", "▁the", "in", "er"):
        yield text, NORMAL


def vocabulary_keys():
    vocabulary = list(tokens())
    return [
        string("tokenizer.ggml.model", "llama"),
        gguf_file.strings("tokenizer.ggml.tokens", [token for token, _ in vocabulary]),
        gguf_file.numbers("tokenizer.ggml.scores", F32, [-i for i in range(len(vocabulary))]),
        gguf_file.numbers("tokenizer.ggml.token_type", I32, [kind for _, kind in vocabulary]),
        u32("tokenizer.ggml.bos_token_id", 1),
        u32("tokenizer.ggml.eos_token_id", 2),
    ]


def feed_forward():
    """(name, shape with the fastest dimension first) of a layer's tensors"""
    return [("ffn_norm.weight", (WIDTH,)), ("ffn_gate.weight", (WIDTH, FEED_FORWARD)),
            ("ffn_up.weight", (WIDTH, FEED_FORWARD)), ("ffn_down.weight", (FEED_FORWARD, WIDTH))]


def attention():
    return [("attn_norm.weight", (WIDTH,)), ("attn_q.weight", (WIDTH, WIDTH)),
            ("attn_k.weight", (WIDTH, HEAD * HEADS_KV)),
            ("attn_v.weight", (WIDTH, HEAD * HEADS_KV)), ("attn_output.weight", (WIDTH, WIDTH))]


def state_space():
    return [("attn_norm.weight", (WIDTH,)), ("ssm_in.weight", (WIDTH, 2 * INNER)),
            ("ssm_conv1d.weight", (CONVOLUTION, INNER)), ("ssm_conv1d.bias", (INNER,)),
            ("ssm_x.weight", (INNER, RANK + 2 * STATE)), ("ssm_dt.weight", (RANK, INNER)),
            ("ssm_dt.bias", (INNER,)), ("ssm_a", (STATE, INNER)), ("ssm_d", (INNER,)),
            ("ssm_out.weight", (INNER, WIDTH))]


class Kind:
    """An architecture: its keys beside those of all, and the tensors of each layer.
    Source: llama.cpp, models/<architecture>.cpp."""

    def __init__(self, architecture, layers, more_keys=()):
        self.architecture = architecture
        self.layers = layers
        self.more_keys = more_keys

    def keys(self):
        prefix = self.architecture + "."
        pairs = [
            string("general.architecture", self.architecture),
            string("general.name", "tiny"),
            u32(prefix + "context_length", CONTEXT),
            u32(prefix + "embedding_length", WIDTH),
            u32(prefix + "block_count", len(self.layers)),
            u32(prefix + "feed_forward_length", FEED_FORWARD),
            f32(prefix + "attention.layer_norm_rms_epsilon", 1e-5),
        ]
        for name, value in self.more_keys:
            if isinstance(value, int):
                pairs.append(u32(prefix + name, value))
            else:
                pairs.append(gguf_file.numbers(prefix + name, U32, value))
        return pairs + vocabulary_keys()

    def tensors(self):
        """(name, shape)"""
        vocabulary = len(list(tokens()))
        yield "token_embd.weight", (WIDTH, vocabulary)
        yield "output_norm.weight", (WIDTH,)
        yield "output.weight", (WIDTH, vocabulary)
        for index, layer in enumerate(self.layers):
            for name, shape in layer:
                yield f"blk.{index}.{name}", shape


HEAD_KEYS = (("attention.head_count", HEADS), ("attention.head_count_kv", HEADS_KV),
             ("rope.dimension_count", HEAD))
STATE_KEYS = (("ssm.conv_kernel", CONVOLUTION), ("ssm.inner_size", INNER),
              ("ssm.state_size", STATE), ("ssm.time_step_rank", RANK))

# Keys and values of every token.
PLAIN = Kind("llama", [attention() + feed_forward()] * LAYERS, HEAD_KEYS)
# In all layers but the sixth, of the last WINDOW tokens only.
SLIDING = Kind(
    "gemma3",
    [attention() + feed_forward() +
     [("attn_q_norm.weight", (HEAD,)), ("attn_k_norm.weight", (HEAD,)),
      ("post_attention_norm.weight", (WIDTH,)), ("post_ffw_norm.weight", (WIDTH,))]
     ] * WINDOW_LAYERS,
    HEAD_KEYS[:2] + (("attention.key_length", HEAD), ("attention.value_length", HEAD),
                     ("attention.sliding_window", WINDOW)))
# A state in the place of keys and values.
RECURRENT = Kind("mamba", [state_space()] * LAYERS, (("attention.head_count", 0),) + STATE_KEYS)
# Both, by layer: the second has heads.
HYBRID = Kind(
    "jamba",
    [state_space() + feed_forward() +
     [("ssm_dt_norm.weight", (RANK,)), ("ssm_b_norm.weight", (STATE,)),
      ("ssm_c_norm.weight", (STATE,))],
     attention() + feed_forward()],
    (("attention.head_count", HEADS), ("attention.head_count_kv", (0, HEADS_KV))) + STATE_KEYS)


# The first tokens are special ones and bytes that are no text by themselves, and some in between.
SAID = [kind == NORMAL or name in (f"<0x{byte:02X}>" for byte in range(0x20, 0x7F))
        for name, kind in tokens()]


def weight(chance, name, index):
    """One element of a tensor."""
    if name == "output.weight" and not SAID[index // WIDTH]:
        return 0.0  # Not worth saying, so that what is said shows whether it is the same.
    if ".post_" in name:
        return 3.0  # As much as the embedding, which this architecture scales up.
    if name.endswith("norm.weight"):
        return 1.0
    if name.endswith("ssm_a"):
        return -chance.uniform(0.1, 1)  # A positive one would grow without end.
    return chance.gauss(0, 0.2)


def build(kind=PLAIN, seed=1):
    """(bytes of the file, length of its header)"""
    chance = random.Random(seed)
    tensors = []
    for name, shape in kind.tensors():
        count = math.prod(shape)
        raw = struct.pack(f"<{count}f", *(weight(chance, name, i) for i in range(count)))
        tensors.append((name, shape, gguf_file.TENSOR_F32, raw))
    return gguf_file.build(kind.keys(), tensors)
