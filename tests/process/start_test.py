"""Starts that cannot succeed: exit code 1, the right code, one line that helps."""

import subprocess
import ctypes
import os
import pathlib
import random
import shutil
import struct
import tempfile
import unittest

from modality import MODALITY, need
from worker import run_to_end

RESIDENT_MAX = 200 << 20
# Bytes that hold the header of the real model.
HEADER = 2_000_000

NOBODY = 65534


def give_up_reading_everything():
    """Root may read other users' files because of two capabilities. Source: capabilities(7)."""
    if os.getuid() != 0:
        return
    pr_capbset_drop, cap_dac_override, cap_dac_read_search = 24, 1, 2
    for capability in (cap_dac_override, cap_dac_read_search):
        if ctypes.CDLL(None).prctl(pr_capbset_drop, capability, 0, 0, 0) != 0:
            raise OSError("prctl")


def patch_tensor(header, kind=None, offset=None):
    """Lies about one tensor: its type, or where its data is."""
    header = bytearray(header)
    name = b"blk.0.attn_q.weight"
    at = header.index(name) + len(name)
    dimensions = struct.unpack_from("<I", header, at)[0]
    if kind is not None:
        struct.pack_into("<I", header, at + 4 + 8 * dimensions, kind)
    if offset is not None:
        struct.pack_into("<Q", header, at + 4 + 8 * dimensions + 4, offset)
    return bytes(header)


class StartTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)

    def file(self, content, name="model.gguf"):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def copy(self, change=None):
        """The real model, its first bytes changed."""
        # Never the whole file in memory: a child counts what its parent held as its own.
        path = self.folder / "copy.gguf"
        shutil.copyfile(need("RBEE_TEST_MODEL"), path)
        if change is not None:
            with path.open("r+b") as file:
                header = change(file.read(HEADER))
                file.seek(0)
                file.write(header)
        return path

    def refuses(self, model, code, *flags, says="", **options):
        end = run_to_end(*flags, model=model, **options)
        self.assertEqual(end.code, 1, end.stderr)
        lines = [line for line in end.stderr.splitlines() if code in line]
        self.assertTrue(lines, f"no {code} in: {end.stderr}")
        self.assertIn(says, end.stderr)
        self.assertLess(end.resident_bytes, RESIDENT_MAX)
        return end

    def test_a_model_that_is_not_there(self):
        self.refuses(self.folder / "none.gguf", "MODEL_NOT_FOUND", says="none.gguf")

    def test_a_directory_without_a_model(self):
        self.refuses(self.folder, "MODEL_NOT_FOUND")

    def test_an_empty_file(self):
        self.refuses(self.file(b""), "MODEL_CORRUPT")

    def test_random_bytes(self):
        self.refuses(self.file(random.Random(1).randbytes(100_000)), "MODEL_CORRUPT")

    def test_a_version_that_does_not_exist(self):
        self.refuses(self.file(b"GGUF" + struct.pack("<IQQ", 99, 0, 0)), "MODEL_")

    def test_counts_near_the_end_of_the_range(self):
        for tensors, keys in ((2**63 - 1, 1), (1, 2**63 - 1), (2**64 - 1, 2**64 - 1)):
            with self.subTest(tensors=tensors, keys=keys):
                self.refuses(self.file(b"GGUF" + struct.pack("<IQQ", 3, tensors, keys)),
                             "MODEL_CORRUPT")

    def test_a_real_model_truncated_at_50_places(self):
        size = os.path.getsize(need("RBEE_TEST_MODEL"))
        chance = random.Random(2)
        # Half of the places in the header, where most can go wrong.
        places = [chance.randrange(1, HEADER) for _ in range(25)]
        places += [chance.randrange(HEADER, size) for _ in range(25)]
        path = self.copy()
        for place in sorted(places, reverse=True):
            with self.subTest(place=place):
                os.truncate(path, place)
                self.refuses(path, "MODEL_CORRUPT")

    def test_tensors_beyond_the_file(self):
        self.refuses(self.copy(lambda header: patch_tensor(header, offset=2**40)),
                     "MODEL_CORRUPT")

    def test_an_unknown_architecture_is_named(self):
        self.refuses(self.copy(lambda header: header.replace(b"llama", b"lhama")),
                     "MODEL_UNSUPPORTED", says="lhama")

    def test_an_unknown_quantisation_is_named(self):
        self.refuses(self.copy(lambda header: patch_tensor(header, kind=999)),
                     "MODEL_UNSUPPORTED", says="999")

    def test_a_file_that_may_not_be_read(self):
        path = self.file(b"GGUF")
        path.chmod(0o600 if os.getuid() == 0 else 0)
        if os.getuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        self.refuses(path, "MODEL_UNREADABLE", says=path.name, preexec=give_up_reading_everything)

    def test_a_backend_that_is_not_there(self):
        self.refuses(need("RBEE_TEST_MODEL"), "DEVICE_UNAVAILABLE", "--backend", "cuda",
                     says="cpu")

    def test_a_device_that_is_not_there(self):
        self.refuses(need("RBEE_TEST_MODEL"), "DEVICE_UNAVAILABLE", "--device", "7")

    def test_wrong_usage_is_exit_code_2(self):
        for flags in (("--nonsense",), ("--threads", "many"), ("--threads", "1", "--threads", "2")):
            with self.subTest(flags=flags):
                end = run_to_end(*flags, model="/nowhere")
                self.assertEqual(end.code, 2, end.stderr)
                self.assertRegex(end.stderr, "^error: --")

    def test_check_config_finds_the_model_and_loads_nothing(self):
        command = [need("RBEE_WORKER"), "--check-config", "--model"]
        found = subprocess.run(command + [need("RBEE_TEST_MODEL")], capture_output=True, text=True,
                               check=True)
        self.assertIn("#   " + need("RBEE_TEST_MODEL"), found.stdout)
        missing = subprocess.run(command + ["/nowhere"], capture_output=True, text=True)
        self.assertEqual(missing.returncode, 1)
        self.assertIn("/nowhere", missing.stderr)

    def test_the_native_engine_is_asked_for_what_it_does_not_do(self):
        self.refuses(need("RBEE_TEST_MODEL"), "CONFIG_INVALID", "--engine", "cpu", "--kv-type",
                     "q8_0", says="--kv-type q8_0")

    def test_more_memory_than_there_is_names_needed_and_free(self):
        end = self.refuses(need("RBEE_TEST_MODEL"), "INSUFFICIENT_MEMORY", "--context-size",
                           "100000000", "--parallel", "1")
        self.assertRegex(end.stderr, r"needs [\d.]+ [GT]iB")
        self.assertRegex(end.stderr, r"[\d.]+ [MG]iB of memory are free")


if __name__ == "__main__":
    unittest.main()
