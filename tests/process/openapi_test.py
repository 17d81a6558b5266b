"""The worker answers as docs/openapi.yaml says, whatever it is asked: requests of all shapes, made
by schemathesis from the document, and each reply and each event of a stream held against it."""

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import tiny_model
from documents import OPENAPI, openapi_routes
from worker import Worker, need, until

HERE = Path(__file__).resolve().parent
TOKEN = "example-token"
# Against hanging only.
PATIENCE = 400

# The document as it is for a worker with a token, with this model, and with limits that make each
# job a short one. A second thread would only be waited for.
LIMITS = ("--max-prompt-chars", "100", "--max-output-tokens", "4", "--parallel", "4",
          "--chat-template", "chatml", "--context-size", "4096", "--threads", "1")
TOKENS = len(list(tiny_model.tokens()))
CHANGES = {
    "maxLength: 32768": "maxLength: 100",
    "maximum: 2048": "maximum: 4",
    "\nsecurity:\n  - bearer: []\n  - {}\n": "\nsecurity:\n  - bearer: []\n",
    "ModelName: {type: string": "ModelName: {enum: [default, tiny.gguf]",
    'TokensMax: {type: [integer, "null"], minimum: 1':
        'TokensMax: {type: [integer, "null"], minimum: 1, maximum: 4096',
    'Replies: {type: [integer, "null"], minimum: 1':
        'Replies: {type: [integer, "null"], minimum: 1, maximum: 4',
    "Token: {type: integer, minimum: 0":
        f"Token: {{type: integer, minimum: 0, maximum: {TOKENS - 1}",
    'propertyNames: {pattern: "^[0-9]{1,9}$"}':
        f"propertyNames: {{enum: {json.dumps(list(map(str, range(TOKENS))))}}}",
    'suffix:\n          type: [string, "null"]': 'suffix:\n          type: "null"',
    # No schema says what is an expression, or a grammar.
    'Regex: {type: [string, "null"], minLength: 1': 'Regex: {enum: [null, "[a-z]+", "a|bc"]',
    'Lark: {type: [string, "null"], minLength: 1': "Lark: {enum: [null, 'start: \"a\"+']",
}


class OpenApiTest(unittest.TestCase):
    def setUp(self):
        self.packages = Path(need("RBEE_SCHEMATHESIS"))
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write_document(self):
        text = OPENAPI.read_text(encoding="utf-8")
        for wide, narrow in CHANGES.items():
            self.assertEqual(text.count(wide), 1, wide)
            text = text.replace(wide, narrow)
        path = self.folder / "openapi.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def write_model(self):
        path = self.folder / "tiny.gguf"
        path.write_bytes(tiny_model.build()[0])
        return path

    def schemathesis(self, worker):
        """(exit code, what it says)"""
        # A fixed seed: a change is not to fail on what it has nothing to do with.
        command = [self.packages / "bin" / "schemathesis",
                   "--config-file", HERE / "openapi.toml", "run", self.write_document(),
                   "--url", f"http://127.0.0.1:{worker.port}",
                   "--header", f"Authorization: Bearer {TOKEN}", "--seed", "1", "--no-color"]
        env = {**os.environ, "PYTHONPATH": str(self.packages),
               "SCHEMATHESIS_HOOKS": str(HERE / "openapi_hooks.py")}
        run = subprocess.run(command, cwd=self.folder, env=env, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
        return run.returncode, run.stdout.decode(errors="replace")

    def test_every_reply_is_as_the_document_says(self):
        with Worker(*LIMITS, "--host", "127.0.0.1", model=self.write_model(),
                    env={"LLORCH_API_TOKEN": TOKEN}) as worker:
            worker.ready()
            code, said = self.schemathesis(worker)
            self.assertEqual(code, 0, said)
            # All but the two that would end the worker.
            tested = int(re.search(r"Tested: (\d+)", said)[1])
            self.assertEqual(tested, len(openapi_routes()) - 2)
            until(lambda: worker.health()["slots_busy"] == 0)
            self.assertEqual(worker.health()["status"], "healthy")
            worker.signal()
            self.assertEqual(worker.exit_code(), 0)


if __name__ == "__main__":
    unittest.main()
