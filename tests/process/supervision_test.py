"""What supervisors and operators do to a running worker: signals, systemd, POST /v1/shutdown."""

import pathlib
import signal
import socket
import tempfile
import unittest

from modality import LONG, MODALITY, SHORT
from peer import Peer
from worker import PATIENCE, Stream, Worker, until

# Of one thread: several wait for each other by spinning, which crawls on a busy machine.
SMALL = ("--context-size", "512", "--parallel", "4", "--threads", "1")


class SupervisionTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class ReloadTest(SupervisionTest):
    def answer_to(self, worker, token):
        return worker.post({**SHORT, "stream": False},
                           headers={"authorization": f"Bearer {token}"})[0]

    def test_sighup_reads_the_tokens_again_and_hives_are_shown_the_new_one(self):
        tokens = self.folder / "tokens"
        tokens.write_text("first-token\n")
        with Peer() as hive, \
                Worker(*SMALL, "--host", "127.0.0.1", "--api-token-file", str(tokens),
                       "--hive-url", f"http://{hive.place}",
                       "--heartbeat-interval", "1s") as worker:
            worker.ready()
            self.assertEqual(self.answer_to(worker, "first-token"), 200)
            tokens.write_text("second-token\nthird-token\n")
            worker.signal(signal.SIGHUP)
            until(lambda: self.answer_to(worker, "second-token") == 200)
            self.assertEqual(self.answer_to(worker, "third-token"), 200)
            self.assertEqual(self.answer_to(worker, "first-token"), 401)
            until(lambda: self.shown(hive)[-1] == "Bearer second-token")
            shown = self.shown(hive)
            self.assertEqual(shown, sorted(shown))  # Each before the rotation, then each after.
            self.assertEqual(shown[0], "Bearer first-token")

            tokens.write_text("")
            worker.signal(signal.SIGHUP)
            worker.wait_for_line(message="the settings stay as they are")
            self.assertEqual(self.answer_to(worker, "second-token"), 200)
            self.assertEqual(self.answer_to(worker, ""), 401)
            told = "".join(map(str, worker.log))
            self.assertNotIn("second-token", told + worker.get("/heartbeat")[1])

    def shown(self, hive):
        return [request.field("Authorization")[0] for request in hive.requests]


class SystemdTest(SupervisionTest):
    def test_systemd_hears_of_ready_of_stopping_and_of_life_in_between(self):
        address = str(self.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.bind(address)
            supervisor.settimeout(PATIENCE)
            with Worker(*SMALL, env={"NOTIFY_SOCKET": address,
                                     "WATCHDOG_USEC": "200000"}) as worker:
                self.hears_until("READY=1", supervisor)
                self.assertEqual(worker.get("/readyz")[0], 200)
                self.hears_until("WATCHDOG=1", supervisor)
                worker.signal()
                after = self.hears_until("STOPPING=1", supervisor)
                self.assertNotIn("READY=1", after)
                self.assertEqual(worker.exit_code(), 0)

    def hears_until(self, word, supervisor):
        """What was heard before it."""
        heard = []
        while not heard or heard[-1] != word:
            heard.append(supervisor.recv(1024).decode())
        return heard[:-1]


class ShutdownTest(SupervisionTest):
    def test_a_shutdown_from_this_machine_needs_no_token_and_drains(self):
        with Worker(*SMALL, "--host", "127.0.0.1", "--drain-timeout", "30s",
                    env={"LLORCH_API_TOKEN": "a-token"}) as worker:
            worker.ready()
            stream = Stream(worker, {**LONG, "stream": True},
                            headers={"authorization": "Bearer a-token"})
            stream.next(MODALITY.OUTPUT)
            for path in ("/v1/shutdown", "/v1/admin/shutdown"):
                self.assertEqual(worker.post({}, path),
                                 (202, {"status": "shutting_down", "timeout_seconds": 30}))
                worker.wait_for("drain_start")
            self.assertEqual(stream.rest()[-1], "[DONE]")
            self.assertEqual(worker.exit_code(), 0)
            self.assertEqual([line.get("action") for line in worker.log].count("drain_start"), 1)


if __name__ == "__main__":
    unittest.main()
