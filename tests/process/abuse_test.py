"""Clients that mean no good, or know no better: each harms itself alone."""

import collections
import json
import os
import select
import socket
import threading
import time
import unittest

import hostile_requests
from modality import HOLDING, MODALITY, SHORT
from worker import PATIENCE, Worker, until

MIB = 1 << 20
REQUESTS = 10_000
WARM_UP = 2_000
CLIENTS = 8
# libllama's threads wait for each other by spinning, which here takes time from the clients.
ONE_THREAD = ("--threads", "1")
# All that a request of this kind may be told.
STATUSES = {200, 204, 400, 403, 404, 405, 409, 413, 415, 417, 422, 431, 503, 504}


class Abuse:
    """Sends numbered attempts from several threads, and keeps what was wrong with the replies."""

    def __init__(self, worker, seed):
        self.worker = worker
        self.seed = seed
        self.lock = threading.Lock()
        self.number = 0
        self.requests = 0
        self.statuses = collections.Counter()
        self.wrongs = []

    def until_sent(self, requests):
        threads = [threading.Thread(target=self._send, args=(requests,)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _next(self, requests):
        with self.lock:
            if self.requests >= requests or len(self.wrongs) > 5:
                return None, None
            self.number += 1
            made = hostile_requests.attempt(self.seed, self.number)
            self.requests += made.requests
            return self.number, made

    def _send(self, requests):
        while True:
            number, made = self._next(requests)
            if made is None:
                return
            try:
                received = hostile_requests.send(self.worker.port, made, PATIENCE)
                wrong = self._judge(made, received)
            except OSError as error:
                wrong = repr(error)
            if wrong:
                with self.lock:
                    self.wrongs.append((number, wrong, made.data[:300]))

    def _judge(self, made, received):
        found = hostile_requests.replies(received)
        with self.lock:
            self.statuses.update(status for status, _ in found)
        unknown = [status for status, _ in found if status not in STATUSES]
        if unknown:
            return f"status {unknown}: {received[:600]}"
        if received and not found:
            return f"no reply of HTTP: {received[:600]}"
        if made.ending == hostile_requests.Ending.REPLY and not found:
            return "no reply"
        if any(b"x-correlation-id: " not in head for _, head in found):
            return f"no correlation id: {received[:600]}"
        return None


class HostileRequestsTest(unittest.TestCase):
    def test_10000_hostile_requests_get_a_reply_or_a_close_and_leave_nothing_behind(self):
        seed = os.environ.get("RBEE_SEED", "1")
        print(f"\nRBEE_SEED={seed}", flush=True)
        with Worker(*ONE_THREAD, "--context-size", "256", *MODALITY.SMALL_BOUND,
                    "--parallel", "8",
                    "--max-body", str(hostile_requests.BODY_BYTES_MAX)) as worker:
            worker.ready()
            descriptors = worker.descriptors()
            abuse = Abuse(worker, seed)
            abuse.until_sent(WARM_UP)
            warm = worker.resident_bytes()
            abuse.until_sent(REQUESTS)
            self.assertEqual(abuse.wrongs, [], "(number, what, request)")
            print(sorted(abuse.statuses.items()), flush=True)
            missing = {200, 400, 404, 405, 413, 415, 422, 431} - set(abuse.statuses)
            self.assertEqual(missing, set(), "the requests do not reach what they should")
            until(lambda: worker.health()["slots_busy"] == 0)
            until(lambda: worker.descriptors() <= descriptors)
            self.assertLess(worker.resident_bytes() - warm, 32 * MIB)
            status, reply = worker.post({**SHORT, "stream": False})
            self.assertEqual(status, 200, reply)
            self.assertTrue(MODALITY.said_whole(reply))


class SlowSendersTest(unittest.TestCase):
    def test_500_clients_that_send_a_byte_a_second_are_cut_and_others_are_served(self):
        with Worker(*ONE_THREAD, "--context-size", "256", "--parallel", "2") as worker:
            worker.ready()
            descriptors = worker.descriptors()
            slow = [self.begin(worker, number) for number in range(500)]
            for connection, _ in slow:
                self.addCleanup(connection.close)
            until(lambda: worker.descriptors() >= len(slow))
            served = self.serve_others_while(worker, lambda: self.trickle(slow))
            self.assertGreater(served, 20)
            until(lambda: worker.descriptors() <= descriptors)

    @staticmethod
    def begin(worker, number):
        """A connection with what it has yet to send: a head, or after a whole head a body."""
        connection = socket.create_connection(("127.0.0.1", worker.port), timeout=PATIENCE)
        head = f"POST /v1/inference HTTP/1.1\r\nHost: localhost\r\nX-{number}: ".encode()
        if number % 2:
            connection.sendall(head + b"0\r\nContent-Type: application/json\r\n"
                               b"Content-Length: 5000\r\n\r\n")
            head = b""
        return connection, head

    def trickle(self, slow):
        """Returns when each has read a 408 and the end."""
        rests = {connection.fileno(): (connection, rest, b"") for connection, rest in slow}
        poll = select.poll()
        for descriptor in rests:
            poll.register(descriptor, select.POLLIN)
        give_up = time.monotonic() + 90
        while rests:
            self.assertLess(time.monotonic(), give_up, f"{len(rests)} are connected yet")
            for descriptor, (connection, rest, received) in rests.items():
                if not received:
                    connection.send(rest[:1] or b"x")
                    rests[descriptor] = (connection, rest[1:], received)
            next_byte = time.monotonic() + 1
            while rests and time.monotonic() < next_byte:
                for descriptor, _ in poll.poll(max(0, 1000 * (next_byte - time.monotonic()))):
                    connection, rest, received = rests[descriptor]
                    got = connection.recv(4096)
                    rests[descriptor] = (connection, rest, received + got)
                    if not got:
                        self.assertIn(b"REQUEST_TIMEOUT", received)
                        poll.unregister(descriptor)
                        connection.close()
                        del rests[descriptor]

    def serve_others_while(self, worker, busy):
        """How many requests were answered meanwhile; all of them as they should be."""
        ended = threading.Event()
        replies = []

        def serve():
            while not ended.wait(0.2):
                replies.append(worker.get("/health")[0])
                replies.append(worker.post({**SHORT, "stream": False})[0])

        other = threading.Thread(target=serve)
        other.start()
        try:
            busy()
        finally:
            ended.set()
            other.join()
        self.assertEqual(set(replies), {200})
        return len(replies)


class SlowNarrationReaderTest(unittest.TestCase):
    def test_it_loses_lines_and_is_told_how_many(self):
        refusals_warm, refusals = 2_000, 20_000
        with Worker(*ONE_THREAD, "--context-size", "2048", *MODALITY.NO_BOUND,
                    "--parallel", "1", "--max-queue", "1") as worker:
            worker.ready()
            # Memory for keys and values counts as resident once it has been written.
            worker.post({**MODALITY.work(MODALITY.LONGEST, 1), "stream": False})
            job_id = "job-" + 200 * "x"
            reader = self.subscribe(worker, job_id)
            holders = [self.hold(worker, number) for number in (1, 2)]
            self.refuse(worker, job_id, refusals_warm)
            warm = worker.resident_bytes()
            self.refuse(worker, job_id, refusals - refusals_warm)
            self.assertLess(worker.resident_bytes() - warm, 16 * MIB)
            for holder in holders:
                holder.close()

            lines, dropped = self.read_until(reader, refusals)
            self.assertEqual(lines + dropped, refusals)
            self.assertGreater(dropped, 0)
            self.assertGreater(lines, 0)

    @staticmethod
    def subscribe(worker, job_id):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # The kernel reads little.
        reader.settimeout(PATIENCE)
        reader.connect(("127.0.0.1", worker.port))
        reader.sendall(hostile_requests.request("GET", "/v1/narration?job_id=" + job_id))
        file = reader.makefile("rb")
        while file.readline() not in (b"\r\n", b""):
            pass
        reader.close()
        return file

    @staticmethod
    def hold(worker, number):
        """A job in the slot, or the only one that may wait for it."""
        connection = worker.connect()
        connection.request("POST", "/v1/inference", json.dumps(
            {**HOLDING, "stream": True}), {"content-type": "application/json"})
        until(lambda: worker.metric("vllm:num_requests_running") +
              worker.metric("vllm:num_requests_waiting") == number)
        return connection

    def refuse(self, worker, job_id, count):
        """Each refusal is narrated in one line."""
        body = {**SHORT, "job_id": job_id}
        once = hostile_requests.post(body, last="keep-alive")
        last = hostile_requests.post(body)
        for _ in range(count // 1_000):
            made = hostile_requests.Attempt(999 * once + last, hostile_requests.Ending.REPLY)
            received = hostile_requests.send(worker.port, made, PATIENCE)
            statuses = [status for status, _ in hostile_requests.replies(received)]
            self.assertEqual(statuses, 1_000 * [503])

    @staticmethod
    def read_until(reader, count):
        lines = dropped = 0
        while lines + dropped < count:
            line = reader.readline()
            if line.startswith(b'data: {"lines_dropped":'):
                dropped += json.loads(line.removeprefix(b"data: "))["lines_dropped"]
            elif line.startswith(b"data: "):
                lines += 1
            elif not line:
                break
        reader.close()
        return lines, dropped


class ManyJobsTest(unittest.TestCase):
    def test_of_1500_finished_jobs_the_oldest_are_forgotten(self):
        with Worker(*ONE_THREAD, "--context-size", "256", "--parallel", "16") as worker:
            worker.ready()
            self.run_jobs(worker, range(1_100))
            warm = worker.resident_bytes()
            self.run_jobs(worker, range(1_100, 1_500))
            until(lambda: worker.health()["slots_busy"] == 0)
            self.assertLess(worker.resident_bytes() - warm, 16 * MIB)

            found = [worker.get(f"/v1/jobs/job-{number}") for number in range(1_500)]
            states = [json.loads(body)["state"] for status, body in found if status == 200]
            self.assertEqual(states, 1_024 * ["completed"])
            # Jobs that run side by side may end in another order than they came.
            self.assertEqual({status for status, _ in found[:400]}, {404})
            self.assertEqual({status for status, _ in found[-900:]}, {200})
            self.assertTrue(worker.get("/v1/jobs/job-1499/stream")[1].endswith("[DONE]\n\n"))

    def run_jobs(self, worker, numbers):
        """Gives all of them to the worker, again where its queue is full, and waits."""
        for number in numbers:
            until(lambda number=number: self.taken(worker, number))
        until(lambda: '"completed"' in worker.get(f"/v1/jobs/job-{numbers[-1]}")[1])

    def taken(self, worker, number):
        status, reply = worker.post({**SHORT, "job_id": f"job-{number}"}, "/v1/jobs")
        self.assertIn(status, (200, 503), reply)
        return status == 200


if __name__ == "__main__":
    unittest.main()
