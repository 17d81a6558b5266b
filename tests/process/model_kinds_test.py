"""Models that remember a text in different ways say the same, whatever was computed for others."""

import concurrent.futures
import json
import tempfile
import unittest
from pathlib import Path

import tiny_model
from worker import Worker

# Turns off that beginnings of prompts are kept; empty where the worker keeps none.
KEEPS_NONE = ("--cache-ram", "0")
# Each kind with a seed, and what /info says of the prompts that it can go on from. How a step
# rounds depends on the rows in it. With these seeds each token is likelier than any other by far
# more than that: by 0.01 in the logits, as with `min_p` 0.99 there is no other to be drawn.
KINDS = {"plain": (tiny_model.PLAIN, 48, "prefix-cache"),
         "sliding": (tiny_model.SLIDING, 23, "prefix-cache-whole"),
         "recurrent": (tiny_model.RECURRENT, 3, "prefix-cache-whole"),
         "hybrid": (tiny_model.HYBRID, 26, "prefix-cache-whole")}
# Two slots share cells that are too few for all texts, and each text is longer than a window.
FLAGS = ("--parallel", "2", "--context-size", "256", "--kv-tokens", "512", "--threads", "1",
         "--kv-type", "f32")
RULES = "Answer in few words, and only what was asked for. Here are the questions so far: "
QUESTIONS = ("How deep is it?", "How far?", "And why?")


def say(worker, prompt):
    status, reply = worker.post({"prompt": prompt, "max_tokens": 12, "temperature": 0,
                                 "repetition_penalty": 1.5, "repeat_last_n": 8,
                                 "ignore_eos": True, "stream": False})
    assert status == 200, reply
    return reply["text"]


def conversation(worker):
    """What is said turn by turn: each prompt is the last one, its reply and more."""
    prompt, said = RULES, []
    for question in QUESTIONS:
        prompt += question
        said.append(say(worker, prompt))
        prompt += said[-1]
    return said


def one_by_one(worker):
    """Prompts that begin alike, in all orders: longer, shorter, the same, another end."""
    whole = RULES + "".join(QUESTIONS)
    lengths = (40, 120, 120, 80, 119, 7, 40)
    said = [say(worker, whole[:length]) for length in lengths]
    return said + [say(worker, whole[:60] + "Now: " + question) for question in QUESTIONS]


def together(worker):
    prompts = [RULES + question for question in QUESTIONS + QUESTIONS[:1]]
    with concurrent.futures.ThreadPoolExecutor(len(prompts)) as pool:
        return list(pool.map(lambda prompt: say(worker, prompt), prompts))


def everything(worker):
    return {"conversation": conversation(worker), "one by one": one_by_one(worker),
            "together": together(worker), "again": conversation(worker)}


class ModelKindsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "tiny.gguf"

    def run_worker(self, *flags):
        """(all that it says, its capabilities)"""
        with Worker(*FLAGS, *flags, model=self.path) as worker:
            worker.ready()
            said = everything(worker)
            return said, json.loads(worker.get("/info")[1])["capabilities"]

    def check(self, name):
        kind, seed, capability = KINDS[name]
        self.path.write_bytes(tiny_model.build(kind, seed)[0])
        said, capabilities = self.run_worker()
        fresh, fresh_capabilities = self.run_worker(*KEEPS_NONE)
        self.assertEqual(said, fresh)
        self.assertEqual(said["again"], said["conversation"])
        # No model that says the same whatever it was told.
        self.assertGreater(len(set(fresh["conversation"] + fresh["one by one"])), 8)
        kept = [each for each in capabilities if each.startswith("prefix-cache")]
        self.assertEqual(kept, [capability] if KEEPS_NONE else [])
        self.assertFalse([each for each in fresh_capabilities if each.startswith("prefix-cache")])

    def test_keys_and_values_of_every_token(self):
        self.check("plain")

    def test_a_sliding_window(self):
        self.check("sliding")

    def test_a_state(self):
        self.check("recurrent")

    def test_a_state_and_keys_and_values_by_layer(self):
        self.check("hybrid")


if __name__ == "__main__":
    unittest.main()
