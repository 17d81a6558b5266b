"""A model of the llama architecture that is small and real: libllama loads and runs it. Random
weights, every byte as a token, the same file for the same seed."""

import random
import struct

WIDTH, LAYERS, HEADS, HEADS_KV, FEED_FORWARD, CONTEXT = 64, 2, 4, 2, 128, 512

U32, F32, STRING, ARRAY, I32 = 4, 6, 8, 9, 5
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def tokens():
    """(text, type) of each token of a SentencePiece vocabulary."""
    yield "<unk>", UNKNOWN
    yield "<s>", CONTROL
    yield "</s>", CONTROL
    for byte in range(256):
        yield f"<0x{byte:02X}>", BYTE
    for text in ("▁", "e", "t", "a", "o", "i", "n", "s", "r", "▁t", "he", "▁the", "in", "er"):
        yield text, NORMAL


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def key(name, kind, value):
    return text(name) + struct.pack("<I", kind) + value


def array(kind, values):
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)


def keys():
    vocabulary = list(tokens())

    def u32(name, value):
        return key(name, U32, struct.pack("<I", value))

    return [
        key("general.architecture", STRING, text("llama")),
        key("general.name", STRING, text("tiny")),
        u32("llama.context_length", CONTEXT),
        u32("llama.embedding_length", WIDTH),
        u32("llama.block_count", LAYERS),
        u32("llama.feed_forward_length", FEED_FORWARD),
        u32("llama.attention.head_count", HEADS),
        u32("llama.attention.head_count_kv", HEADS_KV),
        u32("llama.rope.dimension_count", WIDTH // HEADS),
        key("llama.attention.layer_norm_rms_epsilon", F32, struct.pack("<f", 1e-5)),
        key("tokenizer.ggml.model", STRING, text("llama")),
        key("tokenizer.ggml.tokens", ARRAY,
            array(STRING, [text(token) for token, _ in vocabulary])),
        key("tokenizer.ggml.scores", ARRAY,
            array(F32, [struct.pack("<f", -i) for i in range(len(vocabulary))])),
        key("tokenizer.ggml.token_type", ARRAY,
            array(I32, [struct.pack("<i", kind) for _, kind in vocabulary])),
        u32("tokenizer.ggml.bos_token_id", 1),
        u32("tokenizer.ggml.eos_token_id", 2),
    ]


def tensors():
    """(name, shape with the fastest dimension first)"""
    vocabulary = len(list(tokens()))
    width_kv = WIDTH // HEADS * HEADS_KV
    yield "token_embd.weight", (WIDTH, vocabulary)
    yield "output_norm.weight", (WIDTH,)
    yield "output.weight", (WIDTH, vocabulary)
    for layer in range(LAYERS):
        for name, shape in (("attn_norm", (WIDTH,)), ("attn_q", (WIDTH, WIDTH)),
                            ("attn_k", (WIDTH, width_kv)), ("attn_v", (WIDTH, width_kv)),
                            ("attn_output", (WIDTH, WIDTH)), ("ffn_norm", (WIDTH,)),
                            ("ffn_gate", (WIDTH, FEED_FORWARD)), ("ffn_up", (WIDTH, FEED_FORWARD)),
                            ("ffn_down", (FEED_FORWARD, WIDTH))):
            yield f"blk.{layer}.{name}.weight", shape


def build(seed=1):
    """(bytes of the file, length of its header)"""
    chance = random.Random(seed)
    table, data = b"", b""
    named = list(tensors())
    for name, shape in named:
        table += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        count = 1
        for length in shape:
            count *= length
        data += struct.pack(f"<{count}f", *(chance.gauss(0, 0.2) for _ in range(count)))
        data += bytes(-len(data) % 32)
    pairs = keys()
    header = b"GGUF" + struct.pack("<IQQ", 3, len(named), len(pairs)) + b"".join(pairs) + table
    header += bytes(-len(header) % 32)
    return header + data, len(header)
