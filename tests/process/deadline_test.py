"""Jobs whose time runs out: before they come, in the queue, in mid-stream."""

import json
import time
import unittest

import modality
from modality import MODALITY
from worker import PATIENCE, Worker, until

LONG = {**modality.ENDLESS, "stream": True}
SHORT = {**modality.SHORT, "stream": False}
FLAGS = ("--threads", "1", "--parallel", "1", "--context-size", "2048", *MODALITY.NO_BOUND)


def after(seconds):
    """x-deadline so far ahead."""
    return {"x-deadline": str(round(1000 * (time.time() + seconds)))}


class Call:
    """One POST, and what came of it."""

    def __init__(self, worker, body, headers, path="/v1/inference"):
        self.connection = worker.connect()
        self.connection.request("POST", path, json.dumps(body),
                                {"content-type": "application/json", **headers})

    def finish(self):
        response = self.connection.getresponse()
        self.status = response.status
        self.headers = response.headers
        self.body = response.read().decode()
        self.ended = time.time()
        self.connection.close()
        return self

    def events(self):
        return [json.loads(line.removeprefix("data: ")) for line in self.body.splitlines()
                if line.startswith("data: {")]


class DeadlineTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.worker = Worker(*FLAGS)
        cls.worker.__enter__()
        cls.addClassCleanup(cls.worker.__exit__)
        cls.worker.ready()

    def call(self, body, headers, path="/v1/inference"):
        return Call(self.worker, body, headers, path).finish()

    def is_idle(self):
        until(lambda: self.worker.health()["slots_busy"] == 0)

    def test_a_running_job_ends_with_a_timeout_and_frees_its_slot(self):
        ended = None
        for ahead in (0.2, 1, 5, 25):  # Until an output comes before the deadline.
            headers = after(ahead)
            ended = self.call(LONG, headers)
            if ended.status == 200:
                break
            self.assertEqual((ended.status, json.loads(ended.body)["code"]), (504, "TIMEOUT"))
        late = 1000 * ended.ended - int(headers["x-deadline"])
        print(f"\nx-deadline {ahead} s ahead: the end came {late:.0f} ms after it", flush=True)
        self.ends_in_mid_stream(ended)
        self.is_idle()
        self.assertEqual(self.worker.post(SHORT)[0], 200)

    def ends_in_mid_stream(self, call):
        events = call.events()
        self.assertIn(MODALITY.OUTPUT, [event["type"] for event in events])
        self.assertEqual((events[-1]["type"], events[-1]["code"], events[-1]["retriable"]),
                         ("error", "TIMEOUT", True))
        self.assertTrue(call.body.endswith("data: [DONE]\n\n"))

    def test_request_timeout_is_every_job_s_deadline(self):
        with Worker(*FLAGS, "--request-timeout", "1s") as worker:
            worker.ready()
            begun = time.time()
            call = Call(worker, LONG, after(60)).finish()
            late = 1000 * (call.ended - begun - 1)
            print(f"\n--request-timeout 1s: the end came {late:.0f} ms after it", flush=True)
            self.ends_in_mid_stream(call)
            until(lambda: worker.health()["slots_busy"] == 0)

    def test_a_deadline_in_the_past_is_an_exact_504(self):
        for past in ("0", "1", str(round(1000 * time.time()) - 1)):
            for path in ("/v1/inference", "/v1/jobs"):
                call = self.call(SHORT, {"x-deadline": past}, path)
                self.assertEqual((call.status, call.body), (
                    504, '{"code":"INFERENCE_TIMEOUT","message":"Request deadline exceeded",'
                         '"retriable":true}'))

    def test_a_deadline_that_cannot_be_read_is_ignored(self):
        for unreadable in ("soon", "", "-1", "1.5", "0x10", "1e3", "1 2", "9" * 30, "٣"):
            call = self.call(SHORT, {"x-deadline": unreadable.encode()})
            self.assertEqual(call.status, 200, (unreadable, call.body))

    def test_a_job_may_run_out_of_time_in_the_queue(self):
        with Worker(*FLAGS) as worker:  # It has measured nothing yet, so it takes both jobs.
            worker.ready()
            running = worker.stream(**LONG)
            running.next(MODALITY.OUTPUT)
            headers = after(0.5)
            streamed = Call(worker, {**SHORT, "stream": True}, headers)
            kept = Call(worker, SHORT, headers, "/v1/jobs").finish()
            self.assertEqual(kept.status, 200, kept.body)
            stream = worker.get(json.loads(kept.body)["sse_url"])[1]
            self.assertRegex(stream, r'"type":"error","code":"TIMEOUT".*\n\ndata: \[ERROR\] ')
            self.assertEqual((streamed.finish().status, json.loads(streamed.body)["code"]),
                             (504, "TIMEOUT"))
            self.assertEqual(worker.health()["slots_busy"], 1)
            running.next(MODALITY.OUTPUT)  # Unharmed.
            running.leave()
            until(lambda: worker.health()["slots_busy"] == 0)

    def test_a_deadline_that_cannot_be_met_is_refused_at_once(self):
        work = MODALITY.work("Once upon a time", 100)
        self.assertEqual(self.worker.post({**work, "stream": False})[0], 200)  # Measures a job.
        ahead = [self.call(work, {}, "/v1/jobs") for _ in range(4)]
        self.assertEqual({call.status for call in ahead}, {200})
        call = self.call(SHORT, after(0.2))
        self.assertEqual((call.status, json.loads(call.body)["code"]),
                         (503, "INSUFFICIENT_RESOURCES"))
        self.assertTrue(json.loads(call.body)["retriable"])
        self.assertGreaterEqual(int(call.headers["retry-after"]), 1)
        for each in ahead:
            self.worker.get(json.loads(each.body)["sse_url"])
        self.is_idle()
        self.assertEqual(self.call(SHORT, after(PATIENCE)).status, 200)


if __name__ == "__main__":
    unittest.main()
