"""Two thousand clients that wait for a slot at once: what each costs, and what they leave."""

import json
import resource
import socket
import time
import unittest

from worker import PATIENCE, Worker, until

CLIENTS = 2000
SLOTS = 4
DESCRIPTORS = 8192
BYTES_A_CLIENT_MAX = 48 << 10
HEALTH_CALLS = 100

# Fills the context: whoever holds a slot does not give it back while the others come.
BODY = json.dumps({"prompt": "Once upon a time", "max_tokens": 2000, "temperature": 0,
                   "stream": True}).encode()
REQUEST = (b"POST /v1/inference HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\n"
           b"content-length: %d\r\n\r\n" % len(BODY)) + BODY
FLAGS = ("--threads", "1", "--parallel", str(SLOTS), "--context-size", "8192",
         "--max-queue", "4000", "--max-connections", str(DESCRIPTORS),
         "--max-output-tokens", "0")


def allow_descriptors(count):
    """For this process and those it starts. False where the machine does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, min(count, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted >= count


class WaitingTest(unittest.TestCase):
    def test_2000_waiting_clients_are_cheap_and_leave_nothing_behind(self):
        if not allow_descriptors(2 * CLIENTS):
            self.skipTest(f"a process may not have {2 * CLIENTS} descriptors here")
        with Worker(*FLAGS) as worker:
            worker.ready()
            worker.stream(prompt="Once", max_tokens=1).rest()
            descriptors, resident = worker.descriptors(), worker.resident_bytes()
            clients = [self.ask(worker.port) for _ in range(CLIENTS)]
            self.addCleanup(lambda: [client.close() for client in clients])
            until(lambda: self.figure(worker, "waiting") == CLIENTS - SLOTS)
            self.assertEqual(self.figure(worker, "running"), SLOTS)
            each = (worker.resident_bytes() - resident) / CLIENTS
            print(f"\n{CLIENTS} waiting: {each / 1024:.1f} KiB each", flush=True)
            self.tell_health(worker)
            for client in clients:
                client.close()
            until(lambda: worker.health()["slots_busy"] == 0)
            until(lambda: worker.descriptors() <= descriptors)
            self.assertEqual(self.figure(worker, "waiting"), 0)
            self.assertEqual(worker.stream(prompt="Once", max_tokens=1).rest()[-1], "[DONE]")
            self.assertLess(each, BYTES_A_CLIENT_MAX)

    def ask(self, port):
        client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        client.sendall(REQUEST)
        return client

    def figure(self, worker, name):
        for line in worker.get("/metrics")[1].splitlines():
            if line.startswith(f"vllm:num_requests_{name}{{"):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"/metrics has no vllm:num_requests_{name}")

    def tell_health(self, worker):
        took = []
        for _ in range(HEALTH_CALLS):
            begun = time.monotonic()
            self.assertEqual(worker.health()["slots_busy"], SLOTS)
            took.append(1000 * (time.monotonic() - begun))
        took.sort()
        print(f"/health beside them: p50 {took[HEALTH_CALLS // 2]:.1f} ms, "
              f"p99 {took[-1 - HEALTH_CALLS // 100]:.1f} ms", flush=True)


if __name__ == "__main__":
    unittest.main()
