"""What one busy neighbour process costs the worker, beside what it costs plain arithmetic.

    neighbour.py BUILD PEER MODEL [ROUNDS]

A neighbour is a process that computes without a pause. The scheduler gives it its share of the
processors; a program whose threads wait for each other loses more than that. Rates are shares of
those without a neighbour; the arithmetic is `limits`', on as many threads."""

import json
import statistics
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from servers import Server, Setting, peer, worker

THREADS = 2
SHAPE = {"clients": 4, "requests": 4, "words": 20, "tokens_out": 96, "seed": 1}


@contextmanager
def neighbour():
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def load(build, server):
    out = subprocess.run([Path(build, "bench/load_generator"), str(server.port),
                          server.contestant.dialect, json.dumps(SHAPE)],
                         stdout=subprocess.PIPE, check=True, text=True).stdout
    result = json.loads(out)
    return result["tokens_per_second"], result["gap_ms"]["p99"]


def arithmetic(build, model):
    out = subprocess.run([Path(build, "bench/limits"), model, str(THREADS)],
                         stdout=subprocess.PIPE, check=True, text=True).stdout
    return json.loads(out)["macs_per_second"]


def main():
    build, peer_folder, model = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    contestants = [worker(Path(build, "llm-worker-rbee"), []),
                   peer(Path(peer_folder, "llama-server"))]
    setting = Setting(model, THREADS, 4, 1024)
    kept = {contestant.name: [] for contestant in contestants}
    p99 = {contestant.name: [] for contestant in contestants}
    sums = []
    for _ in range(rounds):
        quiet = arithmetic(build, model)
        with neighbour():
            sums.append(arithmetic(build, model) / quiet)
        for contestant in contestants:
            with Server(contestant, setting) as server:
                load(build, server)
                quiet_rate, quiet_gap = load(build, server)
                with neighbour():
                    rate, gap = load(build, server)
            kept[contestant.name].append(rate / quiet_rate)
            p99[contestant.name].append(gap / quiet_gap)
    arithmetic_kept = statistics.median(sums)
    print(f"arithmetic keeps {arithmetic_kept:.2f} of its rate")
    for name, shares in kept.items():
        share = statistics.median(shares)
        print(f"{name} keeps {share:.2f}, {share / arithmetic_kept:.2f} of what arithmetic keeps; "
              f"p99 between tokens {statistics.median(p99[name]):.1f} times the quiet one")


if __name__ == "__main__":
    main()
