"""The examples of docs/api.md, replayed in their order against a worker.

```http request    first line, fields, an empty line and a body, sent as they stand
```http reply      the reply to the last request that has had none: status, fields, body. Only the
                   fields shown count; a body that is not shown is empty.

A word behind `request` names the worker that is asked; see STARTS. `…` is a value or a part of a
text that may be anything; alone on a line of plain text or as a frame of a stream, any number of
those. What the model says is not compared, as it differs between CPUs."""

import re
import unittest

from documents import (ANYTHING, api_routes, aliases, blocks, frames, openapi_routes, same_frames,
                       same_json, same_lines, same_text)
from worker import Worker, need

MODEL_REF = "SmolLM2-135M-Instruct"
SMALL = ("--context-size", "1024", "--model-ref", MODEL_REF)
# A small step is warm soon.
QUICK = ("--parallel", "1", "--batch-size", "32", *SMALL)

STARTS = {
    "": (("--parallel", "4", *SMALL), {}),
    "one-slot": (("--max-queue", "1", *QUICK), {}),
    "token": (("--host", "127.0.0.1", *QUICK), {"LLORCH_API_TOKEN": "example-token"}),
}
# Asks a worker of its own that has just opened its port. The model is small: such a worker may have
# become ready meanwhile, and then is no example.
LOADING = "loading"
LOADING_TRIES = 5


class Workers:
    """Those that the examples ask for, each started when it is first asked."""

    def __init__(self):
        self.running = {}

    def ready(self, start):
        if start not in self.running:
            flags, env = STARTS[start]
            worker = Worker(*flags, env=env)
            worker.__enter__()
            self.running[start] = worker.ready()
        return self.running[start]

    def stop(self):
        for worker in self.running.values():
            worker.__exit__()


class Exchange:
    """A request that has been sent."""

    def __init__(self, worker, request):
        self.connection = worker.connect()
        body = request.body.encode() or None
        self.connection.request(request.method, request.path, body, request.fields)
        # Only when the head is there has a stream of what happens from now on begun.
        self.response = self.connection.getresponse()

    def complaint(self, reply):
        """What differs from the reply that the document shows; empty when nothing does."""
        status = f"{self.response.status} {self.response.reason}"
        if status != reply.first:
            return f"{status}, not {reply.first}: {self.response.read().decode()}"
        for name, value in reply.fields.items():
            found = self.response.headers.get(name, "")
            if not same_text(value, found):
                return f"{name}: {found}, not {value}"
        found = self.read_body(reply)
        return "" if self.is_same_body(reply, found) else f"{found}\nnot\n{reply.body}"

    def is_stream(self):
        return self.response.headers.get("content-type") == "text/event-stream"

    def read_body(self, reply):
        """All of it, or as much of an endless stream as the reply shows."""
        if not self.is_stream() or not reply.body.endswith(f"\n\n{ANYTHING}"):
            return self.response.read().decode()
        read = ""
        while read.count("\n\n") < reply.body.count("\n\n"):
            line = self.response.readline().decode()
            if not line:
                break
            read += line
        return read

    def is_same_body(self, reply, found):
        if self.is_stream():
            return same_frames(frames(reply.body), frames(found))
        if self.response.headers.get("content-type") == "application/json":
            return same_json(reply.body, found)
        return same_lines(reply.body, found)

    def close(self):
        self.connection.close()


class ApiDocTest(unittest.TestCase):
    def test_every_example_is_what_the_worker_answers(self):
        need("RBEE_TEST_MODEL")
        workers = Workers()
        self.addCleanup(workers.stop)
        unanswered = []
        for block in blocks():
            if block.kind == "request":
                asked = None if block.start == LOADING else Exchange(workers.ready(block.start),
                                                                     block)
                unanswered.append((block, asked))
                continue
            request, asked = unanswered.pop()
            with self.subTest(line=request.line, request=request.first):
                if asked is None:
                    self.replay_while_loading(request, block)
                else:
                    self.assertEqual(asked.complaint(block), "")
                    asked.close()
        self.assertEqual(unanswered, [])

    def replay_while_loading(self, request, reply):
        for _ in range(LOADING_TRIES):
            with Worker(*SMALL) as worker:
                asked = Exchange(worker, request)
                complaint = asked.complaint(reply)
                asked.close()
                if not complaint:
                    return
                if worker.get("/readyz")[0] != 200:
                    break
        self.fail(complaint)

    def test_both_documents_have_the_same_routes(self):
        self.assertEqual(api_routes(), openapi_routes())

    def test_every_route_has_an_example(self):
        asked = {(block.method, block.path.split("?")[0]) for block in blocks()
                 if block.kind == "request"}
        for method, path in openapi_routes():
            with self.subTest(route=f"{method} {path}"):
                pattern = re.sub(r"\{\w+\}", "[^/]+", path)
                shown = any(method == m and re.fullmatch(pattern, p) for m, p in asked)
                self.assertTrue(shown or path in aliases())

    def test_the_worker_has_the_routes_of_the_documents_with_their_methods(self):
        need("RBEE_TEST_MODEL")
        methods = {}
        for method, path in openapi_routes():
            methods.setdefault(path, set()).update({method, *(["HEAD"] if method == "GET" else [])})
        with Worker(*SMALL) as worker:
            for path, expected in methods.items():
                with self.subTest(path=path):
                    connection = worker.connect()
                    # A method of no route: the reply lists those that there are, and does nothing.
                    connection.request("PATCH", path.replace("{id}", "job-1"))
                    response = connection.getresponse()
                    connection.close()
                    self.assertEqual(response.status, 405)
                    self.assertEqual(set(response.headers["allow"].split(", ")), expected)


if __name__ == "__main__":
    unittest.main()
