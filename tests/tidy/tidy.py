#!/usr/bin/env python3
"""tidy.py RULE | list | warnings | reuse

Checks the project's files against one rule; prints each place that breaks it, and fails if there
is one. `warnings` and `reuse` only tell.
"""

import sys

import build
import layers
import sizes
import words
from behaviours import behaviours
from source import read_tree

# name → function of all sources that yields a line for each place that breaks the rule
RULES = {
    "may_include": layers.may_include,
    "columns": sizes.columns,
    "function_lines": sizes.function_lines,
    "file_lines": sizes.file_lines,
    "names": words.names,
    "parked_work": words.parked_work,
    "detached_work": words.detached_work,
    "sleeping_tests": words.sleeping_tests,
    "printing": words.printing,
    "machine_paths": words.machine_paths,
    "secret_comparisons": words.secret_comparisons,
    "unused_files": build.unused_files,
    "layout": build.layout,
    "behaviours": behaviours,
}


def main(arguments):
    if len(arguments) != 1 or arguments[0] not in {*RULES, "list", "warnings", "reuse"}:
        print(__doc__, file=sys.stderr)
        return 2
    word = arguments[0]
    if word == "list":
        print("\n".join(RULES))
        return 0
    sources = read_tree()
    if word == "reuse":
        print(build.reuse(sources))
        return 0
    rule = sizes.warnings if word == "warnings" else RULES[word]
    broken = list(rule(sources))
    print("\n".join(broken))
    return 1 if broken and word != "warnings" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
