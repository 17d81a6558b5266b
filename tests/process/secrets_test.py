"""Tokens, prompts and outputs stay where they belong, whatever a worker prints or is asked."""

import base64
import hashlib
import http.server
import json
import os
import signal
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

from modality import MODALITY, SHORT
from worker import PATIENCE, Worker, until

# Each has characters that are written otherwise in base64, URLs and JSON.
FROM_ENVIRONMENT = "environs/+7d1f0c55e2&\"é\\="
FROM_FILE = "filed/+93ab77c01d&\"ü\\="
LATER_IN_FILE = "renewed/+5bd1e2f9a8&\"ö\\="
WRONG = "mistaken/+c4418efab6&\"ä\\="
TOKENS = (FROM_ENVIRONMENT, FROM_FILE, LATER_IN_FILE, WRONG)

PROMPT = "Quokkas of Zanzibar whisper 90210. Once upon a time"
STOP = "never-said-xylophone"


def traces(token):
    """What would give a token away. Its digest may be named by six digits, not by more."""
    raw = token.encode()
    yield token
    yield token.split("&")[0]
    yield json.dumps(token)[1:-1]
    yield json.dumps(token, ensure_ascii=False)[1:-1]
    yield urllib.parse.quote(token, safe="")
    yield urllib.parse.quote(token)
    for text in (raw, b":" + raw, raw + b":"):
        yield base64.b64encode(text).decode().rstrip("=")[:-1]
        yield base64.urlsafe_b64encode(text).decode().rstrip("=")[:-1]
    yield raw.hex()
    yield hashlib.sha256(raw).hexdigest()[:8]


