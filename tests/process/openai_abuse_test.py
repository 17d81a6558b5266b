"""Whatever body OpenAI's routes get, they answer in OpenAI's shape, and hold up nobody else."""

import collections
import http.client
import json
import multiprocessing
import os
import tempfile
import threading
import time
import unittest
from pathlib import Path

import hostile_chats
import tiny_model
from worker import PATIENCE, Worker, until

REQUESTS = 5_000
CLIENTS = 4
STATUSES = {200, 400, 404, 413, 503, 504}


class Abuse:
    """Sends numbered bodies from several threads, and keeps what was wrong with the replies."""

    def __init__(self, worker, seed):
        self.worker = worker
        self.seed = seed
        self.lock = threading.Lock()
        self.number = 0
        self.statuses = collections.Counter()
        self.wrongs = []

    def until_sent(self):
        threads = [threading.Thread(target=self._send) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _send(self):
        while True:
            with self.lock:
                if self.number == REQUESTS or len(self.wrongs) > 5:
                    return
                self.number += 1
                number = self.number
            path, body = hostile_chats.attempt(self.seed, number)
            try:
                wrong = self._judge(*self._exchange(path, body))
            except (OSError, http.client.HTTPException) as error:
                wrong = repr(error)
            if wrong:
                with self.lock:
                    self.wrongs.append((number, wrong, path, body[:300]))

    def _exchange(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.worker.port, timeout=PATIENCE)
        try:
            connection.request("POST", path, body, {"content-type": "application/json"})
            response = connection.getresponse()
            return response.status, response.getheader("content-type"), response.read()
        finally:
            connection.close()

    def _judge(self, status, kind, body):
        with self.lock:
            self.statuses[status] += 1
        if status not in STATUSES:
            return f"{status}: {body[:600]}"
        if kind == "text/event-stream":
            return None if body.endswith(b"data: [DONE]\n\n") else f"no end: {body[-300:]}"
        reply = json.loads(body)
        if status == 200:
            return None
        error = reply.get("error", {})
        return None if set(error) == {"message", "type", "param", "code"} else f"{body[:600]}"


class Pulse:
    """Asks for /livez without a pause, from a process of its own: the longest reply is the longest
    that anybody was held up."""

    def __init__(self, worker):
        self.port = worker.port
        self.ours, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self._run, args=(theirs,), daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.ours.send("over")
        took = sorted(self.ours.recv())
        self.process.join()
        self.told = (f"/livez, {len(took)} times: p99 {took[len(took) * 99 // 100] * 1000:.1f} ms, "
                     f"longest {took[-1] * 1000:.1f} ms")

    def _run(self, pipe):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        took = []
        while not pipe.poll(0.002):
            began = time.perf_counter()
            connection.request("GET", "/livez")
            connection.getresponse().read()
            took.append(time.perf_counter() - began)
        connection.close()
        pipe.send(took)


class HostileBodiesTest(unittest.TestCase):
    def test_5000_hostile_bodies_are_each_answered_in_openais_shape(self):
        seed = os.environ.get("RBEE_SEED", "1")
        print(f"\nRBEE_SEED={seed}", flush=True)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        model = Path(folder.name, "tiny.gguf")
        model.write_bytes(tiny_model.build()[0])
        with Worker("--threads", "1", "--context-size", "256", "--parallel", "4",
                    "--chat-template", "chatml", model=model) as worker:
            worker.ready()
            descriptors = worker.descriptors()
            abuse = Abuse(worker, seed)
            with Pulse(worker) as pulse:
                abuse.until_sent()
            print(pulse.told, flush=True)
            print(sorted(abuse.statuses.items()), flush=True)
            self.assertEqual(abuse.wrongs, [], "(number, what, path, body)")
            self.assertGreater(abuse.statuses[200], 100, "the bodies do not reach what they should")
            until(lambda: worker.health()["slots_busy"] == 0)
            until(lambda: worker.descriptors() <= descriptors)
            status, reply = worker.post(hostile_chats.base(hostile_chats.CHAT),
                                        hostile_chats.CHAT)
            self.assertEqual(status, 200, reply)


if __name__ == "__main__":
    unittest.main()
