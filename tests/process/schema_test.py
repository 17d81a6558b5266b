"""Every reply under a JSON Schema parses and validates, by a validator that is not ours. A model of
random weights reaches more of a grammar than one that was trained."""

import json
import sys
import tempfile
import threading
import unittest
from pathlib import Path

import tiny_model
from schemas import REFUSED, SCHEMAS
from worker import Worker, need

CHAT = "/v1/chat/completions"
REPLIES = 20
BRANCHES = 4
# Sampled at random a text ends late, if its schema lets it.
TOKENS = 300


def body(schema, strict=True, **more):
    return {"model": "default", "max_tokens": TOKENS,
            "messages": [{"role": "user", "content": "An example, as JSON."}],
            "response_format": {"type": "json_schema", "json_schema": {
                "name": "example", "strict": strict, "schema": schema}}, **more}


class SchemaTest(unittest.TestCase):
    def setUp(self):
        packages = need("RBEE_SCHEMATHESIS")
        if packages not in sys.path:
            sys.path.append(packages)
        import jsonschema_rs  # pylint: disable=import-outside-toplevel
        self.validator_for = jsonschema_rs.validator_for

    def complaints(self, name, worker, bodies):
        """(what is wrong with the replies, how many were complete)"""
        validator = self.validator_for(SCHEMAS[name], validate_formats=True)
        wrong, complete = [], 0
        for asked in bodies:
            status, reply = worker.post(asked, CHAT)
            if status != 200:
                return [f"{name}: {status} {reply}"], complete
            for choice in reply["choices"]:
                if choice["finish_reason"] == "length":
                    continue
                complete += 1
                text = choice["message"]["content"]
                try:
                    found = "" if validator.is_valid(json.loads(text)) else "is not valid"
                except ValueError as error:
                    found = str(error)
                if found:
                    wrong.append(f"{name}: {text!r} {found}")
        return wrong, complete

    def check_all(self, worker, bodies_of, clients):
        names = list(SCHEMAS)
        lock = threading.Lock()
        wrongs, completes = [], {}

        def work():
            while True:
                with lock:
                    if not names:
                        return
                    name = names.pop()
                wrong, complete = self.complaints(name, worker, bodies_of(name))
                with lock:
                    wrongs.extend(wrong)
                    completes[name] = complete

        threads = [threading.Thread(target=work) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrongs, [], "\n".join(wrongs))
        self.assertEqual(len(completes), len(SCHEMAS))
        return completes

    def test_random_replies_are_valid(self):
        self.assertGreaterEqual(len(SCHEMAS), 60)
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder, "tiny.gguf")
            model.write_bytes(tiny_model.build()[0])
            with Worker("--threads", "1", "--parallel", "8", "--context-size", "512",
                        "--chat-template", "chatml", model=model) as worker:
                worker.ready()
                completes = self.check_all(
                    worker, lambda name: [body(SCHEMAS[name], n=BRANCHES, seed=1000 * turn)
                                          for turn in range(REPLIES // BRANCHES)], clients=2)
                for keyword, schema in REFUSED.items():
                    self.check_refused(worker, keyword, schema)
        print(f"\n{sum(completes.values())} complete replies of {REPLIES * len(SCHEMAS)}; least: "
              f"{sorted(completes.items(), key=lambda each: each[1])[:5]}", flush=True)
        self.assertEqual([name for name, complete in completes.items() if complete == 0], [])

    def check_refused(self, worker, keyword, schema):
        status, reply = worker.post(body(schema), CHAT)
        self.assertEqual(status, 400, reply)
        self.assertIn(keyword, reply["error"]["message"])
        status, reply = worker.post(body(schema, strict=False, max_tokens=5), CHAT)
        self.assertEqual(status, 200, reply)
        self.assertIn(keyword, str(reply["x_ignored"]))

    def test_a_trained_models_replies_are_valid(self):
        need("RBEE_TEST_MODEL")
        with Worker("--parallel", "4", "--context-size", "1024") as worker:
            worker.ready()
            self.check_all(worker, lambda name: [body(SCHEMAS[name], seed=1, max_tokens=120)],
                           clients=4)


if __name__ == "__main__":
    unittest.main()