class Hive(http.server.BaseHTTPRequestHandler):
    """Takes every call; forgets the worker once, so that it calls back again."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        heard = self.server.heard
        self.server.bearers.add(self.headers["Authorization"])
        del self.headers["Authorization"]
        self.send_response(404 if len(heard) == 3 else 204)
        self.end_headers()
        heard.append(f"{self.requestline}\n{self.headers}{body.decode()}")

    def log_message(self, *_):
        pass


def start_hive(test):
    hive = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hive)
    hive.heard, hive.bearers = [], set()
    threading.Thread(target=hive.serve_forever, daemon=True).start()
    test.addCleanup(hive.server_close)
    test.addCleanup(hive.shutdown)
    return hive


class SecretsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.token_file = os.path.join(folder.name, "tokens")
        self.write_tokens(FROM_FILE)
        self.environment = {**os.environ, "LLORCH_API_TOKEN": FROM_ENVIRONMENT}
        self.told = {}  # where → what was said there

    def write_tokens(self, *tokens):
        with open(self.token_file, "w", encoding="utf-8") as file:
            file.write("\n".join(tokens) + "\n")

    def tell(self, where, what):
        self.told[where] = self.told.get(where, "") + what + "\n"

    def check_tokens(self):
        for where, what in self.told.items():
            for token in TOKENS:
                for trace in traces(token):
                    self.assertNotIn(trace, what, f"in {where}")

    def start(self, *flags):
        """A worker whose outputs go to files, and the means to talk to it."""
        out, err = (open(os.path.join(self.folder, name), "w+b") for name in ("out", "err"))
        self.addCleanup(out.close)
        self.addCleanup(err.close)
        process = subprocess.Popen(
            [MODALITY.program(), "--port", "0", "--model", MODALITY.model(), "--host",
             "127.0.0.1", "--log-level", "trace", "--threads", "1", "--context-size", "256",
             "--api-token-file", self.token_file, *flags],
            stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=self.environment)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.stdout, self.stderr = (lambda: read(out)), (lambda: read(err))
        until(lambda: self.stdout().endswith("\n"))
        worker = Worker()
        worker.process, worker.port = process, int(self.stdout().strip().rsplit(":", 1)[1])
        return worker.ready()

    def call(self, worker, method, path, body=None, headers=None):
        """The reply's body; all of the reply is kept as told."""
        connection = worker.connect()
        fields = dict(headers or {})
        if body is not None:
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
            fields["content-type"] = b"application/json"
        connection.request(method, path, body, fields)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        self.tell("replies", f"{response.status}\n{response.headers}\n{text}")
        return response.status, text

    def follow_narration(self, worker):
        connection = worker.connect()
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/narration", headers=bearer(FROM_FILE))
        response = connection.getresponse()
        self.assertEqual(response.status, 200)

        def follow():
            for line in response:
                self.tell("narration", line.decode())

        reader = threading.Thread(target=follow, daemon=True)
        reader.start()
        return reader

    def ask_with(self, worker, token):
        """Every way in which a caller may show a token, or let it slip."""
        quoted = urllib.parse.quote(token, safe="")
        plain = base64.b64encode(f"user:{token}".encode()).decode()
        body = {**SHORT, "stream": False}
        for name, value in (("Authorization", f"Bearer {token}"), ("Authorization", token),
                            ("Authorization", f"bearer {token}"),
                            ("Authorization", f"Basic {plain}"), ("X-Api-Key", token),
                            ("X-Correlation-ID", token), ("x-deadline", token),
                            ("Cookie", f"token={token}"), ("Origin", token),
                            ("x-gateway-inference-fairness-id", token)):
            self.call(worker, "POST", "/v1/inference", body, header(name, value))
        for path in (f"/v1/inference?api_key={quoted}", f"/v1/jobs?token={quoted}"):
            self.call(worker, "POST", path, body)
            self.call(worker, "POST", path, body, bearer(token))
        for slip in ({**body, "api_key": token}, {**body, MODALITY.INPUT: {"is": token}},
                     {**body, "priority": token}, {**body, "job_id": token},
                     {**body, "operation": token}, {**body, "stop": token}, {token: token},
                     f'{{"api_key": "{token}', token):
            self.call(worker, "POST", "/v1/inference", slip)
            self.call(worker, "POST", "/v1/inference", slip, bearer(FROM_FILE))
        for path in (f"/{quoted}", f"/v1/jobs/{quoted}", f"/v1/jobs/{quoted}/stream"):
            self.call(worker, "GET", path, headers=bearer(FROM_FILE))
            self.call(worker, "GET", path)

    def ask_everything(self, worker):
        for path in ("/", "/health", "/info", "/metrics", "/heartbeat", "/v1/ready",
                     "/v1/loading/progress"):
            self.tell("status routes", self.call(worker, "GET", path, headers=bearer(FROM_FILE))[1])

    def test_no_token_is_told_anywhere_but_to_the_hive(self):
        for form in ("json", "text"):
            with self.subTest(log=form):
                self.keep_tokens(form)

    def keep_tokens(self, form):
        hive = start_hive(self)
        url = f"http://127.0.0.1:{hive.server_port}"
        self.write_tokens(FROM_FILE)
        worker = self.start("--log-format", form, "--heartbeat-interval", "1s", "--callback-url",
                            url + "/v1/workers/ready", "--queen-url", url)
        narration = self.follow_narration(worker)
        for token in (FROM_ENVIRONMENT, FROM_FILE, WRONG):
            self.ask_with(worker, token)
        self.ask_everything(worker)
        until(lambda: len(hive.heard) > 5)

        self.write_tokens("bad\x01" + WRONG)
        worker.signal(signal.SIGHUP)
        until(lambda: "the settings stay as they are" in self.stderr())
        self.write_tokens(FROM_FILE, LATER_IN_FILE)
        worker.signal(signal.SIGHUP)
        until(lambda: "have been read again" in self.stderr())
        self.assertEqual(self.call(worker, "GET", "/v1/jobs/none", headers=bearer(
            LATER_IN_FILE))[0], 404)
        self.ask_with(worker, LATER_IN_FILE)
        worker.signal()
        self.assertEqual(worker.exit_code(), 0)
        narration.join(PATIENCE)

        self.tell("the hive", "\n".join(hive.heard))
        self.tell("stdout", self.stdout())
        self.tell("stderr", self.stderr())
        self.assertIn("inference_complete", self.told["narration"])
        self.assertIn('"INVALID_API_KEY"', self.told["replies"])
        self.assertEqual(hive.bearers, {f"Bearer {FROM_ENVIRONMENT}".encode().decode("latin-1")})
        self.check_tokens()

    def test_no_token_is_printed_by_what_only_informs_or_fails(self):
        self.write_tokens(FROM_FILE, LATER_IN_FILE)
        bad_file = os.path.join(self.folder, "bad")
        with open(bad_file, "w", encoding="utf-8") as file:
            file.write(WRONG + "\x01\n")
        flags = ["--model", MODALITY.model(), "--api-token-file"]
        for form in ("json", "text"):
            for arguments, code in (([*flags, self.token_file, "--check-config"], 0),
                                    ([*flags, self.token_file, "--help"], 0),
                                    ([*flags, self.token_file, "--local-mode"], 1),
                                    ([*flags, bad_file], 1),
                                    ([*flags, bad_file, "--check-config"], 1),
                                    (["--check-config", "--api-token", WRONG], 2),
                                    (["--check-config", f"--api-token={WRONG}"], 2),
                                    (["--check-config", f"--api-tokens={WRONG}"], 2)):
                run = subprocess.run([MODALITY.program(), "--log-format", form, *arguments],
                                     env=self.environment, capture_output=True, timeout=PATIENCE,
                                     check=False)
                self.tell(" ".join(arguments), (run.stdout + run.stderr).decode())
                self.assertEqual(run.returncode, code, run.stderr)
        self.check_tokens()

    def test_prompt_and_output_are_in_the_reply_alone(self):
        hive = start_hive(self)
        worker = self.start("--log-format", "json", "--heartbeat-interval", "1s", "--queen-url",
                            f"http://127.0.0.1:{hive.server_port}")
        narration = self.follow_narration(worker)
        body = {**MODALITY.work(PROMPT, 24), "stop": [STOP]}
        status, reply = self.call(worker, "POST", "/v1/inference", {**body, "stream": False},
                                  bearer(FROM_FILE))
        self.assertEqual(status, 200, reply)
        outputs = MODALITY.pieces(json.loads(reply))
        self.call(worker, "POST", "/v1/inference", {**body, "stream": True}, bearer(FROM_FILE))
        made = json.loads(self.call(worker, "POST", "/v1/jobs", body, bearer(FROM_FILE))[1])
        self.call(worker, "GET", made["sse_url"] + "?events=all", headers=bearer(FROM_FILE))
        self.told.clear()
        for wrong in ({MODALITY.INPUT: 999 * PROMPT}, {"priority": 99}, {"stop": [9 * STOP]}):
            self.call(worker, "POST", "/v1/inference", {**body, **wrong}, bearer(FROM_FILE))
        self.call(worker, "POST", "/v1/inference", json.dumps(body)[:-1], bearer(FROM_FILE))
        self.call(worker, "GET", made["sse_url"].removesuffix("/stream"),
                  headers=bearer(FROM_FILE))
        self.ask_everything(worker)
        until(lambda: len(hive.heard) > 2)
        worker.signal()
        self.assertEqual(worker.exit_code(), 0)
        narration.join(PATIENCE)
        self.tell("the hive", "\n".join(hive.heard))
        self.tell("stderr", self.stderr())
        self.assertGreater(len("".join(outputs)), 20)
        pieces = [*PROMPT.split(". ")[0].split(), "90210", STOP, *outputs]
        for where, what in self.told.items():
            for piece in set(pieces) - {"of"}:
                self.assertNotIn(piece, what, f"in {where}")


def bearer(token):
    return header("Authorization", f"Bearer {token}")


def header(name, value):
    return {name: value.encode()}  # http.client would take text for Latin-1.


def read(file):
    with open(file.name, "rb") as again:
        return again.read().decode()


if __name__ == "__main__":
    unittest.main()
