"""What goes wrong reaches OpenAI's Python client as the exception it is, and is tried again only
where that helps."""

import time
import unittest

from openai_client import ONE_THREAD, SEA, ClientTest, client_of, openai
from worker import Worker, until

TOKEN = "example-token"
LONG = {"max_completion_tokens": 900, "extra_body": {"ignore_eos": True}}


def replies_of(client_settings):
    """Settings of a client, and the list of statuses that it will have seen."""
    statuses = []

    def note(response):
        statuses.append(response.status_code)

    http = openai.DefaultHttpxClient(event_hooks={"response": [note]})
    return {"http_client": http, **client_settings}, statuses


class ErrorsTest(ClientTest):
    FLAGS = ("--parallel", "1", "--max-queue", "0", "--context-size", "1024")

    def watched(self, **settings):
        """A client that tries four times, and the statuses that it sees."""
        settings, statuses = replies_of({"max_retries": 3, **settings})
        client = client_of(self.worker, **settings)
        self.addCleanup(client.close)
        return client, statuses

    def refused(self, error, **settings):
        client, statuses = self.watched()
        with self.assertRaises(error) as caught:
            client.chat.completions.create(
                **{"model": "default", "messages": SEA, "max_completion_tokens": 4, **settings})
        self.assertEqual(len(statuses), 1, "it was tried again")
        return caught.exception

    def test_a_wrong_parameter_is_named(self):
        for settings, param in (
                ({"temperature": 3}, "temperature"),
                ({"max_completion_tokens": 0}, "max_completion_tokens"),
                ({"n": 99}, "n"),
                ({"stop": ["a"] * 5}, "stop"),
                ({"messages": []}, "messages"),
                ({"messages": [{"role": "king", "content": "Hi"}]}, "messages[0].role"),
                ({"messages": [{"role": "user", "content": [
                    {"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}]}]},
                 "messages[0].content[0]"),
                ({"functions": [{"name": "f", "parameters": {}}]}, "functions"),
                ({"extra_body": {"regex": "("}}, "regex"),
                ({"response_format": {"type": "xml"}}, "response_format.type")):
            with self.subTest(param):
                error = self.refused(openai.BadRequestError, **settings)
                self.assertEqual((error.param, error.type), (param, "invalid_request_error"))
                self.assertTrue(error.message)
                self.assertTrue(error.request_id)

    def test_a_prompt_beyond_the_context(self):
        long = [{"role": "user", "content": "sea " * 2000}]
        error = self.refused(openai.BadRequestError, messages=long)
        self.assertEqual((error.code, error.param), ("context_length_exceeded", "messages"))

    def test_a_model_that_is_not_served(self):
        error = self.refused(openai.NotFoundError, model="gpt-4o")
        self.assertEqual((error.code, error.param), ("model_not_found", "model"))

    def test_a_body_that_is_no_json(self):
        with self.assertRaises(openai.BadRequestError):
            self.client.post("/chat/completions", cast_to=object, content=b"{",
                             options={"headers": {"content-type": "application/json"}})

    def test_a_deadline_that_has_passed_is_not_tried_again(self):
        error = self.refused(openai.InternalServerError,
                             extra_headers={"x-deadline": str(int(time.time() * 1000) - 1000)})
        self.assertEqual((error.status_code, error.code), (504, "timeout"))

    def test_a_full_worker_is_tried_again_until_it_has_room(self):
        running = self.chat(stream=True, **LONG)
        next(running)
        seen = []

        def leave(response):
            seen.append((response.status_code, response.headers.get("x-should-retry")))
            running.close()
            self.until_idle()

        http = openai.DefaultHttpxClient(event_hooks={"response": [leave]})
        client, _ = self.watched(http_client=http)
        raw = client.chat.completions.with_raw_response.create(
            model="default", messages=SEA, max_completion_tokens=3)
        self.assertEqual(seen[0], (503, "true"))
        self.assertEqual(seen[-1][0], 200)
        self.assertEqual(raw.retries_taken, len(seen) - 1)
        self.assertEqual(raw.parse().usage.completion_tokens, 3)

    def test_a_worker_that_stays_full_is_an_error_in_the_end(self):
        running = self.chat(stream=True, **LONG)
        next(running)
        with self.assertRaises(openai.InternalServerError) as caught:
            self.chat()
        self.assertEqual((caught.exception.status_code, caught.exception.code),
                         (503, "server_overloaded"))
        running.close()
        self.until_idle()

    def test_a_client_that_gives_up_frees_the_slot(self):
        with self.assertRaises(openai.APITimeoutError):
            self.chat(timeout=0.2, **LONG)
        self.until_idle()
        self.assertEqual(self.chat().usage.completion_tokens, 16)


class TokenTest(ClientTest):
    FLAGS = ("--parallel", "1")
    ENVIRONMENT = {"LLORCH_API_TOKEN": TOKEN}

    def test_the_clients_key_is_the_workers_token(self):
        with client_of(self.worker, api_key=TOKEN) as client:
            self.assertEqual(len(client.models.list().data), 1)
            reply = client.chat.completions.create(model="default", messages=SEA,
                                                   max_completion_tokens=2)
            self.assertEqual(reply.usage.completion_tokens, 2)

    def test_any_other_key_is_refused(self):
        for path in ("chat", "models"):
            settings, statuses = replies_of({"api_key": "another", "max_retries": 3})
            with client_of(self.worker, **settings) as client, \
                    self.assertRaises(openai.AuthenticationError) as caught:
                if path == "chat":
                    client.chat.completions.create(model="default", messages=SEA)
                else:
                    client.models.list()
            self.assertEqual((caught.exception.code, caught.exception.type),
                             ("invalid_api_key", "invalid_request_error"))
            self.assertEqual(statuses, [401])


class LifeTest(unittest.TestCase):
    def test_calls_made_while_the_model_loads_succeed_in_the_end(self):
        with Worker(*ONE_THREAD) as worker, \
                client_of(worker, max_retries=20) as client:
            reply = client.chat.completions.create(model="default", messages=SEA,
                                                   max_completion_tokens=2)
            self.assertEqual(reply.usage.completion_tokens, 2)

    def test_a_stream_that_the_worker_has_to_end_raises(self):
        flags = ("--parallel", "1", "--context-size", "8192", "--drain-timeout", "0")
        with Worker(*flags, *ONE_THREAD) as worker, client_of(worker) as client:
            worker.ready()
            stream = client.chat.completions.create(
                model="default", messages=SEA, stream=True, max_completion_tokens=8000,
                extra_body={"ignore_eos": True})
            next(stream)
            worker.signal()
            with self.assertRaises(openai.APIError) as caught:
                for _ in stream:
                    pass
            self.assertEqual(caught.exception.type, "server_error")
            until(lambda: worker.process.poll() is not None)


if __name__ == "__main__":
    unittest.main()
