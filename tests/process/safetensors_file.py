"""SafeTensors files, written and read. Source: safetensors, README.md, "Format"."""

import json
import struct

import oracles  # noqa: F401  # Before numpy, which it makes importable.
import numpy as np

# What a type's numbers are stored as; numpy knows no bfloat16.
_LAYOUTS = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16, "I64": np.int64}


def as_stored(values, dtype):
    """The array whose bytes are stored."""
    if dtype == "BF16":
        bits = values.astype(np.float32).view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return values.astype(_LAYOUTS[dtype])


def as_floats(stored, dtype):
    if dtype == "BF16":
        return (stored.astype(np.uint32) << 16).view(np.float32)
    return stored.astype(np.float32)


def described(tensors):
    """What a header says of tensors whose bytes follow each other. A tensor: name → (type, array of
    what is stored)."""
    entries, at = {}, 0
    for name, (dtype, stored) in tensors.items():
        entries[name] = {"dtype": dtype, "shape": list(stored.shape),
                         "data_offsets": [at, at + stored.nbytes]}
        at += stored.nbytes
    return entries


def safetensors_header(entries):
    raw = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
    raw += b" " * (-len(raw) % 8)
    return struct.pack("<Q", len(raw)) + raw


def safetensors(tensors):
    """The bytes of a file."""
    return safetensors_header(described(tensors)) + b"".join(stored.tobytes()
                                                             for _, stored in tensors.values())


def read_safetensors(path):
    """name → array of floats"""
    raw = path.read_bytes()
    [length] = struct.unpack_from("<Q", raw)
    entries = json.loads(raw[8:8 + length])
    entries.pop("__metadata__", None)
    tensors = {}
    for name, entry in entries.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        stored = np.frombuffer(raw[begin:end], _LAYOUTS[entry["dtype"]])
        tensors[name] = as_floats(stored, entry["dtype"]).reshape(entry["shape"])
    return tensors
