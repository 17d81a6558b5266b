"""OpenAI's own Python client, unmodified, before a worker. Where it is not installed the import is
skipped, and with it every test of the file that wants it."""

import json
import sys
import unittest

from worker import PATIENCE, Worker, need, until

sys.path.insert(0, need("RBEE_OPENAI"))

import openai  # noqa: E402

# Several wait for each other by spinning, which crawls where something else runs too.
ONE_THREAD = ("--threads", "1")

SEA = [{"role": "user", "content": "Tell me about the sea."}]


def client_of(worker, **settings):
    """A client that does not try again unless it is told to."""
    settings = {"api_key": "any", "max_retries": 0, "timeout": PATIENCE, **settings}
    return openai.OpenAI(base_url=f"http://127.0.0.1:{worker.port}/v1", **settings)


def is_idle(worker):
    """No slot works and no job waits."""
    slots = json.loads(worker.get("/v1/slots")[1])
    return (worker.health()["slots_busy"] == 0 and worker.metric("vllm:num_requests_waiting") == 0
            and not any(slot["is_processing"] for slot in slots))


class ClientTest(unittest.TestCase):
    """A worker of SmolLM2, and a client of it."""

    FLAGS = ("--parallel", "4", "--context-size", "1024")
    ENVIRONMENT = None

    @classmethod
    def setUpClass(cls):
        cls.worker = Worker(*cls.FLAGS, *ONE_THREAD, env=cls.ENVIRONMENT)
        cls.worker.__enter__()
        cls.addClassCleanup(cls.worker.__exit__)
        cls.worker.ready()
        cls.client = client_of(cls.worker)
        cls.addClassCleanup(cls.client.close)

    def chat(self, **settings):
        """A whole reply, of the most likely tokens unless said otherwise."""
        settings = {"messages": SEA, "temperature": 0, "max_completion_tokens": 16, **settings}
        return self.client.chat.completions.create(model="default", **settings)

    def chunks(self, **settings):
        return list(self.chat(stream=True, **settings))

    def until_idle(self):
        until(lambda: is_idle(self.worker))


def content_of(chunks, index=0):
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices
                   if choice.index == index)
