"""The worker for embeddings: its vectors against those that numpy computes from the same files, by
the native route and by OpenAI's Python client."""

import json
import tempfile
import unittest
from pathlib import Path

import oracles  # noqa: F401  # Before numpy, which it makes importable.
import numpy as np
import tokenizers

import bert_reference
import tokenizer_files
from decoder_reference import Decoder
from embedding_models import Bert, QwenEmbedding
from embedding_texts import TEXTS
from hugging_face_models import Qwen
from modality import Embedding, Text, need
from openai_client import client_of, openai
from worker import Stream, Worker

ONE_THREAD = ("--threads", "1")
NEAR = 0.9999  # cosine
# What a model of 64 dimensions loses by 16-bit numbers.
NEAR_16_BIT = 0.999


def embed(worker, texts):
    """[texts][width], by the native route"""
    status, reply = worker.post({"input": list(texts), "stream": False})
    assert status == 200, reply
    assert [each["index"] for each in reply["data"]] == list(range(len(texts))), reply
    return np.array([each["embedding"] for each in reply["data"]])


def cosines(ours, theirs):
    return (ours * theirs).sum(-1) / np.linalg.norm(ours, axis=-1) / np.linalg.norm(theirs, axis=-1)


def of_tokens(vocabulary, count):
    """A text that has so many tokens with those around it."""
    text = " ".join(["word"] * (count - 2))
    assert len(vocabulary.tokens(text)) == count
    return text


class MiniLm(unittest.TestCase):
    """A worker of the real model."""

    @classmethod
    def setUpClass(cls):
        cls.cache = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.cache.cleanup)
        cls.worker = Worker(*ONE_THREAD, "--parallel", "8", modality=Embedding,
                            env={"XDG_CACHE_HOME": cls.cache.name})
        cls.worker.__enter__()
        cls.addClassCleanup(cls.worker.__exit__)
        cls.worker.ready()
        cls.reference = bert_reference.Bert(Path(need("RBEE_TEST_EMBEDDING_MODEL")))
        cls.limit = json.loads(cls.worker.get("/info")[1])["limits"]["context_length"]


class VectorsTest(MiniLm):
    def are_the_references(self, texts):
        ours = embed(self.worker, texts)
        np.testing.assert_allclose(np.linalg.norm(ours, axis=-1), 1, atol=1e-5)
        for text, cosine in zip(texts, cosines(ours, np.array([self.reference.embed(each)
                                                               for each in texts]))):
            with self.subTest(text=text[:60]):
                self.assertGreaterEqual(cosine, NEAR)

    def test_texts_of_all_kinds(self):
        self.are_the_references(TEXTS)

    def test_texts_up_to_the_limit(self):
        self.assertEqual(self.limit, 512)
        self.are_the_references([of_tokens(self.reference.vocabulary, count)
                                 for count in (3, 31, 32, 33, 255, 256, 257, 511, 512)])

    def test_one_by_one_they_are_what_they_are_together(self):
        together = embed(self.worker, TEXTS)
        alone = np.array([embed(self.worker, [text])[0] for text in TEXTS])
        self.assertGreaterEqual(cosines(together, alone).min(), NEAR)

    def test_tokens_are_those_of_tokenizers(self):
        theirs = tokenizers.Tokenizer.from_file(
            str(Path(need("RBEE_TEST_EMBEDDING_MODEL")) / "tokenizer.json"))
        theirs.no_padding()
        theirs.no_truncation()
        for text in (*TEXTS, "", "e\u0301 ﬁ Ⅳ İstanbul ß ½ ª", "a\u00adb\u200bc\u200d d\ufeff"):
            with self.subTest(text=text):
                _, reply = self.worker.post({"content": text, "add_special": True}, "/tokenize")
                self.assertEqual(reply["tokens"], theirs.encode(text).ids)

    def test_what_means_the_same_is_near(self):
        cat, other_cat, revenue = embed(self.worker, TEXTS[2:5])
        self.assertGreater(cat @ other_cat, cat @ revenue + 0.5)


