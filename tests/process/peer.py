"""Hives and queens that do what a test says. Standard library only."""

import json
import signal
import socket
import subprocess
import sys
import threading

READ_BYTES = 65536


class Request:
    """What a peer was sent: every byte, and in what sizes they arrived."""

    def __init__(self, raw, sizes):
        self.raw = raw
        self.sizes = sizes
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *rest = head.decode("ascii").split("\r\n")
        self.method, self.target, self.version = first.split(" ")
        self.fields = [tuple(line.split(": ", 1)) for line in rest]

    def field(self, name):
        """The values of all fields of that name."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def json(self):
        return json.loads(self.body)


# Answers: what is done with the connection once a request has been read. `closing` is set when the
# peer closes.


def status(code, body=b""):
    head = f"HTTP/1.1 {code} Said\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return lambda connection, closing: connection.sendall(head + body)


def close_delimited(code):
    """As small servers do: no Content-Length."""
    reply = f"HTTP/1.1 {code} Said\r\n\r\nheard".encode()
    return lambda connection, closing: connection.sendall(reply)


def late(seconds, answer):
    def answer_late(connection, closing):
        if not closing.wait(seconds):
            answer(connection, closing)
    return answer_late


def rubbish(connection, closing):
    connection.sendall(b"\x16\x03\x01 no HTTP \xff\x00\r\n" * 50)


def silent(connection, closing):
    closing.wait()


def half_closed(connection, closing):
    """Says that nothing will come, and stays."""
    connection.shutdown(socket.SHUT_WR)
    closing.wait()


def dripping(connection, closing):
    """A head of which there is always one more byte to come."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not closing.wait(0.05):
        connection.sendall(b"a")


def endless(connection, closing):
    """A body that does not end, as fast as it is read."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not closing.is_set():
        connection.sendall(b"a" * READ_BYTES)


class Peer:
    """A hive or queen. Answers its requests in turn, the last answer to all that follow; with
    `choose` instead, as that says. It can be closed, and opened again at the same port."""

    def __init__(self, *answers, choose=None):
        self.requests = []
        self.port = 0
        self._answers = list(answers) or [status(200)]
        self._choose = choose or self._next
        self._lock = threading.Lock()

    def __enter__(self):
        return self.open()

    def __exit__(self, *_):
        self.close()

    @property
    def place(self):
        return f"127.0.0.1:{self.port}"

    def open(self):
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener, self._closing),
                         daemon=True).start()
        return self

    def close(self):
        self._closing.set()
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # Wakes the one that accepts.
        except OSError:  # Closed already.
            pass
        self._listener.close()

    def _next(self, _):
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def _accept(self, listener, closing):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, closing), daemon=True).start()

    def _serve(self, connection, closing):
        try:
            with connection:
                request = read_request(connection)
                if request is None:
                    return
                with self._lock:
                    self.requests.append(request)
                    answer = self._choose(request)
                answer(connection, closing)
        except OSError:  # The worker may leave at any time.
            pass


def read_request(connection):
    """Nothing when the connection ends before the request is complete."""
    raw, sizes = b"", []
    while True:
        got = connection.recv(READ_BYTES)
        if not got:
            return None
        raw += got
        sizes.append(len(got))
        if b"\r\n\r\n" not in raw:
            continue
        request = Request(raw, sizes)
        if len(request.body) >= int((request.field("Content-Length") or ["0"])[0]):
            return request


class Memory:
    """What a hive knows: a worker that it has not had a ready callback of is not found."""

    def __init__(self):
        self.known = False

    def __call__(self, request):
        self.known |= request.target != "/v1/heartbeat"
        return status(200 if self.known else 404)


class PeerProcess:
    """A hive that is a process of its own, to be stopped, killed and started again. It forgets
    whom it knew when it is killed."""

    def __init__(self):
        self.targets = []  # of its requests, all starts together
        self.port = 0

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def start(self):
        self.process = subprocess.Popen([sys.executable, __file__, str(self.port)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self._reader = threading.Thread(target=self._follow, args=(self.process.stdout,))
        self._reader.start()
        return self

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """Returns when all that it was sent is in `targets`."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdin.close()
        self.process.stdout.close()

    def _follow(self, stdout):
        for line in stdout:
            self.targets.append(line.strip())


def main():
    memory = Memory()

    def choose(request):
        print(request.target, flush=True)
        return memory(request)

    peer = Peer(choose=choose)
    peer.port = int(sys.argv[1])
    with peer:
        print(peer.port, flush=True)
        sys.stdin.read()  # Until whoever started this has gone.


if __name__ == "__main__":
    main()
