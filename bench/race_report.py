"""The race's outcome as tables: medians over the rounds, the worker before llama-server."""

from statistics import median

from race_shapes import SHAPES


def _of(runs, *keys):
    """The median of what stands at the keys in each run."""
    values = []
    for run in runs:
        for key in keys:
            run = run.get(key, {}) if isinstance(run, dict) else {}
        if isinstance(run, (int, float)):
            values.append(run)
    return median(values) if values else None


def _number(value, digits=0, unit=""):
    return "–" if value is None else f"{value:.{digits}f}{unit}"


def _pair(of_shape, *keys, digits=0):
    return " / ".join(_number(_of(of_shape[side], *keys), digits) for side in ("worker", "peer"))


def ratio(of_shape):
    """The worker's tokens a second over the peer's; 0 where one of them has none."""
    ours, theirs = (_of(of_shape[side], "tokens_per_second") for side in ("worker", "peer"))
    return ours / theirs if ours and theirs else 0


def _share(of_shape, what):
    ours = _of(of_shape["worker"], "tokens_per_second")
    return ours / of_shape[what] if ours and of_shape[what] else None


def _table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def _rates(outcome):
    rows = []
    for name, of_shape in outcome["shapes"].items():
        rows.append([SHAPES[name][0], _pair(of_shape, "tokens_per_second", digits=1),
                     _number(ratio(of_shape), 2), _number(of_shape["bound"], 1),
                     _number(_share(of_shape, "bound"), 2), _number(of_shape["limit"]),
                     _number(_share(of_shape, "limit"), 3)])
    return _table(["load", "output tokens/s", "ratio", "bare loop", "share of it",
                   "machine's limit", "share of it"], rows)


def _waits(outcome):
    rows = [[SHAPES[name][0], *(_pair(of_shape, "ttft_ms", p) for p in ("p50", "p95")),
             *(_pair(of_shape, "gap_ms", p, digits=1) for p in ("p50", "p99", "max"))]
            for name, of_shape in outcome["shapes"].items()]
    return _table(["load", "first token p50, ms", "p95", "between tokens p50, ms", "p99", "max"],
                  rows)


def _counts(outcome):
    rows = []
    for name, of_shape in outcome["shapes"].items():
        cpu = max(run["cpu_share"] for side in ("worker", "peer") for run in of_shape[side])
        rows.append([SHAPES[name][0], _pair(of_shape, "requests"), _pair(of_shape, "errors"),
                     _pair(of_shape, "tokens_out"), _pair(of_shape, "prompt_tokens"),
                     _pair(of_shape, "cached_tokens"), _number(100 * cpu, 1, " %")])
    return _table(["load", "requests", "errors", "output tokens", "prompt tokens",
                   "of them cached", "generator's CPU, at most"], rows)


def _arrivals(outcome):
    lines = []
    for of_shape in outcome["shapes"].values():
        if not any("arrival" in run for run in of_shape["peer"] + of_shape["worker"]):
            continue
        rows = [[when, *(_pair(of_shape, "arrival", key, p, digits=1)
                         for p in ("p50", "p99", "max"))]
                for when, key in (("before it arrives", "quiet_gap_ms"), ("after", "gap_ms"))]
        lines += _table(["streams beside a long prompt", "between tokens p50, ms", "p99", "max"],
                        rows)
        lines += [f"The prompt's own first token, ms: {_pair(of_shape, 'arrival', 'ttft_ms')}.", ""]
    return lines


def _lives(outcome):
    lives = outcome["lives"]
    mebibytes = {side: [{key: life[key] / 2**20 for key in ("resident_bytes", "anonymous_bytes")}
                        for life in lives[side]] for side in lives}
    idle = " / ".join(_number(100 * _of(lives[side], "idle_cpu_share"), 1, " %")
                      for side in ("worker", "peer"))
    return _table(["at rest", "worker / llama-server"], [
        ["start to ready, s", _pair(lives, "ready_seconds", digits=2)],
        ["CPU, of one core", idle],
        ["resident, MiB", _pair(mebibytes, "resident_bytes")],
        ["of that not mapped from files, MiB", _pair(mebibytes, "anonymous_bytes")]])


def report(title, outcome):
    limits = outcome["limits"]
    lines = [f"# Race against llama-server: {title}", "",
             "Where two numbers stand together, the first is the worker's, the second "
             "llama-server's; medians of all rounds.", "",
             f"The machine's limits, measured: {limits['macs_per_second'] / 1e9:.0f} GMAC/s of "
             f"8-bit numbers ({limits['kernel']}), {limits['bytes_per_second'] / 1e9:.1f} GB/s "
             "read from memory.", ""]
    for part in (_rates, _waits, _arrivals, _counts, _lives):
        lines += part(outcome)
    return "\n".join(lines)


def ratio_rows(outcome):
    return [(SHAPES[name][0], ratio(of_shape)) for name, of_shape in outcome["shapes"].items()]


def wait_rows(outcome):
    """The last round of each shape, for a plot."""
    return [(SHAPES[name][0],
             {side: {kind: of_shape[side][-1][f"{kind}_ms"]["hundredths"]
                     for kind in ("ttft", "gap")} for side in ("worker", "peer")})
            for name, of_shape in outcome["shapes"].items()]


def missed(outcome, floors):
    """A line for each (shape, ratio) that was not reached."""
    return [f"{shape}: {ratio(outcome['shapes'][shape]):.2f} times llama-server's rate, "
            f"at least {floor:.2f} was asked for"
            for shape, floor in floors
            if shape in outcome["shapes"] and ratio(outcome["shapes"][shape]) < floor]
