"""Requests as no honest client sends them, and a client that sends them."""

import enum
import json
import random
import re
import select
import socket
import string
import struct

from modality import MODALITY

# What the worker is started with, so that large is cheap.
BODY_BYTES_MAX = 64 << 10

PATHS = ("/", "/health", "/v1/health", "/livez", "/readyz", "/ready", "/v1/ready", "/info",
         "/metrics", "/heartbeat", "/v1/loading/progress", "/v1/narration", "/v1/inference",
         "/v1/jobs")
JOB_ROUTES = (("GET", "/v1/jobs/%s"), ("GET", "/v1/jobs/%s/stream"), ("DELETE", "/v1/jobs/%s"),
              ("GET", "/v1/inference/%s/stream"), ("DELETE", "/v1/inference/%s"))
NUMBERS = (0, 1, -1, 2, 2048, 2**31, 2**63, 2**64, -2**63, 0.5, 1e308, -0.0, 1e-320)
FIELDS = ("job_id", "prompt", "max_tokens", "temperature", "top_p", "top_k", "min_p",
          "repetition_penalty", "repeat_last_n", "seed", "stop", "ignore_eos", "stream",
          "priority", "operation", "hive_id", "model", "input", "encoding_format", "dimensions")


class Ending(enum.Enum):
    """What a client does when it has sent all."""

    REPLY = enum.auto()  # waits for a reply, which must come and end the connection
    HALF = enum.auto()  # ends its sending, and reads to the end
    LATER = enum.auto()  # the same after a moment, in which a reply may begin
    CLOSE = enum.auto()
    RESET = enum.auto()


class Attempt:
    """What one connection sends."""

    def __init__(self, data, ending=Ending.HALF, requests=1):
        self.data = data
        self.ending = ending
        self.requests = requests


def complete(data):
    return Attempt(data, Ending.REPLY)


def request(method, target, headers=(), body=b"", version=b"HTTP/1.1", last="close"):
    lines = [b"%s %s %s" % (as_bytes(method), as_bytes(target), version), b"Host: localhost",
             b"Connection: " + as_bytes(last)]
    lines += [b"%s: %s" % (as_bytes(name), as_bytes(value)) for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def post(body, target="/v1/inference", headers=(), content_type="application/json",
         last="close"):
    body = as_bytes(body if isinstance(body, (str, bytes)) else json.dumps(body))
    return request("POST", target, [("Content-Type", content_type),
                                    ("Content-Length", str(len(body))), *headers], body, last=last)


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def text(chance, length_max=40):
    """Letters mostly, and what is special somewhere."""
    special = "\0\t\r\n \"'\\/%?#&=:;,.<>{}[]\x7f\x80\xff\u2028\ud800😀é"
    pool = string.ascii_letters + string.digits
    return "".join(chance.choice(special if chance.random() < 0.2 else pool)
                   for _ in range(chance.randrange(length_max)))


def job_name(chance):
    return f"job-{chance.randrange(9)}"


def honest(chance):
    """A request that may well succeed, and is cheap."""
    body = {**MODALITY.work(chance.choice(("Hi", "One, two")), chance.choice((1, 1, 2))),
            "temperature": chance.choice((0, 1))}
    kind = chance.randrange(8)
    if kind < 4:
        return request("GET", chance.choice(PATHS))
    if kind == 4:
        return post({**body, "stream": True})
    if kind == 5:
        return post({**body, "stream": False}, headers=[("x-deadline", chance.choice(
            ("0", "1", "99999999999999", "soon", "-1", str(2**64)))), ("Accept", "*/*")])
    if kind == 6:
        return post({**body, "job_id": job_name(chance)}, "/v1/jobs")
    return post({**body, "operation": MODALITY.OPERATION, "hive_id": "h", "model": "m"})


def usual(chance):
    return complete(honest(chance))


def mutated(chance):
    data = bytearray(honest(chance))
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(data))
        kind = chance.randrange(5)
        if kind == 0:
            data[at] = chance.randrange(256)
        elif kind == 1:
            del data[at:at + chance.randrange(1, 9)]
        elif kind == 2:
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif kind == 3:
            other = chance.randrange(len(data))
            data[at:at] = data[other:other + chance.randrange(1, 60)]
        else:
            data[at:at] = chance.choice((b"\r\n", b"\r\n\r\n", b"\n", b": ", b"\0", b" "))
        if not data:
            break
    return Attempt(bytes(data), chance.choice((Ending.HALF, Ending.LATER)))


def cut_short(chance):
    data = honest(chance)
    return Attempt(data[:chance.randrange(len(data))])


