"""Decode rate over HTTP against a bare llama_decode loop of the same length, and how long /health
takes while a model loads and while it decodes.

    decode_rate.py WORKER BARE_DECODE MODEL [ROUNDS]

Runs the two in turn (A B A B …) on an otherwise idle machine. Absolute figures move with the
machine, ratios less; where pairs scatter widely, the ratio of the best says what is lost when
nothing else disturbs.
"""

import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time

TOKENS = 128
PROMPT = "Once upon a time there was a little boy who"
PROMPT_TOKENS = 10


class Worker:
    def __init__(self, binary, model, threads):
        self.process = subprocess.Popen(
            [binary, "--model", model, "--port", "0", "--engine", "llama", "--parallel", "1",
             "--threads", str(threads), "--log-format", "json"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if '"server_bind"' in line:
                self.port = int(re.search(r":(\d+)\"", line).group(1))
                break
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def get(self, path):
        connection = self.connect()
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status

    def stop(self):
        self.process.terminate()
        self.process.wait()


class HealthProbe:
    """Asks /health again and again from its own thread; milliseconds of each answer."""

    def __init__(self, worker):
        self.worker = worker
        self.milliseconds = []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        connection = self.worker.connect()
        while not self.done.is_set():
            begin = time.perf_counter()
            connection.request("GET", "/health")
            connection.getresponse().read()
            self.milliseconds.append((time.perf_counter() - begin) * 1000)
            time.sleep(0.005)
        connection.close()

    def finish(self):
        self.done.set()
        self.thread.join()
        return self.milliseconds


def bare_rate(binary, model, threads):
    output = subprocess.run([binary, model, str(threads), str(PROMPT_TOKENS), str(TOKENS)],
                            check=True, capture_output=True, text=True).stdout
    return json.loads(output)["tokens_per_second"]


def http_rate(worker):
    """Tokens a second from the first token's arrival to the last one's."""
    body = json.dumps({"prompt": PROMPT, "max_tokens": TOKENS, "temperature": 0, "stream": True})
    head = ("POST /v1/inference HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
    arrivals = []
    # Reads and looks at the clock, no more: this client shares its cores with the worker.
    with socket.create_connection(("127.0.0.1", worker.port), timeout=60) as connection:
        connection.sendall((head + body).encode())
        while chunk := connection.recv(1 << 16):
            arrivals.append((time.perf_counter(), chunk))
    times = [when for when, chunk in arrivals if b'"type":"token"' in chunk]
    end = b"".join(chunk for _, chunk in arrivals)
    tokens = int(re.search(rb'"tokens_out":(\d+)', end).group(1))
    return (tokens - 1) / (times[-1] - times[0])


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def print_health(when, milliseconds):
    print(f"/health {when}: n {len(milliseconds)}, p50 {percentile(milliseconds, 0.5):.2f} ms, "
          f"p99 {percentile(milliseconds, 0.99):.2f} ms, max {max(milliseconds):.2f} ms")


def main():
    worker_binary, bare_binary, model = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 25
    threads = len(os.sched_getaffinity(0))

    begin = time.perf_counter()
    worker = Worker(worker_binary, model, threads)
    probe = HealthProbe(worker)
    while worker.get("/readyz") != 200:
        time.sleep(0.002)
    ready_after = time.perf_counter() - begin
    loading = probe.finish()

    ratios, overs, bares = [], [], []
    http_rate(worker)
    for _ in range(rounds):
        bares.append(bare_rate(bare_binary, model, threads))
        overs.append(http_rate(worker))
        ratios.append(overs[-1] / bares[-1])
    probe = HealthProbe(worker)
    http_rate(worker)
    decoding = probe.finish()
    worker.stop()

    print(f"start to ready: {ready_after:.2f} s")
    print(f"bare llama_decode loop: median {statistics.median(bares):.1f} tokens/s")
    print(f"over HTTP:              median {statistics.median(overs):.1f} tokens/s")
    print(f"ratio of the medians: {statistics.median(overs) / statistics.median(bares):.3f}, "
          f"of the best: {max(overs) / max(bares):.3f}")
    print(f"ratio pair by pair: median {statistics.median(ratios):.3f} "
          f"(min {min(ratios):.3f}, max {max(ratios):.3f}) of {rounds}")
    print_health("while loading", loading)
    print_health("while decoding", decoding)


if __name__ == "__main__":
    main()