class NativeRouteTest(MiniLm):
    def test_a_stream_has_a_vector_an_input(self):
        texts = list(TEXTS[:5])
        first, *middle, end, marker = Stream(self.worker, {"input": texts, "stream": True}).rest()
        self.assertEqual((first["type"], end["type"], marker), ("started", "end", "[DONE]"))
        vectors = [event for event in middle if event["type"] == "embedding"]
        self.assertEqual(sorted(event["index"] for event in vectors), list(range(5)))
        self.assertEqual((end["tokens_out"], end["stop_reason"]), (5, "EOS"))
        streamed = np.array([each["embedding"]
                             for each in sorted(vectors, key=lambda each: each["index"])])
        self.assertGreaterEqual(cosines(streamed, embed(self.worker, texts)).min(), NEAR)

    def test_one_text_may_stand_by_itself(self):
        status, reply = self.worker.post({"input": TEXTS[0], "stream": False})
        self.assertEqual((status, len(reply["data"])), (200, 1))
        self.assertGreaterEqual(cosines(np.array(reply["data"][0]["embedding"]),
                                        self.reference.embed(TEXTS[0])), NEAR)

    def test_tokens_are_counted(self):
        _, reply = self.worker.post({"input": list(TEXTS), "stream": False})
        self.assertEqual(reply["tokens_in"],
                         sum(len(self.reference.vocabulary.tokens(text)) for text in TEXTS))

    def test_a_text_that_is_too_long_is_named(self):
        longer = of_tokens(self.reference.vocabulary, self.limit + 1)
        status, reply = self.worker.post({"input": ["short", longer], "stream": False})
        self.assertEqual(status, 400, reply)
        self.assertIn(str(self.limit + 1), json.dumps(reply))


class OpenAiTest(MiniLm):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = client_of(cls.worker)
        cls.addClassCleanup(cls.client.close)

    def create(self, texts, **settings):
        return self.client.embeddings.create(**{"model": "default", "input": texts, **settings})

    def vectors(self, texts, **settings):
        return np.array([each.embedding for each in self.create(texts, **settings).data])

    def refuses(self, error, status, texts, **settings):
        with self.assertRaises(error) as caught:
            self.create(texts, **settings)
        self.assertEqual(caught.exception.status_code, status)
        return caught.exception

    def test_floats_and_base64_are_the_same_vectors(self):
        # The client asks for base64 where nothing is said.
        said_nothing = self.vectors(list(TEXTS))
        floats = self.vectors(list(TEXTS), encoding_format="float")
        np.testing.assert_allclose(said_nothing, floats, rtol=0, atol=1e-4)
        raw = self.create(TEXTS[0], encoding_format="base64").data[0].embedding
        self.assertIsInstance(raw, str)
        self.assertGreaterEqual(cosines(floats, np.array([self.reference.embed(text)
                                                          for text in TEXTS])).min(), NEAR)

    def test_the_shape_of_a_reply(self):
        reply = self.create(list(TEXTS[:3]))
        self.assertEqual(reply.object, "list")
        self.assertTrue(reply.model)
        self.assertEqual([(each.object, each.index, len(each.embedding)) for each in reply.data],
                         [("embedding", i, 384) for i in range(3)])
        tokens = sum(len(self.reference.vocabulary.tokens(text)) for text in TEXTS[:3])
        self.assertEqual((reply.usage.prompt_tokens, reply.usage.total_tokens), (tokens, tokens))

    def test_256_inputs_of_one_call_are_answered_in_their_order(self):
        texts = [f"{number} {TEXTS[number % len(TEXTS)]}" for number in range(256)]
        expected = np.array([self.reference.embed(text) for text in texts])
        self.assertGreaterEqual(cosines(self.vectors(texts), expected).min(), NEAR)

    def test_fewer_dimensions_are_the_first_ones_at_length_one(self):
        whole = self.vectors(TEXTS[4])[0]
        for count in (1, 64, 384):
            cut = self.vectors(TEXTS[4], dimensions=count)[0]
            np.testing.assert_allclose(cut, whole[:count] / np.linalg.norm(whole[:count]),
                                       rtol=0, atol=1e-4)
        for count in (0, 385):
            self.refuses(openai.BadRequestError, 400, TEXTS[4], dimensions=count)

    def test_tokens_are_the_same_as_their_text(self):
        tokens = [self.reference.vocabulary.tokens(text) for text in TEXTS]
        expected = self.vectors(list(TEXTS))
        self.assertGreaterEqual(cosines(self.vectors(tokens), expected).min(), NEAR)
        self.assertGreaterEqual(cosines(self.vectors(tokens[4]), expected[4:5]).min(), NEAR)
        self.refuses(openai.BadRequestError, 400, [10**6])

    def test_what_is_too_long_is_refused_with_both_counts(self):
        longer = of_tokens(self.reference.vocabulary, self.limit + 1)
        for texts in (longer, ["short", longer]):
            error = self.refuses(openai.BadRequestError, 400, texts)
            self.assertEqual(error.code, "context_length_exceeded")
            self.assertIn(str(self.limit), error.message)
            self.assertIn(str(self.limit + 1), error.message)

    def test_nothing_is_refused(self):
        for texts in ("", [], ["Hello", ""], [[]]):
            with self.subTest(input=texts):
                self.refuses(openai.BadRequestError, 400, texts)

    def test_any_other_model_is_not_found(self):
        error = self.refuses(openai.NotFoundError, 404, "Hello", model="text-embedding-3-small")
        self.assertEqual(error.code, "model_not_found")

    def test_an_unknown_encoding_is_refused(self):
        self.refuses(openai.BadRequestError, 400, "Hello", encoding_format="hex")

    def test_what_has_no_meaning_here_is_reported(self):
        reply = self.create("Hello", user="someone")
        self.assertEqual([each["param"] for each in reply.x_ignored], ["user"])

    def test_the_model_is_listed(self):
        [model] = self.client.models.list()
        self.assertEqual(self.create("Hello", model=model.id).model, model.id)


class GeneratedTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.environment = {"XDG_CACHE_HOME": str(self.folder / "cache")}

    def serve(self, path, modality=Embedding):
        return Worker(*ONE_THREAD, "--parallel", "4", model=path, modality=modality,
                      env=self.environment)

    def test_a_directory_and_its_gguf_twin_make_the_same_vectors(self):
        for dtype, pooling in (("F32", "mean"), ("F32", "cls"), ("F16", "mean"), ("BF16", "mean")):
            with self.subTest(dtype=dtype, pooling=pooling):
                model = Bert(dtype, pooling)
                name = f"{dtype}-{pooling}"
                directory = model.write_directory(self.folder / name)
                file = model.write_gguf(self.folder / f"{name}.gguf")
                reference = bert_reference.Bert(directory)
                expected = np.array([reference.embed(text) for text in TEXTS])
                with self.serve(directory) as worker:
                    ours = embed(worker.ready(), TEXTS)
                with self.serve(file) as worker:
                    theirs = embed(worker.ready(), TEXTS)
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
                self.assertGreaterEqual(cosines(ours, expected).min(),
                                        NEAR if dtype == "F32" else NEAR_16_BIT)

    def test_the_last_token_s_state_of_a_decoder(self):
        model = QwenEmbedding()
        directory = model.write_directory(self.folder / model.name)
        file = model.write_gguf(self.folder / "model.gguf")
        states = Decoder(model, 512)
        vectors = {}
        for path, modality in ((directory, Embedding), (file, Embedding), (directory, Text)):
            with self.serve(path, modality) as worker:
                worker.ready()
                reply = client_of(worker).embeddings.create(model="default", input=list(TEXTS))
                vectors[path, modality] = np.array([each.embedding for each in reply.data])
                tokens = [worker.post({"content": text, "add_special": True},
                                      "/tokenize")[1]["tokens"] for text in TEXTS]
        end = model.tokenizer.id_of("<|endoftext|>")
        self.assertEqual({each[-1] for each in tokens}, {end})
        expected = np.array([states.states(each)[-1] for each in tokens])
        for (path, modality), ours in vectors.items():
            with self.subTest(path=path.name, modality=modality.NAME):
                self.assertGreaterEqual(cosines(ours, expected).min(), NEAR_16_BIT)

    def test_a_model_that_makes_no_vectors_refuses(self):
        model = Qwen("Tiny-Qwen3", tokenizer_files.qwen2(), 3, head_dim=32)
        with self.serve(model.write_gguf(self.folder / "model.gguf"), Text) as worker:
            with self.assertRaises(openai.BadRequestError) as caught:
                client_of(worker.ready()).embeddings.create(model="default", input="Hello")
            self.assertEqual(caught.exception.status_code, 400)


if __name__ == "__main__":
    unittest.main()
