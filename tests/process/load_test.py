"""What the worker says of itself while it has more to do than slots, and afterwards, against what
its clients have seen."""

import json
import re
import threading
import unittest

from peer import Peer
from worker import Stream, Worker, until

SLOTS, QUEUE = 4, 20
PROMPT = "10, 11, 12, 13, 14, 15, 16, 17, 18, 19,"  # It counts on, and does not end.
LONG, SHORT = 350, 6  # tokens
FLAGS = ("--threads", "1", "--parallel", str(SLOTS), "--max-queue", str(QUEUE),
         "--context-size", "512", "--local-mode", "--heartbeat-interval", "1s")

_SAMPLE = re.compile(r"^([\w:]+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


class Metrics:
    """One scrape."""

    def __init__(self, text):
        self.samples = {}
        for name, labels, value in _SAMPLE.findall(text):
            found = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            found.pop("model_name", None)
            self.samples[name, *found.values()] = float(value)

    def __call__(self, *name):
        return self.samples[name]


class Watch:
    """Asks all the time, from a thread of its own, and keeps what contradicts itself."""

    def __init__(self, worker):
        self.worker = worker
        self.looks = 0
        self.wrong = []
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._enough.set()
        self._thread.join()

    def _look(self):
        while not self._enough.wait(0.02):
            self.looks += 1
            metrics = Metrics(self.worker.get("/metrics")[1])
            slots, health = self.worker.get("/v1/slots")[1], self.worker.health()
            busy = [slot for slot in json.loads(slots) if slot["is_processing"]]
            fine = (len(busy) <= SLOTS and health["slots_busy"] <= health["slots_total"] == SLOTS
                    and metrics("vllm:num_requests_running") <= SLOTS
                    and metrics("vllm:num_requests_waiting") <= QUEUE
                    and metrics("vllm:kv_cache_usage_perc") <= 1 and PROMPT not in slots)
            if not fine:
                self.wrong.append((slots, health))


class LoadTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hive = Peer()
        cls.hive.__enter__()
        cls.addClassCleanup(cls.hive.__exit__)
        cls.worker = Worker(*FLAGS, "--hive-url", f"http://{cls.hive.place}")
        cls.worker.__enter__()
        cls.addClassCleanup(cls.worker.__exit__)
        cls.worker.ready()

    def test_under_load_and_afterwards_all_figures_are_what_clients_have_seen(self):
        with Watch(self.worker) as watch:
            streams = [self.worker.stream(prompt=PROMPT, max_tokens=LONG, job_id=f"stream-{i}")
                       for i in range(SLOTS - 1)]
            self.make_job("running", LONG)
            until(lambda: len(self.jobs_in_slots()) == SLOTS)
            waiting = [self.make_job(f"waiting-{i}", SHORT) for i in range(QUEUE)]
            self.is_full()
            given_up = ["running", *waiting[-2:]]
            for job in given_up:
                self.assertEqual(self.ask("DELETE", f"/v1/jobs/{job}"), 200)
            ends = [stream.rest()[-2] for stream in streams]
            ends += [Stream(self.worker, path=f"/v1/jobs/{job}/stream").rest()[-2]
                     for job in waiting[:-2]]
        self.assertEqual(watch.wrong, [])
        self.assertGreater(watch.looks, 0)
        seen = {"tokens_out": sum(end["tokens_out"] for end in ends), "given_up": given_up,
                "length": sum(end["stop_reason"] == "MAX_TOKENS" for end in ends),
                "stop": sum(end["stop_reason"] != "MAX_TOKENS" for end in ends)}
        self.counters_are(seen)
        self.is_idle()

    def is_full(self):
        """Three more are refused; everybody who asks hears of four jobs and twenty that wait."""
        for _ in range(3):
            status, body = self.worker.post({"prompt": PROMPT, "max_tokens": 1})
            self.assertEqual((status, body["error"]["slots_busy"]), (503, SLOTS))
        self.assertEqual(sorted(self.jobs_in_slots()),
                         ["running", *(f"stream-{i}" for i in range(SLOTS - 1))])
        until(lambda: self.gauges()[:2] == (SLOTS, QUEUE))
        self.assertGreater(self.gauges()[2], 0)
        until(lambda: self.beat()["tokens_per_second"] > 0
              and (self.beat()["slots_busy"], self.beat()["queue_depth"]) == (SLOTS, QUEUE))
        view = json.loads(self.worker.get("/v1/jobs/waiting-7")[1])
        self.assertEqual((view["state"], view["queue_position"]), ("queued", 7))

    def counters_are(self, seen):
        told = [json.loads(self.worker.get(f"/v1/jobs/{job}")[1])["tokens_out"]
                for job in seen["given_up"]]
        self.worker.wait_for("cancelled")
        tokens_out, given_up = seen["tokens_out"] + sum(told), len(seen["given_up"])
        ended = seen["length"] + seen["stop"] + given_up
        metrics = Metrics(self.worker.get("/metrics")[1])
        prompts = seen["length"] + seen["stop"] + 1  # those that were computed
        tokens_in = prompts * self.prompt_tokens()
        for name, expected in ((("worker_requests_total", "length_reached"), seen["length"]),
                               (("worker_requests_total", "completed"), seen["stop"]),
                               (("worker_requests_total", "cancelled"), given_up),
                               (("worker_requests_total", "timed_out"), 0),
                               (("worker_requests_total", "failed"), 0),
                               (("worker_requests_total", "refused"), 3),
                               (("vllm:request_success_total", "length"), seen["length"]),
                               (("vllm:request_success_total", "stop"), seen["stop"]),
                               (("vllm:request_success_total", "abort"), given_up),
                               (("worker_tokens_in_total",), tokens_in),
                               (("vllm:prompt_tokens_total",), tokens_in),
                               (("worker_tokens_generated_total",), tokens_out),
                               (("vllm:generation_tokens_total",), tokens_out),
                               (("vllm:request_prompt_tokens_sum",), tokens_in),
                               (("vllm:request_generation_tokens_sum",), tokens_out),
                               (("vllm:time_to_first_token_seconds_count",), prompts),
                               (("vllm:e2e_request_latency_seconds_count",), ended),
                               (("vllm:request_queue_time_seconds_count",), ended),
                               (("vllm:request_prompt_tokens_count",), ended),
                               (("vllm:request_generation_tokens_count",), ended),
                               (("worker_inference_duration_ms_count",), ended)):
            with self.subTest(metric=name):
                self.assertEqual(metrics(*name), expected)
        self.assertLessEqual(metrics("vllm:prefix_cache_hits_total"), tokens_in)

    def is_idle(self):
        self.assertEqual(self.gauges(), (0, 0, 0))
        self.assertEqual(self.jobs_in_slots(), [])
        health = self.worker.health()
        self.assertEqual((health["status"], health["state"], health["slots_busy"]),
                         ("healthy", "idle", 0))
        until(lambda: (self.beat()["slots_busy"], self.beat()["queue_depth"],
                       self.beat()["tokens_per_second"], self.beat()["state"]) == (0, 0, 0, "idle"))

    def make_job(self, job_id, tokens):
        status, reply = self.worker.post({"prompt": PROMPT, "max_tokens": tokens, "temperature": 0,
                                          "job_id": job_id}, "/v1/jobs")
        self.assertEqual(status, 200, reply)
        return reply["job_id"]

    def prompt_tokens(self):
        return self.worker.wait_for("inference_complete")["tokens_in"]

    def jobs_in_slots(self):
        return [slot["job_id"] for slot in json.loads(self.worker.get("/v1/slots")[1])
                if slot["is_processing"] and "job_id" in slot]

    def gauges(self):
        metrics = Metrics(self.worker.get("/metrics")[1])
        return (metrics("vllm:num_requests_running"), metrics("vllm:num_requests_waiting"),
                metrics("vllm:kv_cache_usage_perc"))

    def beat(self):
        """What the hive was told last."""
        return self.hive.requests[-1].json()

    def ask(self, method, path):
        connection = self.worker.connect()
        connection.request(method, path)
        status = connection.getresponse().status
        connection.close()
        return status


if __name__ == "__main__":
    unittest.main()
