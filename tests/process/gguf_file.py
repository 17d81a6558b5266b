"""GGUF files: their keys and tensors as bytes, and their keys read back.
Source: ggml, docs/gguf.md. Standard library only."""

import struct
from pathlib import Path

U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
# What single values of a type look like in a file, of those that models have.
_LAYOUTS = {0: "B", 1: "b", 2: "H", 3: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", 10: "Q",
            11: "q", 12: "d"}
ALIGNMENT = 32  # bytes

# Types of tensors. Source: ggml.h, ggml_type.
TENSOR_F32, TENSOR_F16, TENSOR_BF16 = 0, 1, 30

# Types of tokens. Source: llama.h, llama_token_type.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def key(name, kind, value):
    return text(name) + struct.pack("<I", kind) + value


def array(kind, values):
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)


def u32(name, value):
    return key(name, U32, struct.pack("<I", value))


def f32(name, value):
    return key(name, F32, struct.pack("<f", value))


def boolean(name, value):
    return key(name, BOOL, struct.pack("<?", value))


def string(name, value):
    return key(name, STRING, text(value))


def strings(name, values):
    return key(name, ARRAY, array(STRING, [text(value) for value in values]))


def numbers(name, kind, values):
    return key(name, ARRAY, array(kind, [struct.pack(f"<{_LAYOUTS[kind]}", each)
                                         for each in values]))


def build(keys, tensors):
    """(bytes of the file, length of its header). A tensor: (name, shape with the fastest dimension
    first, type, its bytes)."""
    table, content = b"", bytearray()
    for name, shape, kind, raw in tensors:
        table += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind,
                                          len(content))
        content += raw
        content += bytes(-len(content) % ALIGNMENT)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(keys) + table
    header += bytes(-len(header) % ALIGNMENT)
    return header + bytes(content), len(header)


class _Reader:
    def __init__(self, raw):
        self.raw = raw
        self.at = 0

    def values(self, layout, count=1):
        layout = f"<{count}{layout}"
        found = struct.unpack_from(layout, self.raw, self.at)
        self.at += struct.calcsize(layout)
        return found

    def text(self):
        [length] = self.values("Q")
        self.at += length
        return self.raw[self.at - length:self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.text()
        if kind != ARRAY:
            return self.values(_LAYOUTS[kind])[0]
        kind, count = self.values("I")[0], self.values("Q")[0]
        if kind == STRING:
            return [self.text() for _ in range(count)]
        return list(self.values(_LAYOUTS[kind], count))


def read_keys(path):
    """The keys of a file and their values."""
    reader = _Reader(Path(path).read_bytes())
    assert reader.raw[:4] == b"GGUF", path
    reader.at = 8
    _, count = reader.values("Q", 2)
    return {reader.text(): reader.value(reader.values("I")[0]) for _ in range(count)}
