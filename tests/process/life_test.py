"""From start to exit code."""

import os
import signal
import subprocess
import unittest

from modality import ENDLESS, LONG, MODALITY, SHORT
from worker import PATIENCE, Worker, run_to_end, until


class LifeTest(unittest.TestCase):
    def test_sigterm_lets_a_running_stream_end_and_exits_with_0(self):
        with Worker() as worker:
            worker.ready()
            stream = worker.stream(**LONG)
            stream.next(MODALITY.OUTPUT)
            worker.signal()
            events = stream.rest()
            self.assertEqual(events[-1], "[DONE]")
            self.assertEqual(events[-2]["type"], "end")
            self.assertEqual(worker.exit_code(), 0)

    def test_sigint_drains_too(self):
        with Worker() as worker:
            worker.ready()
            worker.signal(signal.SIGINT)
            self.assertEqual(worker.exit_code(), 0)

    def test_a_drain_that_takes_too_long_cancels_what_runs(self):
        with Worker("--drain-timeout", "100ms", *MODALITY.NO_BOUND) as worker:
            worker.ready()
            stream = worker.stream(**ENDLESS)
            stream.next(MODALITY.OUTPUT)
            worker.signal()
            events = stream.rest()
            self.assertEqual(events[-2]["type"], "error")
            self.assertEqual(events[-2]["code"], "CANCELLED")
            self.assertEqual(worker.exit_code(), 0)

    def test_while_draining_new_work_is_refused_and_health_answers(self):
        with Worker() as worker:
            worker.ready()
            stream = worker.stream(**LONG)
            stream.next(MODALITY.OUTPUT)
            worker.signal()
            worker.wait_for("drain_start")
            self.assertEqual(worker.get("/readyz")[0], 503)
            self.assertEqual(worker.health()["state"], "draining")
            status, body = worker.post(SHORT)
            self.assertEqual((status, body["code"]), (503, "WORKER_UNHEALTHY"))
            self.assertTrue(body["retriable"])
            self.assertEqual(stream.rest()[-1], "[DONE]")
            self.assertEqual(worker.exit_code(), 0)

    def test_sigterm_while_loading_exits_with_0(self):
        with Worker() as worker:
            worker.signal()
            self.assertEqual(worker.exit_code(), 0)

    def test_a_second_signal_ends_it_at_once(self):
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            with self.subTest(signal=number), Worker() as worker:
                worker.ready()
                stream = worker.stream(**LONG)
                stream.next(MODALITY.OUTPUT)
                worker.signal(number)
                worker.wait_for("drain_start")
                worker.signal(number)
                self.assertEqual(worker.exit_code(), code)

    def test_sighup_does_not_end_it(self):
        with Worker() as worker:
            worker.ready()
            worker.signal(signal.SIGHUP)
            self.assertEqual(worker.get("/readyz")[0], 200)

    def test_a_port_in_use_is_exit_1_and_names_the_remedy(self):
        with Worker() as worker:
            end = run_to_end(port=worker.port, model=MODALITY.model())
            self.assertEqual(end.code, 1)
            self.assertRegex(end.stderr, f"port {worker.port} is in use: .*--port")


class OutputTest(unittest.TestCase):
    """What becomes of stdout and stderr is not the worker's business."""

    def serve_with(self, stdout, stderr, close_fds=()):
        port = free_port()
        for fd in close_fds:
            os.close(fd)
        process = subprocess.Popen(
            [MODALITY.program(), "--port", str(port), "--model", MODALITY.model(),
             "--log-level", "debug"],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        worker = Worker()
        worker.port, worker.process = port, process
        return worker.ready()

    def serves_and_ends(self, worker):
        for _ in range(100):  # More lines than a pipe holds.
            status, body = worker.post({**SHORT, "stream": False})
            self.assertEqual(status, 200, body)
        worker.signal()
        self.assertEqual(worker.exit_code(), 0)

    def test_a_pipe_that_nobody_reads(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.serves_and_ends(self.serve_with(write, write))
        os.close(write)

    def test_a_pipe_whose_reader_has_gone(self):
        read, write = os.pipe()
        os.close(read)
        self.serves_and_ends(self.serve_with(write, write))
        os.close(write)

    def test_descriptors_that_are_closed(self):
        command = f"exec {MODALITY.program()} \"$@\" >&- 2>&-"
        port = free_port()
        process = subprocess.Popen(["sh", "-c", command, "worker", "--port", str(port), "--model",
                                    MODALITY.model()], stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        worker = Worker()
        worker.port, worker.process = port, process
        self.serves_and_ends(worker.ready())


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    unittest.main()
