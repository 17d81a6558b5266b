"""The project's files as the rules see them."""

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED_FOLDERS = {".git", "build", "__pycache__"}
SCRIPT_SUFFIXES = {".py", ".sh", ".cmake"}

_TOKENS = re.compile(
    r"""(?P<kept> \b\d[\w'.]* )             # a number: its ' opens no character
      | //[^\n]* | /\*.*?\*/                # comments
      | R"(?P<tag>\w*)\(.*?\)(?P=tag)"      # raw strings
      | "(?:\\.|[^"\\\n])*"                 # strings
      | '(?:\\.|[^'\\\n])*'                 # characters
    """,
    re.VERBOSE | re.DOTALL,
)


def _blank(match):
    if match["kept"]:
        return match[0]
    return "".join("\n" if c == "\n" else " " for c in match[0])


@dataclass(frozen=True)
class Source:
    path: str  # from the root, with /
    text: str

    @cached_property
    def lines(self):
        return self.text.splitlines()

    @cached_property
    def code(self):
        """The text of a C++ file with comments and literals blanked; lines stay where they are."""
        return _TOKENS.sub(_blank, self.text)

    @property
    def folder(self):
        return os.path.dirname(self.path)

    @property
    def name(self):
        return os.path.basename(self.path)

    @property
    def stem(self):
        return self.name.split(".")[0]

    @property
    def is_cpp(self):
        return self.path.endswith((".h", ".cpp"))

    @property
    def is_script(self):
        return (
            Path(self.path).suffix in SCRIPT_SUFFIXES
            or self.name in {"CMakeLists.txt", "Makefile"}
            or self.text.startswith("#!")
        )

    @property
    def is_test(self):
        return self.path.startswith("tests/") or self.stem.endswith("_test")

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1


def read_tree():
    """All text files of the project."""
    sources = []
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(set(subfolders) - SKIPPED_FOLDERS)
        for name in sorted(names):
            path = Path(folder, name)
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            sources.append(Source(path.relative_to(ROOT).as_posix(), text))
    return sources
