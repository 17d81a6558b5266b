#!/usr/bin/env python3
"""coverage.py BUILD REPORT

Reads what the programs of a build with --coverage have counted; prints the share of lines that ran,
a folder of src/ a row, and writes the lines that did not run into REPORT.
"""

import itertools
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def counted(build):
    """(path from the root, number, runs) of each line with code, once for each program and
    template that has it."""
    # gcov is given names from the build folder, because sources are named from there.
    files = [path.relative_to(build) for path in sorted(build.rglob("*.gcda"))]
    if not files:
        sys.exit(f"{build}: no test has run")
    for file in files:
        run = subprocess.run(
            ["gcov", "--json-format", "--stdout", file],
            cwd=build,
            capture_output=True,
            text=True,
            check=True,
        )
        for part in filter(None, run.stdout.splitlines()):
            for source in json.loads(part)["files"]:
                path = os.path.relpath(os.path.join(build, source["file"]), ROOT)
                for line in source["lines"]:
                    yield path, line["line_number"], line["count"]


def is_program(path):
    name = pathlib.PurePath(path).stem
    return path.startswith("src/") and not name.endswith(("_test", "_fixture"))


def runs_by_file(build):
    """{path: {number: runs}}"""
    files = {}
    for path, number, runs in counted(build):
        if is_program(path):
            lines = files.setdefault(path, {})
            lines[number] = lines.get(number, 0) + runs
    return files


def ranges(numbers, lines):
    """"3-5, 9": what lies between two of `numbers` without a line of code belongs to them."""
    code = sorted(lines)
    groups = itertools.groupby(code, key=lambda number: number in numbers)
    spans = [list(group) for missed, group in groups if missed]
    return ", ".join(f"{s[0]}-{s[-1]}" if len(s) > 1 else str(s[0]) for s in spans)


def row(name, lines):
    run = sum(runs > 0 for runs in lines)
    return f"{name:32} {run:6} of {len(lines):6} {run / max(len(lines), 1):7.1%}"


def main(build, report):
    files = runs_by_file(pathlib.Path(build).resolve())
    with open(report, "w", encoding="utf-8") as out:
        for path, lines in sorted(files.items()):
            print(row(path, lines.values()), file=out)
            missed = {number for number, runs in lines.items() if runs == 0}
            if missed:
                print(f"    not run: {ranges(missed, lines)}", file=out)
    folders = {}
    for path, lines in files.items():
        folders.setdefault(os.path.dirname(path), []).extend(lines.values())
    for folder, lines in sorted(folders.items()):
        print(row(folder, lines))
    print(row("all", [runs for lines in folders.values() for runs in lines]))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
