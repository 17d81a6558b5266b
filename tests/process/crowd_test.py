"""More requests than the KV cache holds: all of them complete, and nobody is passed over."""

import pathlib
import tempfile
import threading
import unittest

import tiny_model
from worker import Worker, until

REQUESTS, SLOTS, CONTEXT = 64, 16, 512
TOKENS = 300
# What a real model continues without a doubt, so that it says the same in any batch.
COUNTING = ("10, 11, 12, 13, 14, 15, 16, 17, 18, 19,", "31, 32, 33, 34, 35, 36, 37, 38, 39,",
            "501, 502, 503, 504, 505, 506, 507,", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10,")


def flags(cells):
    return ("--threads", "1", "--parallel", str(SLOTS), "--max-queue", str(REQUESTS),
            "--context-size", str(CONTEXT), "--kv-tokens", str(cells))


def jobs_parked(worker):
    return worker.metric("vllm:num_preemptions_total")


class Crowd:
    """Requests at the same time, each on a thread of its own; replies in the order they came."""

    def __init__(self, worker):
        self.worker = worker
        self.replies = []
        self.threads = []

    def ask(self, name, token=None, **body):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        thread = threading.Thread(target=self._ask, args=(name, headers, body))
        thread.start()
        self.threads.append(thread)

    def _ask(self, name, headers, body):
        reply = self.worker.post({"temperature": 0, "ignore_eos": True, "stream": False,
                                  "max_tokens": TOKENS, **body}, headers=headers)
        self.replies.append((name, *reply))

    def wait(self):
        for thread in self.threads:
            thread.join()
        return self.replies


class CrowdTest(unittest.TestCase):
    def test_64_requests_share_cells_for_4_and_one_caller_is_not_behind_another_s_63(self):
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / "tiny.gguf"
            model.write_bytes(tiny_model.build()[0])
            tokens = pathlib.Path(folder) / "tokens"
            tokens.write_text("many\nfew\n", encoding="ascii")
            prompts = [f"request number {i}: " + "words " * 20 for i in range(REQUESTS)]
            # The slower engine, so that all requests are there before the first has its reply.
            with Worker(*flags(4 * CONTEXT), "--engine", "llama", "--api-token-file", str(tokens),
                        model=model) as worker:
                worker.ready()
                crowd = Crowd(worker)
                for i in range(REQUESTS - 1):
                    crowd.ask(i, "many", prompt=prompts[i])
                until(lambda: worker.metric("vllm:num_requests_running")
                      + worker.metric("vllm:num_requests_waiting") == REQUESTS - 1)
                crowd.ask(REQUESTS - 1, "few", prompt=prompts[-1])
                replies = crowd.wait()
                self.assertGreater(jobs_parked(worker), 0)
                self.assertEqual(worker.health()["slots_busy"], 0)
            self.assertEqual([status for _, status, _ in replies], [200] * REQUESTS)
            self.assertEqual({reply["tokens_out"] for _, _, reply in replies}, {TOKENS})
            # Behind those that held a slot when it came, and not behind the others.
            place = [name for name, _, _ in replies].index(REQUESTS - 1)
            self.assertLess(place, 2 * SLOTS)

    def test_a_parked_job_says_what_it_says_alone(self):
        alone = {}
        with Worker(*flags(CONTEXT), "--cache-ram", "0") as worker:
            worker.ready()
            for prompt in COUNTING:
                crowd = Crowd(worker)
                crowd.ask(prompt, prompt=prompt)
                alone[prompt] = crowd.wait()[0][2]["text"]
        with Worker(*flags(CONTEXT)) as worker:
            worker.ready()
            crowd = Crowd(worker)
            for prompt in COUNTING:
                crowd.ask(prompt, prompt=prompt)
            together = {prompt: reply["text"] for prompt, _, reply in crowd.wait()}
            self.assertGreater(jobs_parked(worker), 0)
        self.assertEqual(together, alone)


if __name__ == "__main__":
    unittest.main()
