"""A worker process under test, and how tests talk to it. Standard library only."""

import http.client
import json
import os
import queue
import resource
import signal
import subprocess
import tempfile
import threading
import time

from modality import MODALITY, need

# Against hanging only: nothing is asserted about time.
PATIENCE = 60


class Exit:
    """How a process ended."""

    def __init__(self, code, stderr, resident_bytes):
        self.code = code  # negative: the signal that ended it
        self.stderr = stderr
        self.resident_bytes = resident_bytes


def run_to_end(*flags, model=None, port=0, env=None, timeout=PATIENCE, preexec=None):
    """Runs a worker that is expected to end by itself."""
    command = [MODALITY.program(), "--port", str(port), *flags]
    if model is not None:
        command += ["--model", str(model)]
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=stderr, env={**os.environ, **(env or {})},
                                   preexec_fn=preexec)
        killer = threading.Timer(timeout, process.kill)
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        stderr.seek(0)
        text = stderr.read().decode(errors="replace")
    return Exit(process.returncode, text, usage.ru_maxrss * 1024)


class Worker:
    """A worker that serves. Use as a context manager; leaving it kills what still runs."""

    def __init__(self, *flags, model=None, env=None, preexec=None, modality=MODALITY):
        self.command = [modality.program(), "--log-format", "json", "--port", "0",
                        "--model", str(model or modality.model()), *flags]
        self.env = {**os.environ, **(env or {})}
        self.preexec = preexec
        self.log = []
        self._lines = queue.Queue()

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        env=self.env, preexec_fn=self.preexec)
        threading.Thread(target=self._follow, daemon=True).start()
        self.port = int(self.wait_for("server_bind")["target"].rsplit(":", 1)[1])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def _follow(self):
        try:
            for line in self.process.stderr:
                self._lines.put(line)
        except ValueError:  # Closed at the end of a test.
            pass
        self._lines.put(None)

    def wait_for(self, action):
        """The narration of `action`, from now on or already logged."""
        return self.wait_for_line(action=action)

    def wait_for_line(self, **fields):
        """The line of the log that has these fields, from now on or already logged."""
        wanted = fields.items()
        for line in self.log:
            if wanted <= line.items():
                return line
        while True:
            raw = self._lines.get(timeout=PATIENCE)
            if raw is None:
                raise AssertionError(f"the worker ended before {fields}: {self.log[-5:]}")
            line = json.loads(raw)
            self.log.append(line)
            if wanted <= line.items():
                return line

    def ready(self):
        """Waits until the worker takes work."""
        until(lambda: self.get("/readyz")[0] == 200)
        return self

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def exit_code(self):
        return self.process.wait(timeout=PATIENCE)

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def get(self, path):
        """(status, body)"""
        connection = self.connect()
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, body

    def health(self):
        return json.loads(self.get("/health")[1])

    def metric(self, name):
        """The sum of all samples of this name."""
        lines = [line for line in self.get("/metrics")[1].splitlines()
                 if line.startswith((name + " ", name + "{"))]
        assert lines, f"there is no metric {name}"
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def post(self, body, path="/v1/inference", headers=None):
        """(status, parsed body)"""
        connection = self.connect()
        connection.request("POST", path, json.dumps(body),
                           {"content-type": "application/json", **(headers or {})})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, json.loads(text)

    def stream(self, **body):
        return Stream(self, {"max_tokens": 16, "temperature": 0, "stream": True, **body})

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()


class Stream:
    """The event stream that answers a POST, or with no body a GET."""

    def __init__(self, worker, body=None, path="/v1/inference", headers=None):
        self.connection = worker.connect()
        if body is None:
            self.connection.request("GET", path, headers=headers or {})
        else:
            self.connection.request("POST", path, json.dumps(body),
                                    {"content-type": "application/json", **(headers or {})})
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def __iter__(self):
        """The events as dictionaries, then the end marker as a string."""
        for line in self.response:
            line = line.decode().rstrip("\n")
            if not line:
                continue
            assert line.startswith("data: "), line
            if line.startswith("data: ["):
                self.leave()
                yield line.removeprefix("data: ")
                return
            yield json.loads(line.removeprefix("data: "))

    def next(self, kind):
        """The next event of a kind."""
        for event in self:
            if isinstance(event, dict) and event["type"] == kind:
                return event
        raise AssertionError(f"the stream ended before {kind}")

    def rest(self):
        return list(self)

    def leave(self):
        """Closes the connection, in the middle of things or at the end."""
        self.response.close()
        self.connection.close()


def until(condition, patience=PATIENCE):
    """Polls until `condition()` holds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise AssertionError("it did not come about in time")
