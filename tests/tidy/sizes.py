"""Columns, lines of a function, lines of a file."""

import re

COLUMNS_MAX = 100
FUNCTION_LINES_WANTED = 60
FUNCTION_LINES_MAX = 80
FILE_LINES_WANTED = 400
FILE_LINES_MAX = 500

# path: why it is one thing in spite of its length.
LONG_FILES = {}


def columns(sources):
    for source in sources:
        if not source.is_cpp and not source.is_script:
            continue
        for number, line in enumerate(source.lines, 1):
            if len(line) > COLUMNS_MAX:
                yield f"{source.path}:{number}: {len(line)} columns, at most {COLUMNS_MAX}"


def file_lines(sources, limit=FILE_LINES_MAX):
    for source in sources:
        count = len(source.lines)
        if (source.is_cpp or source.is_script) and count > limit and source.path not in LONG_FILES:
            yield f"{source.path}: {count} lines, at most {limit}"


def function_lines(sources, limit=FUNCTION_LINES_MAX):
    for source in sources:
        if not source.is_cpp:
            continue
        for first, last in function_bodies(source.code):
            count = source.line_of(last) - source.line_of(first) + 1
            if count > limit:
                where = f"{source.path}:{source.line_of(first)}"
                yield f"{where}: a function of {count} lines, at most {limit}"


def function_bodies(code):
    """(offset of {, offset of }) of each function that is in no other one. A brace opens a
    function when what stands before it has a parameter list and is no initialiser."""
    open_braces = []  # True where a function's body begins
    begun_at = None
    statement = 0
    for match in re.finditer(r"[{};]", code):
        offset, character = match.start(), match[0]
        if character == "{":
            head = code[statement:offset]
            opens = begun_at is None and ")" in head and not head.rstrip().endswith("=")
            if opens:
                begun_at = offset
            open_braces.append(opens)
        elif character == "}" and open_braces:
            if open_braces.pop():
                yield begun_at, offset
                begun_at = None
        statement = offset + 1


def warnings(sources):
    """What is worth a second look, though allowed."""
    sources = list(sources)
    yield from file_lines(sources, FILE_LINES_WANTED)
    yield from function_lines(sources, FUNCTION_LINES_WANTED)
