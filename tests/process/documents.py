"""What the documents of the HTTP API say: the examples of docs/api.md, the routes of both."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
API = DOCS / "api.md"
OPENAPI = DOCS / "openapi.yaml"

ANYTHING = "…"

_BLOCK = re.compile(r"^```http (request|reply)(?: ([\w-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LONE_ANYTHING = re.compile(r"(?<=[:\[,\s])…(?=[,\]}\s])")


@dataclass(frozen=True)
class Block:
    """A request or a reply as it is written down: first line, fields, body."""

    kind: str  # "request" or "reply"
    start: str  # which worker is asked; "" is the ordinary one
    line: int  # in the document
    first: str
    fields: dict
    body: str

    @property
    def method(self):
        return self.first.split(" ", 1)[0]

    @property
    def path(self):
        return self.first.split(" ", 1)[1]


def blocks():
    """The examples in their order."""
    text = API.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        head, _, body = match[3].partition("\n\n")
        first, *fields = head.strip().split("\n")
        yield Block(kind=match[1], start=match[2] or "",
                    line=1 + text.count("\n", 0, match.start()), first=first,
                    fields=dict(field.split(": ", 1) for field in fields), body=body.strip("\n"))


def api_routes():
    """("GET", "/health") of each route that docs/api.md names in `code`."""
    text = API.read_text(encoding="utf-8")
    return set(re.findall(r"`(GET|POST|DELETE) (/[^\s`]*)`", text))


def openapi_routes():
    """The same of docs/openapi.yaml, read without a YAML parser: this has to work everywhere."""
    paths = OPENAPI.read_text(encoding="utf-8").split("\npaths:\n")[1].split("\ncomponents:\n")[0]
    routes, path = set(), None
    for line in paths.splitlines():
        if match := re.fullmatch(r"  (/\S*):", line):
            path = match[1]
        elif match := re.fullmatch(r"    (get|post|put|patch|delete):", line):
            routes.add((match[1].upper(), path))
    return routes


def aliases():
    """Paths that docs/openapi.yaml says are the same as another."""
    text = OPENAPI.read_text(encoding="utf-8")
    return set(re.findall(r"^  (/\S*):\n(?:    .*\n)*?      summary: The same as ", text,
                          re.MULTILINE))


def same_text(shown, found):
    """`…` in `shown` stands for any text."""
    pattern = ".*".join(re.escape(part) for part in shown.split(ANYTHING))
    return re.fullmatch(pattern, found, re.DOTALL) is not None


def same_json(shown, found):
    """Whether two JSON texts say the same: keys in the same order, values that are equal."""
    return _same_value(json.loads(_LONE_ANYTHING.sub(f'"{ANYTHING}"', shown)), json.loads(found))


def _same_value(shown, found):
    if shown == ANYTHING:
        return True
    if isinstance(shown, dict):
        return (isinstance(found, dict) and list(shown) == list(found)
                and all(_same_member(key, shown[key], found[key]) for key in shown))
    if isinstance(shown, list):
        return (isinstance(found, list) and len(shown) == len(found)
                and all(map(_same_value, shown, found)))
    if isinstance(shown, str):
        return isinstance(found, str) and same_text(shown, found)
    return shown == found and type(shown) is type(found)


def _same_member(key, shown, found):
    # What a model says differs between CPUs.
    if key in {"t", "text", "content", "arguments"} and isinstance(shown, str):
        return isinstance(found, str)
    return _same_value(shown, found)


def frames(text):
    """The frames of an event stream, in a form that does not depend on how fast it was read: pieces
    in one, and no metrics but those before the end."""
    result = []
    for frame in text.strip("\n").split("\n\n"):
        if not _is_event(frame, "end"):
            while result and _is_event(result[-1], "metrics"):
                result.pop()
        if _is_event(frame, "token") and result and _is_event(result[-1], "token"):
            continue
        result.append(frame)
    return result


def _is_event(frame, kind):
    return f'data: {{"type":"{kind}",' in frame


def same_frames(shown, found):
    """A frame that is `…` stands for any number of frames."""
    if not shown:
        return not found
    if shown[0] == ANYTHING:
        return any(same_frames(shown[1:], found[skipped:]) for skipped in range(len(found) + 1))
    return bool(found) and _same_frame(shown[0], found[0]) and same_frames(shown[1:], found[1:])


def _same_frame(shown, found):
    *numbers_shown, data_shown = shown.split("\n")
    *numbers_found, data_found = found.split("\n")
    if numbers_shown != numbers_found:
        return False
    if not data_shown.startswith("data: {") or not data_found.startswith("data: {"):
        return same_text(data_shown, data_found)
    return same_json(data_shown.removeprefix("data: "), data_found.removeprefix("data: "))


def same_lines(shown, found):
    """Plain text; a line that is `…` stands for any number of lines."""
    patterns = [r"(?:.*\n)*" if line == ANYTHING else
                ".*".join(re.escape(part) for part in line.split(ANYTHING)) + r"\n"
                for line in shown.split("\n")]
    return re.fullmatch("".join(patterns), found.rstrip("\n") + "\n") is not None
