"""Whatever is in a model file, the worker becomes ready or exits with 1."""

import json
import os
import pathlib
import random
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import tiny_model
from worker import PATIENCE, need

EDGES = [0, 1, 2, 3, 7, 31, 255, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63,
         2**64 - 1]


def mutate(file, header, chance):
    """A few changes, most of them where the file describes itself."""
    file = bytearray(file)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        end = len(file) if chance.random() < 0.1 else min(header, len(file))
        if end == 0:
            break
        at = chance.randrange(end)
        kind = chance.randrange(6)
        if kind == 0:
            file[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            file[at] = chance.randrange(256)
        elif kind == 2:
            size, code = chance.choice(((4, "<I"), (8, "<Q")))
            value = chance.choice(EDGES) % 2**(8 * size)
            file[at:at + size] = struct.pack(code, value)
        elif kind == 3:
            del file[at:at + chance.randrange(1, 40)]
        elif kind == 4:
            other = chance.randrange(end)
            file[at:at] = file[other:other + chance.randrange(1, 40)]
        else:
            del file[at:None if chance.random() < 0.1 else at + 8]
    return bytes(file)


def load(path, env=None):
    """"ready", or the exit code; negative for a signal."""
    process = subprocess.Popen(
        [need("RBEE_WORKER"), "--port", "0", "--log-format", "json", "--model", str(path),
         "--parallel", "2", "--batch-size", "64"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})})
    killer = threading.Timer(PATIENCE, process.kill)
    killer.start()
    try:
        for line in process.stderr:
            if line.startswith(b"{") and json.loads(line).get("action") == "model_load_success":
                return "ready"
        return process.wait()
    finally:
        killer.cancel()
        process.kill()
        process.wait()
        process.stderr.close()


class LoadFuzz(unittest.TestCase):
    def test_a_mutated_model_ends_in_ready_or_in_exit_code_1(self):
        file, header = tiny_model.build()
        ends = {}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.gguf"
            path.write_bytes(file)
            self.assertEqual(load(path), "ready", "the model that is mutated has to be a good one")
            first = int(os.environ.get("RBEE_SEED", "0"))
            stop = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "60"))
            seed = first
            while time.monotonic() < stop and (seed == first or "RBEE_SEED" not in os.environ):
                path.write_bytes(mutate(file, header, random.Random(seed)))
                end = load(path)
                self.assertIn(end, ("ready", 1), f"RBEE_SEED={seed} runs this one again")
                ends[end] = ends.get(end, 0) + 1
                seed += 1
        print(f"{sum(ends.values())} files: {ends}")


if __name__ == "__main__":
    unittest.main()
