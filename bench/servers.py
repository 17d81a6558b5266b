"""Starts the servers that race, and measures their processes."""

import http.client
import os
import socket
import subprocess
import sys
import time

PATIENCE_SECONDS = 300
IDLE_SECONDS = 5


class Setting:
    """What both are given, so that they have the same to work with."""

    def __init__(self, model, threads, slots, context_tokens):
        self.model = model
        self.threads = threads
        self.slots = slots
        self.context_tokens = context_tokens
        self.cells = slots * context_tokens


class Contestant:
    """A kind of server: its name, its dialect, its command line, and the metric that counts cached
    prompt tokens, where replies do not tell them."""

    def __init__(self, name, dialect, ready_path, command, cached_metric=None):
        self.name = name
        self.dialect = dialect
        self.ready_path = ready_path
        self.command = command  # of a Setting and a port
        self.cached_metric = cached_metric


def worker(binary, more_flags):
    def command(setting, port):
        return [binary, "--model", setting.model, "--port", str(port),
                "--threads", str(setting.threads), "--parallel", str(setting.slots),
                "--context-size", str(setting.context_tokens),
                "--kv-tokens", str(setting.cells), "--log-level", "warn", *more_flags]
    return Contestant("worker", "native", "/readyz", command, "vllm:prefix_cache_hits_total")


def peer(binary):
    # One context of all cells, which it divides among its slots.
    def command(setting, port):
        return [binary, "--model", setting.model, "--port", str(port), "--host", "127.0.0.1",
                "--threads", str(setting.threads), "--threads-batch", str(setting.threads),
                "--parallel", str(setting.slots), "--ctx-size", str(setting.cells)]
    return Contestant("llama-server", "completion", "/health", command)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A fresh server of a kind. As a context manager it is ready inside, and gone after."""

    def __init__(self, contestant, setting):
        self.contestant = contestant
        self.setting = setting
        self.port = free_port()

    def __enter__(self):
        begin = time.perf_counter()
        self.process = subprocess.Popen(self.contestant.command(self.setting, self.port),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        try:
            self._wait_until_ready(begin + PATIENCE_SECONDS)
        except BaseException:
            self.__exit__()
            raise
        self.ready_after_seconds = time.perf_counter() - begin
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _wait_until_ready(self, end):
        while not self._is_ready():
            if self.process.poll() is not None:
                sys.exit(f"error: {self.contestant.name} ended with {self.process.returncode} "
                         f"before it was ready: {' '.join(self.process.args)}")
            if time.perf_counter() > end:
                sys.exit(f"error: {self.contestant.name} did not get ready")
            time.sleep(0.002)

    def _is_ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", self.contestant.ready_path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def metric(self, name):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        return sum(int(float(line.rpartition(" ")[2])) for line in lines if line.startswith(name))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def idle_cpu_share(self):
        """Of one core, over some seconds in which nobody asks for anything."""
        time.sleep(1)
        before = self.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        return (self.cpu_seconds() - before) / IDLE_SECONDS

    def memory_bytes(self):
        """(resident, of that not backed by files)"""
        resident = {}
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                name, _, value = line.partition(":")
                if name in ("VmRSS", "RssAnon"):
                    resident[name] = int(value.split()[0]) * 1024
        return resident["VmRSS"], resident["RssAnon"]