def lost(chance):
    """Methods, paths and queries that lead nowhere, or in a roundabout way."""
    method = chance.choice(("GET", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS",
                            "TRACE", "CONNECT", "get", "G\0T", "X" * 300, ""))
    path = chance.choice(PATHS)
    kind = chance.randrange(7)
    if kind == 0:
        path += chance.choice(("/", "//", "/..", "/.", "%2F", "%00", "%", "%zz", "%c0%af", ";a=b"))
    elif kind == 1:
        path = "/" + "/".join(text(chance, 12) for _ in range(chance.randrange(1, 5)))
    elif kind == 2:
        path = "".join("%%%02x" % byte for byte in path.encode())
    elif kind == 3:
        path += "?" + "&".join(text(chance, 12) + "=" + text(chance) for _ in range(3))
    elif kind == 4:
        path = chance.choice(("http://localhost", "http://evil.example", "//", "*", "",
                              "https://[::1", "/../..")) + path
    elif kind == 5:
        path = "/" + "../" * chance.randrange(1, 200) + "etc/passwd"
    return Attempt(request(method, path))


def job_ids(chance):
    method, route = chance.choice(JOB_ROUTES)
    fields = chance.choice(((), [("Last-Event-ID", chance.choice(("0", "-1", "x", "9" * 30)))]))
    query = chance.choice(("", "?resume=1&events=all"))
    if chance.random() < 0.5:
        return complete(request(method, route % job_name(chance) + query, fields))
    name = chance.choice(("%2e%2e", "..", "", "a" * 257, "a/b", "%2F", "\u00e9", "%ff",
                          text(chance, 300).replace("\r", "").replace("\n", "").replace(" ", "")))
    return Attempt(request(method, route % name + query, fields))


def headers(chance):
    kind = chance.randrange(9)
    if kind == 0:
        return complete(request("GET", "/health", [("X-Long", "x" * chance.choice(
            (1_000, 16_000, 17_000, 200_000)))]))
    if kind == 1:
        count = chance.choice((10, 500, 3_000))
        return complete(request("GET", "/health", [(f"X-{i}", i % 7 * "v") for i in range(count)]))
    if kind == 2:
        return complete(request("GET", "/health", [("X" * 20_000, "")]))
    if kind == 3:
        return complete(request("GET", "/" + "a" * chance.choice((4_000, 40_000))))
    if kind == 4:
        broken = chance.choice((b"no colon", b": no name", b" folded: x", b"a b: c", b"X: \x01",
                                b"X\0: a", b"X: a\rb", b"Host: again", b"Host: \xff"))
        return complete(request("GET", "/health")[:-2] + broken + b"\r\n\r\n")
    if kind == 5:
        version = chance.choice((b"HTTP/0.9", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.1 ", b"http/1.1",
                                 b"HTTP/11", b"", b"HTTP/1.1\0"))
        return Attempt(request("GET", "/health", version=version))
    if kind == 6:
        return complete(post({"prompt": "x", "max_tokens": 1}, headers=[
            ("Content-Encoding", chance.choice(("gzip", "br", "identity", "x" * 900)))]))
    if kind == 7:
        host = chance.choice((b"evil.example", b"localhost:99999", b"[", b"", b"a" * 500))
        return complete(request("GET", "/health").replace(b"localhost", host))
    return Attempt(request("GET", chance.choice(PATHS[:9]), [
        (name, text(chance).replace("\r", "").replace("\n", "").replace("\0", ""))
        for name in ("Authorization", "Origin", "X-Correlation-ID", "traceparent", "Forwarded",
                     "Accept", "Connection", "Expect", "Upgrade") if chance.random() < 0.5]))


