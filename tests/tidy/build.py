"""What only the build would show: files that nobody builds or includes, and their layout."""

import os
import re
import shutil
import subprocess

from layers import includes
from source import ROOT


def unused_files(sources):
    sources = list(sources)
    lists = {
        s.folder: set(re.split(r'[\s()"]+', s.text)) for s in sources if s.name == "CMakeLists.txt"
    }
    included = {path for s in sources if s.is_cpp for _, _, path in includes(s)}
    for source in sources:
        if source.path.endswith(".cpp") and not _is_built(source, lists):
            yield f"{source.path}: in no CMakeLists.txt"
        if source.path.endswith(".h") and source.path.removeprefix("src/") not in included:
            yield f"{source.path}: included by no file"


def _is_built(source, lists):
    folder = source.folder
    while folder:
        if os.path.relpath(source.path, folder) in lists.get(folder, ()):
            return True
        folder = os.path.dirname(folder)
    return False


def layout(sources):
    formatter = shutil.which("clang-format-19")
    if not formatter:
        yield "clang-format-19 is not installed"
        return
    paths = [source.path for source in sources if source.is_cpp]
    run = subprocess.run(
        [formatter, "--dry-run", "-Werror", *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    places = (line.split(":") for line in run.stderr.splitlines() if ": error:" in line)
    first_places = {path: number for path, number, *_ in reversed(list(places))}
    for path, number in sorted(first_places.items()):
        yield f"{path}:{number}: not as clang-format lays it out: make format"
    if run.returncode != 0 and not first_places:
        yield run.stderr


def reuse(sources):
    """How much of a worker would be shared with one of another modality."""
    programs = [s for s in sources if s.is_cpp and s.path.startswith("src/") and not s.is_test]
    total = sum(len(s.lines) for s in programs)
    shared = sum(len(s.lines) for s in programs if s.path.startswith("src/worker/"))
    return f"reuse: {shared} of {total} lines are in worker/ ({shared / max(total, 1):.0%})"
