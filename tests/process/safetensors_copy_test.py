"""The GGUF copy of a Hugging Face directory: made once, found again, whole or not at all."""

import os
import resource
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

import oracles  # noqa: F401  # Before numpy, which it makes importable.
import numpy as np

import tokenizer_files
from hugging_face_models import GENERATORS, Llama
from safetensors_file import described, safetensors_header
from safetensors_test import choice_of
from start_test import give_up_reading_everything
from worker import Worker, run_to_end, until

FLAGS = ("--threads", "1", "--parallel", "1", "--context-size", "256")
ON_A_SMALL_DISK = 'mount -t tmpfs -o size=64k none "$0" && exec "$@"'


def own_mounts():
    """A command line's beginning that gives a process file systems of its own."""
    return ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--user", "--map-root-user",
                                                            "--mount"]


class CacheTest(unittest.TestCase):
    """A model directory, and a cache that is empty."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.cache = self.folder / "cache"
        self.environment = {"XDG_CACHE_HOME": str(self.cache)}
        self.directory = GENERATORS["mistral"][0]().write_directory(self.folder / "model", 3)

    def worker(self, *flags, directory=None):
        return Worker(*FLAGS, *flags, model=directory or self.directory, env=self.environment)

    def cached(self):
        """All files below the cache."""
        return sorted(path for path in self.cache.rglob("*") if path.is_file())

    def say(self, worker):
        worker.wait_for("model_load_success")
        return choice_of(worker.ready(), "Once upon a time", max_tokens=16)["text"]

    def serve(self):
        with self.worker() as worker:
            return self.say(worker), worker.log

    def warning_of(self, worker):
        """What is said of a copy in memory."""
        self.say(worker)
        return next(line["message"] for line in worker.log
                    if line["level"] == "warn" and "memory" in line["message"])


class CopyTest(CacheTest):
    def test_the_second_start_takes_the_first_one_s_copy(self):
        said, log = self.serve()
        [copy] = self.cached()
        self.assertTrue(any("Writes a GGUF copy" in line["message"] for line in log))
        before = copy.stat()
        again, log = self.serve()
        self.assertEqual(again, said)
        self.assertEqual(self.cached(), [copy])
        self.assertEqual((copy.stat().st_ino, copy.stat().st_mtime_ns),
                         (before.st_ino, before.st_mtime_ns))
        self.assertTrue(any("Uses the GGUF copy" in line["message"] for line in log))
        self.assertFalse(any("Writes a GGUF copy" in line["message"] for line in log))

    def test_a_copy_is_for_its_owner_alone(self):
        self.serve()
        [copy] = self.cached()
        self.assertEqual(copy.stat().st_mode & 0o077, 0)

    def test_other_weights_are_another_copy(self):
        said, _ = self.serve()
        shard = self.directory / "model-00003-of-00003.safetensors"
        raw = bytearray(shard.read_bytes())
        for at in range(len(raw) - 40_000, len(raw), 2):
            raw[at + 1] ^= 0x80  # the signs
        shard.write_bytes(raw)
        self.assertNotEqual(self.serve()[0], said)
        self.assertEqual(len(self.cached()), 2)

    def test_another_tokeniser_is_another_copy(self):
        self.serve()
        path = self.directory / "tokenizer_config.json"
        path.write_text(path.read_text().replace('"add_bos_token": true', '"add_bos_token": false'))
        self.serve()
        self.assertEqual(len(self.cached()), 2)

    def test_a_copy_that_was_cut_short_is_made_again(self):
        said, _ = self.serve()
        [copy] = self.cached()
        for size in (0, 1000, copy.stat().st_size - 1):
            with self.subTest(size=size):
                os.truncate(copy, size)
                self.assertEqual(self.serve()[0], said)

    def test_two_that_start_at_once_have_one_copy(self):
        with self.worker() as one, self.worker() as other:
            self.assertEqual(self.say(one), self.say(other))
        self.assertEqual(len(self.cached()), 1)

    def test_where_no_cache_can_be_the_copy_is_in_memory(self):
        said, _ = self.serve()
        self.environment["XDG_CACHE_HOME"] = str(self.directory / "config.json" / "cache")
        for engine in ("cpu", "llama"):
            with self.subTest(engine=engine), self.worker("--engine", engine) as worker:
                self.assertRegex(self.warning_of(worker), "XDG_CACHE_HOME")
                self.assertEqual(self.say(worker), said)

    def test_where_the_cache_may_not_be_written_the_copy_is_in_memory(self):
        self.cache.mkdir(mode=0o555)
        with Worker(*FLAGS, model=self.directory, env=self.environment,
                    preexec=give_up_reading_everything) as worker:
            self.assertRegex(self.warning_of(worker), "Permission denied")
        self.assertEqual(list(self.cache.iterdir()), [])

    def test_on_a_full_disk_the_copy_is_in_memory(self):
        self.cache.mkdir()
        prefix = [*own_mounts(), "sh", "-c", ON_A_SMALL_DISK, str(self.cache)]
        if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
            self.skipTest("this machine lets nobody mount a small file system")
        worker = self.worker()
        worker.command = [*prefix, *worker.command]
        with worker:
            self.assertRegex(self.warning_of(worker), "are free")

    def test_where_there_is_no_room_at_all_it_says_so(self):
        def write_little():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))

        end = run_to_end(*FLAGS, model=self.directory, env=self.environment, preexec=write_little)
        self.assertEqual(end.code, 1, end.stderr)
        self.assertRegex(end.stderr, "INSUFFICIENT_MEMORY.*XDG_CACHE_HOME")
        self.assertEqual(self.cached(), [])


class Hollow(Llama):
    """So many tokens that it takes a while to copy their rows, which are holes in the file."""

    TOKENS = 1_000_000

    def __init__(self):
        super().__init__("Hollow", tokenizer_files.llama3(), "F32", vocab_size=self.TOKENS)
        self.vocabulary = self.TOKENS

    def tensors(self):
        return {theirs: (self.dtype, np.broadcast_to(np.float32(0), shape))
                for theirs, _, shape in self.rows()}

    def write_tensors(self, folder, _):
        entries = described(self.tensors())
        header = safetensors_header(entries)
        with (folder / "model.safetensors").open("wb") as file:
            file.write(header)
            file.truncate(len(header) + max(each["data_offsets"][1] for each in entries.values()))


class UnfinishedTest(CacheTest):
    def end_in_the_middle(self, number):
        """Ends a worker by a signal while it writes; it waits for that wherever it is."""
        hollow = Hollow().write_directory(self.folder / "hollow")
        worker = self.worker(directory=hollow)
        with worker:
            until(self.cached)
            worker.signal(signal.SIGSTOP)
            [unfinished] = self.cached()
            self.assertNotEqual(unfinished.suffix, ".gguf", "it was faster than this test")
            worker.signal(number)
            worker.signal(signal.SIGCONT)
            return worker.exit_code()

    def test_what_is_cancelled_leaves_nothing(self):
        self.assertEqual(self.end_in_the_middle(signal.SIGTERM), 0)
        self.assertEqual(self.cached(), [])

    def test_what_is_killed_leaves_nothing_once_another_has_come(self):
        self.assertEqual(self.end_in_the_middle(signal.SIGKILL), -signal.SIGKILL)
        [unfinished] = self.cached()
        self.serve()
        [copy] = self.cached()
        self.assertNotEqual(copy, unfinished)


if __name__ == "__main__":
    unittest.main()