def framing(chance):
    body = b'{"prompt":"x","max_tokens":1}'
    lines = chance.choice((
        ["Content-Length: -1"], ["Content-Length: 29, 29"], ["Content-Length: 0x1d"],
        ["Content-Length: 29", "Content-Length: 30"], ["Content-Length: " + "9" * 40],
        ["Content-Length: 29", "Transfer-Encoding: chunked"], ["Transfer-Encoding: gzip"],
        ["Transfer-Encoding: chunked, chunked"], ["Transfer-Encoding: \x0bchunked"],
        ["Content-Length: 10"], ["Content-Length: 5000"], []))
    head = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    if chance.random() < 0.4:
        return Attempt(head + "\r\n".join([*lines, "", ""]).encode() + body)
    chunks = chance.choice((
        b"1d\r\n%s\r\n0\r\n\r\n" % body, b"1D;name=\"v\"\r\n%s\r\n0\r\nTrailer: x\r\n\r\n" % body,
        b"ffffffffffffffffff\r\n%s" % body, b"-1\r\n%s\r\n0\r\n\r\n" % body, b"\r\n\r\n",
        b"1d\n%s\n0\n\n" % body, b"2\r\n%s\r\n0\r\n\r\n" % body, b"0\r\n" + b"X: y\r\n" * 4_000,
        b"1;" + b"e" * 20_000 + b"\r\n", chance.randbytes(50),
        b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"))
    return Attempt(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)


def value(chance, depth=0):
    kind = chance.randrange(9 if depth < 4 else 6)
    if kind < 2:
        return chance.choice(NUMBERS)
    if kind < 4:
        return text(chance)
    if kind < 6:
        return chance.choice((None, True, False, "", [], {}))
    if kind < 8:
        return [value(chance, depth + 1) for _ in range(chance.randrange(5))]
    return {text(chance, 8): value(chance, depth + 1) for _ in range(chance.randrange(5))}


def bodies(chance):
    """JSON of any shape, and what is nearly JSON."""
    target = chance.choice(("/v1/inference", "/v1/jobs"))
    kind = chance.randrange(7)
    if kind == 0:
        body = value(chance)
    elif kind < 4:
        body = MODALITY.work("Hi", 1)
        for name in chance.sample(FIELDS, chance.randrange(1, 5)):
            body[name] = value(chance)
    elif kind == 4:
        depth = chance.choice((10, 100, 5_000, 30_000))
        body = chance.choice((b"[", b'{"a":', b'{"prompt":[')) * depth
    elif kind == 5:
        body = chance.choice((b"", b"nul", b"\xef\xbb\xbf{}", b'{"a":1,"a":2}', b'{"a":1}x',
                              b'"\\ud800"', b'{"prompt":"\xff"}', b"1e999999", b"{'a':1}",
                              b"[1,]", b"NaN", b'{"max_tokens":1e400}', b"\0" * 100))
    else:
        body = chance.randbytes(chance.randrange(200))
    content_type = "application/json" if chance.random() < 0.8 else chance.choice(
        ("text/plain", "", "application/json; charset=utf-16", "application/jsonx", "a/b/c"))
    return complete(post(body, target, content_type=content_type))


def oversized(chance):
    size = BODY_BYTES_MAX * chance.choice((1, 1, 4)) + chance.randrange(-100, 100)
    kind = chance.randrange(4)
    if kind == 0:
        return complete(post({"prompt": "x" * size, "max_tokens": 1}))
    if kind == 1:
        return complete(post(b" " * size + b'{"prompt":"x","max_tokens":1}'))
    if kind == 2:
        length = str(10**chance.randrange(6, 19))
        return complete(request("POST", "/v1/jobs", [("Content-Type", "application/json"),
                                                     ("Content-Length", length)], b"{"))
    return complete(request("POST", "/v1/inference", [("Content-Type", "application/json"),
                                                      ("Transfer-Encoding", "chunked")],
                            b"%x\r\n" % size + b" " * size + b"\r\n0\r\n\r\n"))


def pipelined(chance):
    count = chance.randrange(5, 25)
    requests = [request("GET", chance.choice(PATHS[:10]), last="keep-alive")
                if chance.random() < 0.8 else post(value(chance), last="keep-alive")
                for _ in range(count)]
    requests.append(request("GET", "/livez") + chance.randbytes(chance.choice((0, 30))))
    return Attempt(b"".join(requests), Ending.REPLY, count + 1)


def abandoned(chance):
    data = honest(chance)
    if chance.random() < 0.3:
        data = data[:chance.randrange(len(data))]
    return Attempt(data, chance.choice((Ending.CLOSE, Ending.RESET)))


def noise(chance):
    return Attempt(chance.choice((
        chance.randbytes(chance.randrange(1, 400)), b"\x16\x03\x01\x02\0\1\0\1\xfc\3\3",
        b"\r\n" * 500, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"SSH-2.0-x\r\n", b"\0")))


KINDS = (usual, mutated, mutated, cut_short, lost, job_ids, headers, framing, bodies, bodies,
         oversized, pipelined, abandoned, noise)


def attempt(seed, number):
    chance = random.Random(f"{seed}/{number}")
    return chance.choice(KINDS)(chance)


STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n(.*?\r\n)\r\n", re.DOTALL)


def replies(data):
    """(status, head) of each reply; bodies of this worker hold no heads."""
    return [(int(status), head.lower()) for status, head in STATUS.findall(data)]


def send(port, made, patience):
    """What came back until the worker closed, or an endless stream began. Raises on silence."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        try:
            connection.sendall(made.data)
            if made.ending == Ending.RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      struct.pack("ii", 1, 0))
            if made.ending in (Ending.CLOSE, Ending.RESET):
                return b""
            if made.ending == Ending.LATER:
                select.select([connection], [], [], 0.05)
            if made.ending != Ending.REPLY:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It has heard enough, and may have told why.
        return read_to_end(connection, b"/v1/narration" in made.data)


def read_to_end(connection, may_be_endless):
    received = b""
    while True:
        got = connection.recv(64 << 10)
        received += got
        if not got or (may_be_endless and b"text/event-stream" in received):
            return received
