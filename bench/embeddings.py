"""Vectors a second of the worker for embeddings and of llama-server, from the same GGUF file.

    embeddings.py BUILD PEER MODEL [ROUNDS]

Asks both in turn (A B A B …) on an otherwise idle machine: for many short texts in one call, and
for one text a call from one client and from many. Prints a table; fails where the two disagree
about a vector. MODEL may be a Hugging Face directory: llama-server gets the worker's copy of it."""

import http.client
import json
import math
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from servers import Contestant, Server, Setting, peer

THREADS = 2
SLOTS = 16
CONTEXT = 512
BATCH = 256  # texts of one call
SINGLES = 128  # calls of all clients together
NEAR = 0.999  # cosine; the two may round their products differently
WORDS = ("ocean", "market", "engine", "winter", "letter", "garden", "signal", "bridge", "coffee",
         "planet", "doctor", "window", "forest", "record", "silver", "people")


def worker(binary, cache):
    def command(setting, port):
        return [binary, "--model", setting.model, "--port", str(port), "--log-level", "warn",
                "--threads", str(setting.threads), "--parallel", str(setting.slots),
                "--context-size", str(setting.context_tokens)]
    os.environ["XDG_CACHE_HOME"] = cache
    return Contestant("worker", "openai", "/readyz", command)


def embedding_peer(binary):
    plain = peer(binary)
    tokens = str(CONTEXT)

    def command(setting, port):
        # A text is computed in one piece, so that the batches have to be as long as texts may be.
        return [*plain.command(setting, port), "--embeddings", "--batch-size", str(4 * CONTEXT),
                "--ubatch-size", tokens]
    return Contestant(plain.name, "openai", plain.ready_path, command)


def texts_of(turn, count):
    """Of 8 to 16 words; the same for both, and others in each turn."""
    return [" ".join(WORDS[(turn * 31 + number * 7 + place * (number % 5 + 1)) % len(WORDS)]
                     for place in range(8 + number % 9)) + f" {turn}.{number}"
            for number in range(count)]


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)

    def embed(self, texts):
        self.connection.request("POST", "/v1/embeddings",
                                json.dumps({"model": "default", "input": texts,
                                            "encoding_format": "float"}),
                                {"content-type": "application/json"})
        response = self.connection.getresponse()
        reply = json.loads(response.read())
        if response.status != 200:
            sys.exit(f"error: {response.status} {reply}")
        return [each["embedding"] for each in sorted(reply["data"],
                                                     key=lambda each: each["index"])]


def batch_rate(port, turn):
    texts = texts_of(turn, BATCH)
    client = Client(port)
    began = time.perf_counter()
    client.embed(texts)
    return BATCH / (time.perf_counter() - began)


def single_rate(port, turn, clients):
    texts = texts_of(turn, SINGLES)

    def ask(part):
        client = Client(port)
        for text in part:
            client.embed([text])

    threads = [threading.Thread(target=ask, args=(texts[first::clients],))
               for first in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return SINGLES / (time.perf_counter() - began)


SHAPES = {f"{BATCH} texts a call": batch_rate,
          "one text a call, 1 client": lambda port, turn: single_rate(port, turn, 1),
          "one text a call, 16 clients": lambda port, turn: single_rate(port, turn, 16)}


def cosine(a, b):
    return (sum(x * y for x, y in zip(a, b)) /
            math.sqrt(sum(x * x for x in a) * sum(y * y for y in b)))


def disagreements(servers):
    texts = texts_of(-1, 16)
    ours, theirs = (Client(server.port).embed(texts) for server in servers)
    return sum(cosine(a, b) < NEAR for a, b in zip(ours, theirs))


def copy_of(model, contestant, cache):
    """The GGUF file that the worker makes of a directory."""
    if Path(model).is_file():
        return model
    with Server(contestant, Setting(model, THREADS, SLOTS, CONTEXT)):
        [copy] = Path(cache).rglob("*.gguf")
    return str(copy)


def race(servers, rounds):
    """shape → (rates of the worker, of llama-server)"""
    rates = {shape: ([], []) for shape in SHAPES}
    for turn in range(rounds + 1):
        for shape, rate in SHAPES.items():
            for server, of_server in zip(servers, rates[shape]):
                found = rate(server.port, turn)
                if turn > 0:  # The first one warms both.
                    of_server.append(found)
    return rates


def main():
    build, peer_folder, model = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    with tempfile.TemporaryDirectory() as cache:
        ours = worker(Path(build, "embedding-worker-rbee"), cache)
        setting = Setting(copy_of(model, ours, cache), THREADS, SLOTS, CONTEXT)
        theirs = embedding_peer(Path(peer_folder, "llama-server"))
        with Server(ours, setting) as first, Server(theirs, setting) as second:
            wrong = disagreements((first, second))
            rates = race((first, second), rounds)
    print("vectors/s | worker | llama-server | median of the ratios")
    for shape, (a, b) in rates.items():
        ratio = statistics.median(x / y for x, y in zip(a, b))
        print(f"{shape} | {statistics.median(a):.1f} | {statistics.median(b):.1f} | {ratio:.3f}")
    if wrong:
        sys.exit(f"error: {wrong} of 16 vectors differ from llama-server's")


if __name__ == "__main__":
    main()
