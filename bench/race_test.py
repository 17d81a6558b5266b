"""What the race makes of its figures. No server is started."""

import re
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import race
import race_plots
import race_report
from race_shapes import SHAPES, limit_tokens_per_second


def run(tokens_per_second, **more):
    quantiles = {"p50": 1, "p95": 2, "p99": 3, "max": 4, "hundredths": [1.0] * 101}
    return {"tokens_per_second": tokens_per_second, "requests": 1, "errors": 0, "tokens_out": 8,
            "prompt_tokens": 5, "cached_tokens": 0, "ttft_ms": quantiles, "gap_ms": quantiles,
            "cpu_share": 0.01, **more}


def outcome(worker_runs, peer_runs, shape="one_client"):
    life = {"ready_seconds": 0.5, "idle_cpu_share": 0, "resident_bytes": 2**20,
            "anonymous_bytes": 2**19}
    return {"shapes": {shape: {"worker": worker_runs, "peer": peer_runs, "bound": 20,
                               "limit": 100}},
            "lives": {"worker": [life], "peer": [life]},
            "limits": {"macs_per_second": 1e9, "bytes_per_second": 1e9, "kernel": "none"}}


class ShapesTest(unittest.TestCase):
    def test_the_generator_knows_every_field(self):
        header = Path(__file__).with_name("load_shape.h").read_text(encoding="utf-8")
        known = set(re.findall(r"^    (?:std::\w+|double) (\w+) = ", header, re.MULTILINE))
        for name, (_, fields) in SHAPES.items():
            self.assertLessEqual(set(fields), known, name)

    def test_the_slower_of_memory_and_arithmetic_limits_a_step(self):
        limits = {"macs_per_second": 100, "bytes_per_second": 10, "prompt_macs": 1,
                  "decode_macs": 10, "weight_bytes": 10}
        # 8 × (100 rows of 0.01 s, 63 steps of 1 s): one sequence waits for memory.
        self.assertAlmostEqual(limit_tokens_per_second("one_client", limits), 64 / (1 + 63))
        # 3,200 rows, 2 × 63 steps of 1.6 s: sixteen wait for arithmetic.
        self.assertAlmostEqual(limit_tokens_per_second("sixteen_clients", limits),
                               2048 / (32 + 126 * 1.6))


class ReportTest(unittest.TestCase):
    def test_the_ratio_is_that_of_the_medians(self):
        of_shape = {"worker": [run(10), run(30), run(20)], "peer": [run(5), run(4), run(99)]}
        self.assertEqual(race_report.ratio(of_shape), 4)

    def test_a_side_without_tokens_has_no_ratio(self):
        self.assertEqual(race_report.ratio({"worker": [run(10)], "peer": [run(0)]}), 0)

    def test_shows_both_sides_and_the_share_of_each_bound(self):
        text = race_report.report("a model", outcome([run(10)], [run(5)]))
        self.assertIn("| 10.0 / 5.0 | 2.00 | 20.0 | 0.50 | 100 | 0.100 |", text)

    def test_leaves_out_what_was_not_measured(self):
        one = outcome([run(10)], [run(5)])
        one["shapes"]["one_client"].update(bound=None, limit=None)
        text = race_report.report("a model", one)
        self.assertIn("| 10.0 / 5.0 | 2.00 | – | – | – | – |", text)
        self.assertNotIn("long prompt", text)

    def test_shows_gaps_before_and_after_an_arrival(self):
        quiet, beside = {"p50": 5, "p99": 6, "max": 7}, {"p50": 50, "p99": 60, "max": 70}
        arrival = {"quiet_gap_ms": quiet, "gap_ms": beside, "ttft_ms": 800}
        text = race_report.report("a model", outcome([run(10, arrival=arrival)], [run(5)],
                                                     shape="arriving_prompt"))
        self.assertIn("| before it arrives | 5.0 / – | 6.0 / – | 7.0 / – |", text)
        self.assertIn("first token, ms: 800 / –", text)

    def test_fails_only_on_the_ratios_that_are_asked_for(self):
        one = outcome([run(10)], [run(5)])
        floors = race.parse_options(["build", "peer", "model"]).at_least
        self.assertEqual(race_report.missed(one, floors), [])
        floors = race.parse_options(["build", "peer", "model", "--at-least", "one_client=2",
                                     "--at-least", "one_client=2.1"]).at_least
        self.assertEqual(len(race_report.missed(one, floors)), 1)


class PlotsTest(unittest.TestCase):
    def test_are_well_formed_whatever_was_measured(self):
        for runs in ([run(10)], [run(0)], [run(0.001)]):
            one = outcome(runs, [run(5)])
            one["shapes"]["one_client"]["worker"][0]["ttft_ms"]["hundredths"] = [0.0] * 101
            for plot in (race_plots.ratios("a & b", race_report.ratio_rows(one)),
                         race_plots.waits("a & b", race_report.wait_rows(one))):
                ElementTree.fromstring(plot)


if __name__ == "__main__":
    unittest.main()
