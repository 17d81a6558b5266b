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


# Each worker's program, by the folder of its main().
WORKERS = {"llm": "llm-worker-rbee", "embedding": "embedding-worker-rbee"}


def _folders_of(worker, by_folder):
    """All folders that a worker is built of: its own, and those that they include."""
    found, waiting = set(), [f"src/{worker}"]
    while waiting:
        folder = waiting.pop()
        if folder in found or folder not in by_folder:
            continue
        found.add(folder)
        for source in by_folder[folder]:
            for _, quoted, path in includes(source):
                if quoted:
                    waiting.append(f"src/{path.rpartition('/')[0]}")
    return found


def reuse(sources):
    """How much of each worker is shared with those of other modalities."""
    by_folder = {}
    for source in sources:
        if source.is_cpp and source.path.startswith("src/") and not source.is_test:
            by_folder.setdefault(source.folder, []).append(source)
    told = []
    for worker, program in WORKERS.items():
        lines = {
            folder: sum(len(source.lines) for source in by_folder[folder])
            for folder in _folders_of(worker, by_folder)
        }
        total = sum(lines.values())
        shared = sum(
            count
            for folder, count in lines.items()
            if f"{folder}/".startswith(("src/worker/", "src/llama/"))
        )
        told.append(
            f"reuse: {program}: {shared} of {total} lines are in worker/ and llama/ "
            f"({shared / max(total, 1):.0%}), {total - shared} are its own"
        )
    return "\n".join(told)
