"""Races the worker against llama-server: the same model, threads, slots and KV cells, the same
requests; in turn (A B A B …), a fresh server for each shape and round. Wants an idle machine.

Prints a line a run, then the report; writes that and plots to --results. Fails only where a
median ratio is below one that --at-least asks for.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import race_plots
import race_report
from race_shapes import SHAPES, fields_of, has_bound, limit_tokens_per_second
from servers import Server, Setting, peer, worker

RUN_SECONDS_MAX = 1200


def run_json(*command):
    run = subprocess.run([str(word) for word in command], check=False, timeout=RUN_SECONDS_MAX,
                         stdout=subprocess.PIPE, text=True)
    if run.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))} ended with {run.returncode}")
    return json.loads(run.stdout)


def tell(text):
    print(text, file=sys.stderr, flush=True)


class Race:
    def __init__(self, options):
        self.options = options
        self.tools = Path(options.build, "bench")
        self.setting = Setting(options.model, options.threads, options.slots, options.context)
        self.contestants = {
            "worker": worker(Path(options.build, "llm-worker-rbee"), options.worker_flags.split()),
            "peer": peer(Path(options.peer, "llama-server"))}

    def run(self):
        """What race_report.py reads."""
        outcome = {"shapes": {name: {"worker": [], "peer": [], "bound": None, "limit": None}
                              for name in self.options.shapes},
                   "lives": {"worker": [], "peer": []}}
        tell("measures the limits of the machine")
        outcome["limits"] = run_json(self.tools / "limits", self.options.model,
                                     self.options.threads)
        for turn in range(self.options.rounds):
            for side, contestant in self.contestants.items():
                outcome["lives"][side].append(self.life(contestant))
            for name, of_shape in outcome["shapes"].items():
                for side, contestant in self.contestants.items():
                    of_shape[side].append(self.load(contestant, name, turn))
        for name, of_shape in outcome["shapes"].items():
            if has_bound(name):
                of_shape["bound"] = self.bound(name)
                of_shape["limit"] = limit_tokens_per_second(name, outcome["limits"])
        return outcome

    def life(self, contestant):
        with Server(contestant, self.setting) as server:
            life = {"ready_seconds": server.ready_after_seconds,
                    "idle_cpu_share": server.idle_cpu_share()}
            life["resident_bytes"], life["anonymous_bytes"] = server.memory_bytes()
        tell(f"{contestant.name}: ready after {life['ready_seconds']:.2f} s")
        return life

    def load(self, contestant, name, turn):
        # Both get the same prompts, which no other shape or round has.
        fields = fields_of(name, seed=1000 * (turn + 1) + list(SHAPES).index(name))
        with Server(contestant, self.setting) as server:
            result = run_json(self.tools / "load_generator", server.port, contestant.dialect,
                              json.dumps(fields))
            result["resident_bytes"], result["anonymous_bytes"] = server.memory_bytes()
            if contestant.cached_metric:
                result["cached_tokens"] = server.metric(contestant.cached_metric)
        tell(f"{name}, {contestant.name}: {result['tokens_per_second']:.1f} tokens/s, "
             f"first after {result['ttft_ms']['p50']:.0f} ms, {result['errors']} errors")
        if result["errors"]:
            tell(f"      the first: {result['first_error']}")
        return result

    def bound(self, name):
        bound = run_json(self.tools / "bare_shape", self.options.model, self.options.threads,
                         json.dumps(fields_of(name, seed=1)))
        tell(f"{name}, bare loop: {bound['tokens_per_second']:.1f} tokens/s")
        return bound["tokens_per_second"]


def parse_floor(text):
    shape, _, ratio = text.partition("=")
    if shape not in SHAPES:
        raise argparse.ArgumentTypeError(f"no shape is called {shape}: {' '.join(SHAPES)}")
    return shape, float(ratio)


def parse_shapes(text):
    shapes = text.replace(",", " ").split() or list(SHAPES)
    for shape in shapes:
        if shape not in SHAPES:
            raise argparse.ArgumentTypeError(f"no shape is called {shape}: {' '.join(SHAPES)}")
    return shapes


def parse_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", help="folder that the worker was built in")
    parser.add_argument("peer", help="folder that holds llama-server")
    parser.add_argument("model", help="GGUF file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shapes", type=parse_shapes, default=list(SHAPES))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--context", type=int, default=2048, help="tokens of each slot")
    parser.add_argument("--worker-flags", default="", help="further flags of the worker")
    parser.add_argument("--results", default=Path(__file__).parent / "results")
    parser.add_argument("--at-least", metavar="SHAPE=RATIO", type=parse_floor, action="append",
                        default=[])
    return parser.parse_args(arguments)


def write_results(outcome, options):
    model = Path(options.model).stem
    title = f"{model}, {options.threads} threads, {options.rounds} rounds"
    report = race_report.report(title, outcome)
    print(report)
    results = Path(options.results)
    results.mkdir(parents=True, exist_ok=True)
    (results / f"race-{model}.md").write_text(report, encoding="utf-8")
    (results / f"race-{model}-ratios.svg").write_text(
        race_plots.ratios(f"Worker against llama-server: {title}",
                          race_report.ratio_rows(outcome)), encoding="utf-8")
    (results / f"race-{model}-waits.svg").write_text(
        race_plots.waits(f"Waits: {title}", race_report.wait_rows(outcome)), encoding="utf-8")


def main(arguments):
    options = parse_options(arguments)
    outcome = Race(options).run()
    write_results(outcome, options)
    missed = race_report.missed(outcome, options.at_least)
    for line in missed:
        tell(f"error: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
