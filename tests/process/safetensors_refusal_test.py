"""Hugging Face directories that cannot be served: exit code 1, the right code, one line that helps,
and nothing left behind."""

import json
import os
import random
import shutil
import struct
import tempfile
import time
import unittest
from pathlib import Path

from hugging_face_models import GENERATORS
from load_fuzz_test import load, mutate
from safetensors_file import safetensors, safetensors_header
from worker import run_to_end

RESIDENT_MAX = 300 << 20
FILE = "model.safetensors"


class RefusalTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.models, cls.good = {}, {}
        for name in ("llama", "mistral"):
            make, shards = GENERATORS[name]
            cls.models[name] = make()
            cls.good[name] = cls.models[name].write_directory(Path(folder.name) / name, shards)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Path(folder.name) / "cache"
        self.directory = Path(folder.name) / "model"
        self.take("llama")

    def take(self, name):
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.copytree(self.good[name], self.directory)

    def refuses(self, code, says="", **options):
        end = run_to_end(model=self.directory, env={"XDG_CACHE_HOME": str(self.cache)}, **options)
        self.assertEqual(end.code, 1, end.stderr)
        lines = [line for line in end.stderr.splitlines() if code in line and says in line]
        self.assertTrue(lines, f"no {code} with {says!r} in: {end.stderr}")
        self.assertLess(end.resident_bytes, RESIDENT_MAX)
        self.assertEqual([path for path in self.cache.rglob("*") if path.is_file()], [])

    def change(self, file, **fields):
        """Sets fields of a JSON file; a field that is None is removed."""
        path = self.directory / file
        content = {**json.loads(path.read_text()), **fields}
        path.write_text(json.dumps({key: value for key, value in content.items()
                                    if value is not None}))

    def change_model(self, **fields):
        """Sets fields of tokenizer.json's model."""
        model = json.loads((self.directory / "tokenizer.json").read_text())["model"]
        self.change("tokenizer.json", model={**model, **fields})

    def change_header(self, change):
        """Passes the header's entries to a function and writes what has become of them."""
        path = self.directory / FILE
        raw = path.read_bytes()
        end = 8 + struct.unpack_from("<Q", raw)[0]
        entries = json.loads(raw[8:end])
        change(entries)
        path.write_bytes(safetensors_header(entries) + raw[end:])

    def set_tensor(self, name="model.norm.weight", **fields):
        self.change_header(lambda entries: entries[name].update(fields))


