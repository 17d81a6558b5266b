"""Text over HTTP, from a real model."""

import json
import subprocess
import unittest

from modality import MODALITY, need
from worker import Worker

PROMPT = "The three largest oceans are"


class InferenceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.worker = Worker("--parallel", "4", "--context-size", "1024")
        cls.worker.__enter__()
        cls.addClassCleanup(cls.worker.__exit__)
        cls.worker.ready()

    def whole(self, **body):
        status, reply = self.worker.post({"prompt": PROMPT, "max_tokens": 16, "temperature": 0,
                                          "stream": False, **body})
        self.assertEqual(status, 200, reply)
        return reply

    def test_greedy_text_is_that_of_a_bare_decode_loop(self):
        bare = subprocess.run([need("RBEE_BARE_TEXT"), need("RBEE_TEST_MODEL"), PROMPT, "64"],
                              check=True, capture_output=True, text=True).stdout
        with Worker("--engine", "llama", "--parallel", "4", "--context-size", "1024") as worker:
            worker.ready()
            status, reply = worker.post({"prompt": PROMPT, "max_tokens": 64, "temperature": 0,
                                         "stream": False})
        self.assertEqual(status, 200, reply)
        self.assertEqual(reply["text"], bare)

    def test_a_stream_says_what_the_whole_reply_says(self):
        settings = ({"temperature": 0}, {"temperature": 0.9, "seed": 7},
                    {"temperature": 1.2, "top_p": 0.8, "top_k": 30, "min_p": 0.02, "seed": 8},
                    {"temperature": 0, "repetition_penalty": 1.3, "repeat_last_n": 0})
        for setting in settings:
            with self.subTest(**setting):
                whole = self.whole(max_tokens=32, **setting)
                events = self.worker.stream(prompt=PROMPT, max_tokens=32, **setting).rest()
                self.assertEqual(MODALITY.said(events), whole["text"])
                self.assertEqual(events[-2]["stop_reason"], whole["stop_reason"])
                self.assertEqual(events[-2]["tokens_out"], whole["tokens_out"])

    def test_a_stream_begins_with_started_and_ends_with_end_and_the_marker(self):
        events = self.worker.stream(prompt=PROMPT, seed=5).rest()
        self.assertEqual(events[-1], "[DONE]")
        kinds = [event["type"] for event in events[:-1]]
        self.assertEqual((kinds[0], kinds[-1]), ("started", "end"))
        self.assertEqual(kinds.count("started") + kinds.count("end") + kinds.count("error"), 2)
        self.assertEqual(list(events[0]), ["type", "job_id", "model", "started_at", "seed"])
        self.assertEqual(events[0]["seed"], 5)
        tokens = [event for event in events[:-1] if event["type"] == "token"]
        self.assertEqual([token["i"] for token in tokens], list(range(len(tokens))))
        self.assertIn("metrics", kinds)

    def test_a_seed_that_was_not_given_is_reported_and_gives_the_text_again(self):
        first = self.whole(temperature=1.5)
        again = self.whole(temperature=1.5, seed=first["seed"])
        self.assertEqual(again["text"], first["text"])

    def test_a_stop_string_ends_the_text_before_it(self):
        text = self.whole(max_tokens=32)["text"]
        stop = text[10:16]
        reply = self.whole(max_tokens=32, stop=["never said", stop])
        self.assertEqual(reply["text"], text[:text.index(stop)])
        self.assertEqual((reply["stop_reason"], reply["stop_sequence_matched"]),
                         ("STOP_SEQUENCE", stop))

    def test_content_is_in_the_log_where_somebody_asks_for_it(self):
        with Worker("--parallel", "1", "--context-size", "256", "--log-content") as worker:
            worker.ready()
            text = worker.post({"prompt": PROMPT, "max_tokens": 4, "temperature": 0,
                                "stream": False})[1]["text"]
            worker.wait_for("inference_complete")
        said = [line.get("text") for line in worker.log]
        self.assertIn(PROMPT, said)
        self.assertIn(text, "".join(filter(None, said)))

    def test_a_prompt_that_begins_like_another_goes_on_from_there(self):
        beginning = "The river runs past hills and towns to the sea. " * 8
        said = [self.worker.stream(prompt=beginning + end, max_tokens=4).rest()
                for end in ("It is cold.", "It is warm.")]
        reused = [[event for event in events if isinstance(event, dict)
                   and event.get("action") == "prefix_reused"] for events in said]
        self.assertEqual([len(events) for events in reused], [0, 1])
        self.assertIn("prefix-cache", json.loads(self.worker.get("/info")[1])["capabilities"])

    def test_max_tokens_is_the_number_of_tokens(self):
        reply = self.whole(max_tokens=3)
        self.assertEqual((reply["stop_reason"], reply["tokens_out"]), ("MAX_TOKENS", 3))

    def test_a_full_context_ends_the_text(self):
        reply = self.whole(prompt="word " * 1000, max_tokens=500)
        self.assertEqual(reply["stop_reason"], "MAX_TOKENS")
        self.assertLess(reply["tokens_out"], 30)

    def test_a_prompt_that_does_not_fit_is_refused_with_both_counts(self):
        status, body = self.worker.post({"prompt": "word " * 3000, "max_tokens": 1})
        self.assertEqual((status, body["code"]), (400, "INVALID_REQUEST"))
        self.assertIn("1024", body["message"])
        self.assertRegex(body["message"], r"\b300\d\b")

    def test_an_empty_prompt_is_refused(self):
        status, body = self.worker.post({"prompt": "", "max_tokens": 1})
        self.assertEqual(status, 400)
        self.assertEqual(body["errors"][0]["message"], "prompt must not be empty")

    def test_every_piece_is_whole_utf8(self):
        events = self.worker.stream(prompt="Emoji: 😀😃😄😁 日本語のテキスト:", max_tokens=64,
                                    temperature=1.5, seed=3).rest()
        for event in events[:-1]:
            if event["type"] == "token":
                event["t"].encode("utf-8")  # A lone surrogate would not encode.

    def test_jobs_beyond_the_slots_wait_and_all_complete(self):
        streams = [self.worker.stream(prompt=f"Number {i}:", max_tokens=8) for i in range(12)]
        for stream in streams:
            self.assertEqual(stream.rest()[-1], "[DONE]")


if __name__ == "__main__":
    unittest.main()
