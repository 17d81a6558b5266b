"""Beside hives and queens: what they hear, and that nothing they do costs anyone anything."""

import concurrent.futures
import json
import os
import pathlib
import tempfile
import threading
import time
import unittest

import peer
from modality import LONG, MODALITY
from peer import Peer, PeerProcess, status
from worker import Stream, Worker, run_to_end, until

HEARTBEAT = ["worker_id", "timestamp", "timestamp_ms", "health_status", "status", "vram_used",
             "vram_total", "memory_used", "device", "slots_total", "slots_busy", "queue_depth",
             "tokens_per_second", "model", "state"]
CALLBACK = ["worker_id", "url", "model_ref", "backend", "device", "vram_bytes"]
WORKER = ["id", "model_id", "device", "port", "status", "implementation", "version"]
HEARTBEAT_BYTES_MAX = 4096

# Of one thread: several wait for each other by spinning, which crawls on a busy machine.
SMALL = ("--context-size", "512", "--parallel", "4", "--threads", "1")
# One beat at the start; every other one has a cause.
NEVER = ("--heartbeat-interval", "10m")
PROMPT = "10, 11, 12, 13, 14, 15, 16, 17, 18, 19,"


def whole(worker, prompt=PROMPT):
    code, reply = worker.post({**MODALITY.work(prompt), "stream": False})
    assert code == 200, reply
    return MODALITY.said_whole(reply)


def report(worker):
    """GET /heartbeat by peer."""
    return {one["peer"]: one for one in json.loads(worker.get("/heartbeat")[1])["peers"]}