class WeightsTest(RefusalTest):
    def test_files_that_are_cut_short(self):
        path = self.directory / FILE
        size = path.stat().st_size
        for place in (size - 1, size // 2, 2000, 100, 9, 8, 7, 0):
            with self.subTest(place=place):
                os.truncate(path, place)
                self.refuses("MODEL_CORRUPT", FILE)

    def test_headers_of_absurd_length(self):
        for length in (10 << 30, 2**63, 2**64 - 1, 2**64 - 8, (100 << 20) + 8, 0, 1):
            with self.subTest(length=length):
                with (self.directory / FILE).open("r+b") as file:
                    file.write(struct.pack("<Q", length))
                self.refuses("MODEL_CORRUPT", FILE)

    def test_a_header_of_ten_gigabytes_in_a_file_as_long(self):
        with (self.directory / FILE).open("r+b") as file:
            file.write(struct.pack("<Q", 10 << 30))
            file.truncate(11 << 30)  # A hole; there is no such disk.
        self.refuses("MODEL_CORRUPT", FILE)

    def test_headers_that_are_no_json_object(self):
        for raw in (b"[]", b"{", b'{"a":1}', b'{"a":{"dtype":"F32"}}', b"\xff" * 16, b" " * 64,
                    b"[" * 100_000, b'{"a":' * 100_000):
            with self.subTest(raw=raw[:20]):
                (self.directory / FILE).write_bytes(struct.pack("<Q", len(raw)) + raw)
                self.refuses("MODEL_CORRUPT", FILE)

    def test_tensors_that_overlap(self):
        def overlap(entries):
            entries["model.norm.weight"]["data_offsets"] = \
                entries["model.layers.0.input_layernorm.weight"]["data_offsets"]

        self.change_header(overlap)
        self.refuses("MODEL_CORRUPT", FILE)

    def test_tensors_of_another_size_than_their_shape_s(self):
        for shape in ([63], [65], [], [0], [64, 2], [2**32, 2**32, 64], [2**62, 4, 16], [-64],
                      [64.5], ["64"]):
            with self.subTest(shape=shape):
                self.take("llama")
                self.set_tensor(shape=shape)
                self.refuses("MODEL_CORRUPT")

    def test_tensors_beyond_the_file(self):
        for begin in (2**40, 2**63, 2**64 - 128, -128):
            with self.subTest(begin=begin):
                self.take("llama")
                self.set_tensor(data_offsets=[begin, begin + 128])
                self.refuses("MODEL_CORRUPT", FILE)

    def test_types_that_are_not_computed_are_named(self):
        for dtype in ("F8_E4M3", "I8", "F64", "NONSENSE"):
            with self.subTest(dtype=dtype):
                self.take("llama")
                self.set_tensor(dtype=dtype)
                self.refuses("MODEL_", dtype)

    def test_a_tensor_that_is_missing_is_named(self):
        tensors = self.models["llama"].tensors()
        for name in ("model.norm.weight", "lm_head.weight", "model.layers.1.mlp.up_proj.weight"):
            with self.subTest(tensor=name):
                rest = {other: tensors[other] for other in tensors if other != name}
                (self.directory / FILE).write_bytes(safetensors(rest))
                self.refuses("MODEL_CORRUPT", name)

    def test_bytes_that_belong_to_no_tensor(self):
        self.change_header(lambda entries: entries.pop("model.norm.weight"))
        self.refuses("MODEL_CORRUPT", FILE)

    def test_a_tensor_of_another_shape_than_the_configuration_s_is_named(self):
        self.change("config.json", intermediate_size=256)
        self.refuses("MODEL_CORRUPT", "mlp.")

    def test_a_tensor_without_a_place_is_named(self):
        def rename(entries):
            entries["model.layers.0.surprise.weight"] = entries.pop("lm_head.weight")

        self.change_header(rename)
        self.refuses("MODEL_")
        self.take("llama")
        self.change_header(lambda entries: entries.update(
            {"model.surprise.weight": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}))
        self.refuses("MODEL_UNSUPPORTED", "model.surprise.weight")


class FilesTest(RefusalTest):
    def test_files_that_are_missing_are_named(self):
        for file in ("config.json", "tokenizer.json"):
            with self.subTest(file=file):
                self.take("llama")
                (self.directory / file).unlink()
                self.refuses("MODEL_NOT_FOUND", file)

    def test_a_shard_that_is_missing_is_named(self):
        self.take("mistral")
        shard = self.directory / "model-00002-of-00003.safetensors"
        shard.unlink()
        self.refuses("MODEL_NOT_FOUND", shard.name)

    def test_indices_that_lie(self):
        file = "model.safetensors.index.json"
        for weight_map in ({"lm_head.weight": "../../../etc/passwd"}, {"lm_head.weight": ""},
                           {"lm_head.weight": "/etc/passwd"}, {"lm_head.weight": 1}, [], {}):
            with self.subTest(weight_map=weight_map):
                self.take("mistral")
                self.change(file, weight_map=weight_map)
                self.refuses("MODEL_", file)

    def test_files_that_are_no_json(self):
        for file in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            for content in (b"", b"{", b"[]", b"\xff\xfe{}", b'{"a":1,"a":2}', b"[" * 100_000):
                with self.subTest(file=file, content=content[:20]):
                    self.take("llama")
                    (self.directory / file).write_bytes(content)
                    self.refuses("MODEL_CORRUPT", file)

    def test_a_file_that_never_ends(self):
        (self.directory / "tokenizer.json").unlink()
        (self.directory / "tokenizer.json").symlink_to("/dev/zero")
        self.refuses("MODEL_", "tokenizer.json")


class ModelsTest(RefusalTest):
    def test_an_unknown_architecture_is_named(self):
        self.change("config.json", architectures=["SurpriseForCausalLM"])
        self.refuses("MODEL_UNSUPPORTED", "SurpriseForCausalLM")

    def test_an_unknown_pre_tokeniser_is_shown(self):
        self.change("tokenizer.json", pre_tokenizer={
            "type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": r"\p{Surprise}+"}, "behavior": "Isolated",
                 "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}]})
        self.refuses("MODEL_UNSUPPORTED", r"\p{Surprise}+")

    def test_other_kinds_of_tokenisers_are_named(self):
        self.change_model(type="Unigram")
        self.refuses("MODEL_UNSUPPORTED", "Unigram")

    def test_quantised_weights_are_unsupported(self):
        for method in ("gptq", "awq", "bitsandbytes", "fp8"):
            with self.subTest(method=method):
                self.change("config.json", quantization_config={"quant_method": method, "bits": 4})
                self.refuses("MODEL_UNSUPPORTED", method)

    def test_unknown_scalings_of_rotary_positions_are_named(self):
        self.change("config.json", rope_scaling={"rope_type": "surprise", "factor": 2.0})
        self.refuses("MODEL_UNSUPPORTED", "surprise")

    def test_sizes_that_cannot_be(self):
        for field, value in (("hidden_size", 0), ("hidden_size", -64), ("hidden_size", 2**40),
                             ("num_hidden_layers", 0), ("num_hidden_layers", 2**31),
                             ("num_attention_heads", 0), ("num_attention_heads", 3),
                             ("num_key_value_heads", 3), ("num_key_value_heads", 0),
                             ("head_dim", 0), ("head_dim", 2**30), ("vocab_size", 10**9),
                             ("vocab_size", 10), ("max_position_embeddings", 0),
                             ("max_position_embeddings", -1), ("rms_norm_eps", "small"),
                             ("rope_theta", "x"), ("intermediate_size", 1e300)):
            with self.subTest(field=field, value=value):
                self.take("llama")
                self.change("config.json", **{field: value})
                self.refuses("MODEL_")

    def test_vocabularies_that_cannot_be(self):
        vocabulary = json.loads((self.directory / "tokenizer.json").read_text())["model"]["vocab"]
        for vocab in ({**vocabulary, "surprise": 10**9}, {**vocabulary, "surprise": -1},
                      {**vocabulary, "surprise": 5}, {**vocabulary, "surprise": "x"}, {}, []):
            with self.subTest(surprise=vocab["surprise"] if "surprise" in vocab else vocab):
                self.take("llama")
                self.change_model(vocab=vocab)
                self.refuses("MODEL_")

    def test_merges_that_cannot_be(self):
        for merges in (["a"], ["a b c"], [["a"]], [["a", "b", "c"]], [1], {}, ["a surprise"],
                       ["surprise s"]):
            with self.subTest(merges=merges):
                self.take("llama")
                self.change_model(merges=merges)
                self.refuses("MODEL_")


class DirectoryFuzz(RefusalTest):
    def load(self):
        return load(self.directory, {"XDG_CACHE_HOME": str(self.cache)})

    def mutate(self, seed):
        chance = random.Random(seed)
        self.take(chance.choice(sorted(self.good)))
        path = chance.choice(sorted(self.directory.iterdir()))
        raw = path.read_bytes()
        header = len(raw)
        if path.suffix == ".safetensors":
            header = 8 + struct.unpack_from("<Q", raw)[0]
        path.write_bytes(mutate(raw, header, chance))

    def test_a_mutated_directory_ends_in_ready_or_in_exit_code_1(self):
        self.assertEqual(self.load(), "ready", "the model that is mutated has to be a good one")
        first = int(os.environ.get("RBEE_SEED", "0"))
        stop = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "60"))
        ends, seed = {}, first
        while time.monotonic() < stop and (seed == first or "RBEE_SEED" not in os.environ):
            self.mutate(seed)
            end = self.load()
            self.assertIn(end, ("ready", 1), f"RBEE_SEED={seed} runs this one again")
            self.assertEqual([path for path in self.cache.rglob("*.part")], [])
            ends[end] = ends.get(end, 0) + 1
            seed += 1
        print(f"{sum(ends.values())} directories: {ends}")


if __name__ == "__main__":
    unittest.main()
