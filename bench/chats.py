"""What chats add to decoding, beside llama-server: what following a schema costs, and whether the
greedy text is the same.

    chats.py BUILD PEER MODEL [ROUNDS]

Runs free and constrained replies in turn (A B A B …) on an otherwise idle machine. Prints a table;
fails where a greedy text differs from llama-server's at a place where the two likeliest tokens are
not close."""

import http.client
import json
import statistics
import sys
import threading
import time
from pathlib import Path

from servers import Server, Setting, peer, worker

CLIENTS = 4
TOKENS = 64
CLOSE = 1e-2  # natural-log probabilities that batches of other sizes may swap
# Never complete within the tokens of a reply, so that all have the same length.
SCHEMA = {"type": "array", "minItems": 50, "items": {
    "type": "object", "required": ["name", "count"], "additionalProperties": False,
    "properties": {"name": {"type": "string", "maxLength": 20}, "count": {"type": "integer"}}}}
QUESTIONS = ("Name three oceans.", "Why is the sky blue?", "Write a haiku about rain.",
             "What is 12 times 12?", "Tell me about Paris.", "How do bees make honey?",
             "Count from one to ten.", "What does a compiler do?")


def chat(port, text, **more):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    body = {"model": "default", "messages": [{"role": "user", "content": text}],
            "max_tokens": TOKENS, **more}
    connection.request("POST", "/v1/chat/completions", json.dumps(body),
                       {"content-type": "application/json"})
    response = connection.getresponse()
    reply = json.loads(response.read())
    connection.close()
    if response.status != 200:
        sys.exit(f"error: {response.status} {reply}")
    return reply


def rate(port, turn, **more):
    """Tokens a second of all clients together."""
    tokens = []

    def ask(client):
        for question in QUESTIONS[:3]:
            reply = chat(port, f"{question} ({turn}.{client})", seed=client, **more)
            tokens.append(reply["usage"]["completion_tokens"])

    clients = [threading.Thread(target=ask, args=(client,)) for client in range(CLIENTS)]
    began = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return sum(tokens) / (time.perf_counter() - began)


def schema_cost(name, port, rounds):
    constrained = {"response_format": {"type": "json_schema", "json_schema": {
        "name": "list", "schema": SCHEMA}}}
    free = {"ignore_eos": True}  # Its replies are to have all tokens too.
    rate(port, "warm", **free)
    rate(port, "warm", **constrained)
    rates = [(rate(port, turn, **free), rate(port, turn, **constrained))
             for turn in range(rounds)]
    free_rate, schema_rate = (statistics.median(side) for side in zip(*rates))
    ratio = statistics.median(b / a for a, b in rates)
    print(f"{name}: free {free_rate:.1f}, under a schema {schema_rate:.1f} tokens/s; median of the "
          f"ratios {ratio:.3f}")


def greedy(port, question):
    reply = chat(port, question, temperature=0, logprobs=True, top_logprobs=2)
    return reply["choices"][0]["logprobs"]["content"]


def difference(ours, theirs):
    """(place, distance of the two likeliest there) of the first token that differs; else None."""
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if a["bytes"] != b["bytes"]:
            first, second = (each["logprob"] for each in a["top_logprobs"])
            return i, first - second
    return None


def main():
    build, peer_folder, model = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    setting = Setting(model, 2, CLIENTS, 2048)
    binary = Path(build, "llm-worker-rbee")
    theirs = peer(Path(peer_folder, "llama-server"))
    for name, contestant in (("worker", worker(binary, [])), ("llama-server", theirs)):
        with Server(contestant, setting) as server:
            schema_cost(name, server.port, rounds)
    # The same kernels below, so that what differs is what the routes make of a chat.
    texts = []
    for contestant in (worker(binary, ["--engine", "llama"]), theirs):
        with Server(contestant, setting) as server:
            texts.append([greedy(server.port, question) for question in QUESTIONS])
    far = 0
    for question, ours, theirs in zip(QUESTIONS, *texts):
        differs = difference(ours, theirs)
        far += differs is not None and differs[1] >= CLOSE
        print(f"{question}: " + ("the same" if differs is None else
                                 f"differs at token {differs[0]}, distance {differs[1]:.4f}"))
    sys.exit(1 if far else 0)


if __name__ == "__main__":
    main()
