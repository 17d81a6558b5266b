"""What any worker does while it serves, whatever its jobs are: loading, tokens, and clients that
leave."""

import json
import random
import unittest

from modality import ENDLESS, LONG, MODALITY, SHORT
from worker import Stream, Worker, until

SOME = MODALITY.work("The three largest oceans are", 30)


class ClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.worker = Worker("--parallel", "4", *MODALITY.NO_BOUND)
        cls.worker.__enter__()
        cls.addClassCleanup(cls.worker.__exit__)
        cls.worker.ready()

    def test_an_active_job_id_again_is_a_conflict(self):
        stream = Stream(self.worker, {**LONG, "stream": True, "job_id": "job-twice"})
        stream.next(MODALITY.OUTPUT)
        status, body = self.worker.post({**SHORT, "job_id": "job-twice"})
        self.assertEqual((status, body["code"]), (409, "CONFLICT"))
        stream.leave()

    def test_health_answers_while_decoding(self):
        stream = Stream(self.worker, {**LONG, "stream": True})
        stream.next(MODALITY.OUTPUT)
        health = self.worker.health()
        self.assertEqual((health["status"], health["state"], health["slots_busy"]),
                         ("healthy", "busy", 1))
        self.assertEqual(json.loads(self.worker.get("/info")[1])["status"], "busy")
        self.assertIn('vllm:num_requests_running{', self.worker.get("/metrics")[1])
        stream.leave()

    def test_a_client_that_leaves_frees_its_slot(self):
        stream = Stream(self.worker, {**ENDLESS, "stream": True})
        stream.next(MODALITY.OUTPUT)
        stream.leave()
        until(lambda: self.worker.health()["slots_busy"] == 0)

    def test_200_clients_that_leave_at_random_points_leave_nothing_behind(self):
        until(lambda: self.worker.health()["slots_busy"] == 0)
        before = self.worker.descriptors()
        chance = random.Random(1)
        for _ in range(200):
            self.leave_somewhere(chance)
        until(lambda: self.worker.health()["slots_busy"] == 0)
        until(lambda: self.worker.descriptors() <= before)
        self.assertEqual(self.worker.post({**SHORT, "stream": False})[0], 200)

    def leave_somewhere(self, chance):
        place = chance.randrange(4)
        if place == 0:  # before the request is complete
            connection = self.worker.connect()
            connection.connect()
            connection.sock.send(b"POST /v1/inference HTTP/1.1\r\nHost: localhost\r\n")
            connection.close()
        elif place == 1:  # before the reply
            connection = self.worker.connect()
            connection.request("POST", "/v1/inference",
                               json.dumps(SOME),
                               {"content-type": "application/json"})
            connection.close()
        else:  # in mid-stream
            stream = Stream(self.worker, {**SOME, "stream": True})
            if stream.status == 200:
                for _, _ in zip(range(chance.randrange(6)), stream):
                    pass
            stream.leave()


class TokenTest(unittest.TestCase):
    def test_a_token_is_asked_for_and_never_told(self):
        secret = "rbee-7d1f0c55e2"
        with Worker("--host", "127.0.0.1", env={"LLORCH_API_TOKEN": secret}) as worker:
            worker.ready()
            body = {**SHORT, "stream": False}
            for headers, code in (({}, "MISSING_API_KEY"),
                                  ({"authorization": "Bearer wrong"}, "INVALID_API_KEY")):
                status, reply = worker.post(body, headers=headers)
                self.assertEqual((status, reply["error"]["code"]), (401, code))
            status, _ = worker.post(body, headers={"authorization": f"Bearer {secret}"})
            self.assertEqual(status, 200)
            told = "".join(worker.get(path)[1] for path in ("/info", "/metrics", "/health"))
            worker.signal()
            worker.wait_for("server_shutdown")
            self.assertNotIn(secret, told + json.dumps(worker.log))


class LoadingTest(unittest.TestCase):
    def test_every_status_route_answers_while_the_model_loads(self):
        with Worker() as worker:
            self.assertEqual(worker.get("/livez")[0], 200)
            ready = json.loads(worker.get("/v1/ready")[1])
            if not ready["ready"]:  # It may be ready already: the model is small.
                self.assertEqual((ready["state"], ready["progress_url"]),
                                 ("loading", "/v1/loading/progress"))
            self.assertIn("worker_uptime_seconds", worker.get("/metrics")[1])
            progress = worker.get("/v1/loading/progress")[1]
            self.assertTrue(progress.endswith('data: {"stage":"ready"}\n\ndata: [DONE]\n\n'),
                            progress)
            self.assertEqual(worker.get("/v1/health")[0], 200)

    def test_narration_tells_of_a_job_as_it_happens(self):
        with Worker() as worker:
            worker.ready()
            connection = worker.connect()
            connection.request("GET", "/v1/narration?job_id=job-told")
            narration = connection.getresponse()
            worker.post({**SHORT, "stream": False, "job_id": "job-told"})
            actions = []
            while "inference_complete" not in actions:
                line = narration.readline().decode().strip()
                if line:
                    actions.append(json.loads(line.removeprefix("data: "))["action"])
            self.assertEqual(actions, ["job_created", "inference_start", "inference_complete"])
            connection.close()


if __name__ == "__main__":
    unittest.main()
