"""What a worker of each modality is asked, for the tests of what all workers do alike. Which one
runs, RBEE_MODALITY says: "text" where it is unset, or "embedding"."""

import os
import unittest


def need(variable):
    """The value of an environment variable, or a skip that says what is missing."""
    value = os.environ.get(variable)
    if not value:
        raise unittest.SkipTest(f"{variable} is not set: `make test` sets it")
    return value


class Text:
    NAME = "llm-worker-rbee"
    OPERATION = "infer"
    OUTPUT = "token"  # the type of the events that say something
    INPUT = "prompt"
    LONGEST = "and " * 1900  # for a context of 2,048 tokens
    HOLDING = "Once upon a time"
    PLACE = "i"  # of an output among all of its job
    NO_BOUND = ("--max-output-tokens", "0")
    SMALL_BOUND = ("--max-output-tokens", "4")

    @staticmethod
    def program():
        return need("RBEE_WORKER")

    @staticmethod
    def model():
        return need("RBEE_TEST_MODEL")

    @staticmethod
    def work(text, outputs=8):
        """A job that has so many outputs at most, always the same ones."""
        return {"prompt": text, "max_tokens": outputs, "temperature": 0}

    @staticmethod
    def said(events):
        return "".join(e["t"] for e in events if isinstance(e, dict) and e["type"] == "token")

    @staticmethod
    def said_whole(reply):
        return reply["text"]

    @staticmethod
    def pieces(reply):
        """What of the outputs would be known again elsewhere."""
        text = reply["text"]
        return [text.strip(), *(word for word in text.split() if len(word) > 6)]


class Embedding:
    NAME = "embedding-worker-rbee"
    OPERATION = "embed"
    OUTPUT = "embedding"
    INPUT = "input"
    LONGEST = "and " * 200
    HOLDING = "and " * 100
    PLACE = "index"
    NO_BOUND = SMALL_BOUND = ()

    @staticmethod
    def program():
        return need("RBEE_EMBEDDING_WORKER")

    @staticmethod
    def model():
        return need("RBEE_TEST_EMBEDDING_MODEL")

    @staticmethod
    def work(text, outputs=8):
        return {"input": [f"{text} {number}" for number in range(outputs)]}

    @classmethod
    def said(cls, events):
        return cls._extremes([e for e in events if isinstance(e, dict) and e["type"] == cls.OUTPUT])

    @classmethod
    def said_whole(cls, reply):
        return cls._extremes(reply["data"])

    @staticmethod
    def pieces(reply):
        return [str(value) for value in reply["data"][0]["embedding"] if len(str(value)) > 6]

    @staticmethod
    def _extremes(outputs):
        """Where the vectors are greatest and least: the library's sums depend a little on what else
        is in a batch."""
        vectors = [output["embedding"] for output in outputs]
        return str([(vector.index(max(vector)), vector.index(min(vector))) for vector in vectors])


MODALITY = {"text": Text, "embedding": Embedding}[os.environ.get("RBEE_MODALITY", "text")]

# One output; as many as take seconds on one thread; more than any test waits for; what holds a slot
# for a minute, however slow its caller is.
SHORT = MODALITY.work("Hi", 1)
LONG = MODALITY.work("Once upon a time", 400)
ENDLESS = MODALITY.work("Once upon a time", 2000)
HOLDING = MODALITY.work(MODALITY.HOLDING, 2000)