class PeerTest(unittest.TestCase):
    def arrives_as_promised(self, request, target):
        """What small hives rely on: one read gets the whole request."""
        self.assertEqual((request.method, request.target, request.version),
                         ("POST", target, "HTTP/1.1"))
        self.assertEqual(request.sizes, [len(request.raw)])
        self.assertEqual(request.field("Content-Length"), [str(len(request.body))])
        self.assertEqual(request.field("Content-Type"), ["application/json"])
        self.assertEqual(request.field("Transfer-Encoding") + request.field("Expect"), [])
        self.assertEqual(len(request.field("Host")), 1)
        self.assertEqual(len(request.field("X-Correlation-ID")[0]), 36)
        self.assertLess(len(request.raw), HEARTBEAT_BYTES_MAX)

    def is_callback(self, request, **values):
        self.arrives_as_promised(request, "/v1/workers/ready")
        self.assertEqual(list(request.json()), CALLBACK)
        self.assertEqual(request.json(), {**request.json(), **values})

    def is_heartbeat(self, request, **values):
        self.arrives_as_promised(request, "/v1/heartbeat")
        body = request.json()
        self.assertEqual(list(body), HEARTBEAT)
        self.assertEqual(body, {**body, **values})
        self.assertEqual(body["status"], body["health_status"])

    def is_queen_beat(self, request, **values):
        self.arrives_as_promised(request, "/v1/worker-heartbeat")
        body = request.json()
        self.assertEqual((list(body), list(body["worker"])), (["worker", "timestamp"], WORKER))
        self.assertRegex(body["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        self.assertEqual(body["worker"], {**body["worker"], **values})


class StartLineTest(PeerTest):
    """The lines that hives and queens issue, word for word."""

    CALLBACK_HIVE = (MODALITY.NAME + " --worker-id 7b0c1f5e-8f0e-4a5e-9d1c-2f6f0b1a9e11"
                     " --model {path} --model-ref hf:x/y --backend cpu --device 0 --port {port}"
                     " --callback-url http://{hive}/v1/workers/ready")
    HEARTBEAT_HIVE = (MODALITY.NAME + " --worker-id W --model {path} --model-ref R --backend cpu"
                      " --device 0 --port {port} --hive-url http://{hive} --local-mode")
    QUEEN = (MODALITY.NAME + " --worker-id W --model {id} --device cpu --port {port}"
             " --queen-url http://localhost:{queen_port}")
    QUEEN_OF_LINKS = ("worker-cpu-8080 --worker-id worker-cpu-8080 --model {id} --device 0"
                      " --port {port} --queen-url http://localhost:{queen_port}")
    CATALOGUE_ID = "hf:example/small-one"

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.home = pathlib.Path(folder.name)
        for name in (MODALITY.NAME, "worker-cpu-8080"):
            (cls.home / name).symlink_to(MODALITY.program())
        entry = cls.home / ".cache/rbee/models/hf-example-small-one"
        entry.mkdir(parents=True)
        (entry / "metadata.json").write_text(
            json.dumps({"artifact": {"path": MODALITY.model()}}))

    def started(self, line, hive):
        """By its name alone, as a hive starts what is on its PATH."""
        worker = Worker(env={"HOME": str(self.home), "PATH": f"{self.home}:{os.environ['PATH']}",
                             "LLM_WORKER_HEARTBEAT_INTERVAL": "1s",
                             "LLM_WORKER_CONTEXT_SIZE": "512", "LLM_WORKER_PARALLEL": "4",
                             "LLM_WORKER_THREADS": "1"})
        self.port = free_port()
        worker.command = line.format(path=MODALITY.model(), id=self.CATALOGUE_ID,
                                     port=self.port, hive=hive.place,
                                     queen_port=hive.port).split()
        return worker

    def heard(self, hive, count=3):
        until(lambda: len(hive.requests) >= count)
        return hive.requests[:]

    def stream_of_job(self, worker, body, path):
        """The second call, after the first has been answered with a job."""
        code, job = worker.post(body, path)
        self.assertEqual((code, list(job)), (200, ["job_id", "sse_url"]))
        self.assertEqual(job["sse_url"], f"{path}/{job['job_id']}/stream")
        return Stream(worker, path=job["sse_url"])

    def is_complete(self, stream):
        self.assertEqual(stream.response.getheader("content-type"), "text/event-stream")
        events = stream.rest()
        self.assertEqual((events[0]["type"], events[-2]["type"], events[-1]),
                         ("started", "end", "[DONE]"))
        self.assertTrue(MODALITY.said(events))

    def ends_well(self, worker):
        worker.signal()
        self.assertEqual(worker.exit_code(), 0)

    def test_a_callback_hive_is_called_back_and_then_beaten_and_gets_its_stream_in_one_call(self):
        with Peer() as hive, self.started(self.CALLBACK_HIVE, hive) as worker:
            callback, *beats = self.heard(hive)
            self.is_callback(callback, worker_id="7b0c1f5e-8f0e-4a5e-9d1c-2f6f0b1a9e11",
                             url=f"http://localhost:{self.port}", model_ref="hf:x/y",
                             backend="cpu", device=0, vram_bytes=0)
            self.assertEqual(callback.field("Host"), [hive.place])
            for beat in beats:
                self.is_heartbeat(beat, worker_id=callback.json()["worker_id"], model="hf:x/y",
                                  state="idle", health_status="healthy", device="cpu:0")
            times = [beat.json()["timestamp_ms"] for beat in beats]
            self.assertEqual(times, sorted(set(times)))
            self.is_complete(Stream(worker, {"job_id": "job-1", **MODALITY.work(PROMPT),
                                             "temperature": 0.7, "seed": 1}))
            self.ends_well(worker)

    def test_a_heartbeat_hive_hears_beats_and_makes_two_calls(self):
        with Peer(peer.close_delimited(200)) as hive, \
                self.started(self.HEARTBEAT_HIVE, hive) as worker:
            requests = self.heard(hive)
            for beat in requests:
                self.is_heartbeat(beat, worker_id="W", model="R")
            self.assertEqual(requests[0].json()["state"], "loading")
            worker.ready()
            self.is_complete(self.stream_of_job(worker, MODALITY.work(PROMPT), "/v1/inference"))
            self.ends_well(worker)

    def test_a_queen_hears_of_a_worker_and_makes_two_calls(self):
        for line, worker_id in ((self.QUEEN, "W"), (self.QUEEN_OF_LINKS, "worker-cpu-8080")):
            with self.subTest(line=line), Peer(status(204)) as queen, \
                    self.started(line, queen) as worker:
                requests = self.heard(queen)
                for beat in requests:
                    self.is_queen_beat(beat, id=worker_id, model_id=self.CATALOGUE_ID,
                                       port=self.port, implementation=MODALITY.NAME)
                    self.assertEqual(beat.field("Host"), [f"localhost:{queen.port}"])
                self.assertEqual(requests[0].json()["worker"]["status"], "starting")
                self.assertEqual(worker.ready().command[0], line.split()[0])
                self.is_complete(self.stream_of_job(
                    worker, {"operation": MODALITY.OPERATION, "hive_id": "localhost",
                             "model": self.CATALOGUE_ID, **MODALITY.work(PROMPT),
                             "temperature": 0.7, "stream": True}, "/v1/inference"))
                self.is_complete(self.stream_of_job(worker, MODALITY.work(PROMPT), "/v1/jobs"))
                self.ends_well(worker)
                self.is_queen_beat(queen.requests[-1], status="stopping")


class StateTest(PeerTest):
    def test_peers_hear_of_loading_ready_and_draining_at_once(self):
        with Peer() as callback, Peer() as hive, Peer(status(404)) as queen, \
                Worker(*SMALL, *NEVER, "--local-mode", "--drain-timeout", "30s",
                       "--callback-url", f"http://{callback.place}/v1/workers/ready",
                       "--hive-url", f"http://{hive.place}/ignored",
                       "--queen-url", f"http://{queen.place}") as worker:
            peers = (callback, hive, queen)
            until(lambda: all(len(one.requests) == 2 for one in peers))
            self.is_reported(worker, callback=callback, hive=hive, queen=queen)
            stream = worker.stream(**LONG)
            stream.next(MODALITY.OUTPUT)
            worker.signal()
            until(lambda: all(len(one.requests) == 3 for one in peers))
            self.assertEqual(stream.rest()[-1], "[DONE]")
            self.assertEqual(worker.exit_code(), 0)
        self.is_callback(callback.requests[0], url=f"http://localhost:{worker.port}")
        self.hears(callback.requests[1:], ("idle", "draining", "draining"))
        self.hears(hive.requests, ("loading", "idle", "draining", "draining"))
        for beat, word in zip(queen.requests, ("starting", "ready", "stopping", "stopping"),
                              strict=True):
            self.is_queen_beat(beat, status=word)

    def hears(self, beats, states):
        health = {"loading": "degraded", "idle": "healthy", "draining": "degraded"}
        for beat, state in zip(beats, states, strict=True):
            self.is_heartbeat(beat, state=state, health_status=health[state])

    def is_reported(self, worker, **peers):
        """What was said last, and what came of it."""
        until(lambda: all(one["sent"] == 2 and "answer" in one for one in report(worker).values()))
        told = report(worker)
        self.assertEqual(list(told), ["callback_hive", "heartbeat_hive", "queen"])
        for one, sent_to, code in ((told["callback_hive"], peers["callback"], 200),
                                   (told["heartbeat_hive"], peers["hive"], 200),
                                   (told["queen"], peers["queen"], 404)):
            self.assertEqual(list(one), ["peer", "url", "sent_at", "payload", "answer", "sent",
                                         "failures"])
            self.assertEqual(one["payload"], sent_to.requests[-1].json())
            self.assertEqual(one["answer"], {"status": code})


class DisturbedTest(PeerTest):
    """Nothing that a hive does, or that happens to it, costs a client a token."""

    # Texts of which each token is far from any other one, so that it is the same beside others.
    PROMPTS = [", ".join(str(first + n) for n in range(10)) + "," for first in (10, 20, 30, 40)]
    STREAMS = 20

    def test_a_hive_that_is_paused_killed_and_restarted_costs_no_stream_a_token(self):
        with PeerProcess() as hive, \
                Worker("--context-size", "512", "--parallel", "8", "--threads", "1",
                       "--max-queue", "100", "--heartbeat-interval", "1s", "--callback-url",
                       f"http://127.0.0.1:{hive.port}/v1/workers/ready") as worker:
            until(lambda: len(hive.targets) >= 2)
            alone = {prompt: whole(worker, prompt) for prompt in self.PROMPTS}
            over = threading.Event()
            with concurrent.futures.ThreadPoolExecutor(self.STREAMS) as pool:
                streams = [pool.submit(self.stream_until, over, worker, prompt)
                           for prompt in self.PROMPTS * (self.STREAMS // len(self.PROMPTS))]
                try:
                    self.disturb(hive, worker)
                finally:
                    over.set()
            for prompt, stream in zip(self.PROMPTS * self.STREAMS, streams):
                self.assertEqual(set(stream.result()), {alone[prompt]})

    def stream_until(self, over, worker, prompt):
        """The texts of one stream after another."""
        texts = []
        while not texts or not over.is_set():
            events = worker.stream(**MODALITY.work(prompt)).rest()
            outputs = [event[MODALITY.PLACE] for event in events[:-1]
                       if event["type"] == MODALITY.OUTPUT]
            self.assertEqual(outputs, list(range(len(outputs))))
            texts.append(MODALITY.said(events))
        return texts

    def disturb(self, hive, worker):
        until(lambda: worker.health()["slots_busy"] == 8)
        hive.pause()
        until(lambda: report(worker)["callback_hive"]["failures"] >= 1)
        before = len(hive.targets)
        hive.resume()
        until(lambda: len(hive.targets) > before)
        hive.kill()
        failures = report(worker)["callback_hive"]["failures"]
        until(lambda: report(worker)["callback_hive"]["failures"] > failures)
        before = len(hive.targets)
        restarted = time.monotonic()
        hive.start()
        until(lambda: "/v1/workers/ready" in hive.targets[before:])
        print(f"registered again {time.monotonic() - restarted:.1f} s after the hive's restart",
              flush=True)
        until(lambda: len(hive.targets[before:]) >= 3)
        self.assertEqual(hive.targets[before:][:3],
                         ["/v1/heartbeat", "/v1/workers/ready", "/v1/heartbeat"])
        self.assertGreater(worker.health()["slots_busy"], 0)

    def test_peers_that_misbehave_keep_nobody_waiting(self):
        # The callback itself succeeds: a hive that cannot be told is another test.
        slow_start = peer.late(1, status(200))
        rows = ((peer.silent, None, peer.endless),
                (peer.half_closed, peer.rubbish, peer.dripping))
        for after_callback, of_hive, of_queen in rows:
            with self.subTest(hive=of_hive, queen=of_queen), \
                    Peer(slow_start, after_callback) as callback, \
                    Peer(of_hive or status(200)) as hive, Peer(of_queen) as queen:
                if of_hive is None:
                    hive.close()  # Dead: nobody listens there.
                with Worker(*SMALL, "--local-mode", "--heartbeat-interval", "1s",
                            "--callback-url", f"http://{callback.place}/v1/workers/ready",
                            "--hive-url", f"http://{hive.place}",
                            "--queen-url", f"http://{queen.place}") as worker:
                    until(lambda: len(callback.requests) >= 2 and len(queen.requests) >= 1
                          and report(worker)["heartbeat_hive"]["failures"] >= 1)
                    self.assertTrue(whole(worker))
                    worker.signal()
                    self.assertEqual(worker.exit_code(), 0)


class CallbackTest(PeerTest):
    def test_a_callback_that_fails_five_times_ends_the_worker_and_names_the_hive(self):
        def run(place):
            return run_to_end(*SMALL, "--callback-url", f"http://{place}/v1/workers/ready",
                              model=MODALITY.model())

        # Both at once: most of the time goes into the pauses between the tries.
        with Peer(status(500)) as refusing, Peer() as dead, \
                concurrent.futures.ThreadPoolExecutor() as pool:
            dead.close()
            for hive, end in [(hive, pool.submit(run, hive.place)) for hive in (refusing, dead)]:
                lines = [json.loads(line) for line in end.result().stderr.splitlines()]
                errors = [line["message"] for line in lines if line["level"] == "error"]
                self.assertEqual(end.result().code, 1)
                self.assertIn(hive.place, errors[-1])
            self.assertEqual([request.target for request in refusing.requests],
                             ["/v1/workers/ready"] * 5)

    def test_a_callback_url_of_the_test_mode_is_never_called(self):
        with Peer() as hive, \
                Worker(*SMALL, "--heartbeat-interval", "1s",
                       "--callback-url", f"http://{hive.place}/localhost:9999/ready") as worker:
            worker.ready()
            self.assertTrue(whole(worker))
            self.assertEqual(report(worker), {})
            worker.signal()
            self.assertEqual(worker.exit_code(), 0)
            self.assertEqual(hive.requests, [])


def free_port():
    with Peer() as probe:
        return probe.port


if __name__ == "__main__":
    unittest.main()
