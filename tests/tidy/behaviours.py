"""What the worker promises, and the tests that hold it to that."""

import re

DOCUMENT = "docs/behaviours.md"
# Four pages: more than that nobody reads through.
LINES_MAX = 240

_REFERENCE = re.compile(r"(\S+\.(?:cpp|py)): (?:(\w+)\.)?(\w+)")
_GTEST = re.compile(r"\b(?:TEST|TEST_F|TEST_P|TYPED_TEST|RC_GTEST\w*_PROP)\(\s*(\w+),\s*(\w+)")
_UNITTEST = re.compile(r"^\s*def (test_\w+)\(|^class (\w+)", re.MULTILINE)


def behaviours(sources):
    """Each row of the document names tests that exist."""
    by_path = {source.path: source for source in sources}
    document = by_path.get(DOCUMENT)
    if document is None:
        return
    if len(document.lines) > LINES_MAX:
        yield f"{DOCUMENT}: {len(document.lines)} lines, at most {LINES_MAX}"
    for number, line in enumerate(document.lines, 1):
        if line.startswith("|") and not re.match(r"\| *(behaviour|:?-+:?) *\|", line):
            for complaint in _judge(line, by_path):
                yield f"{DOCUMENT}:{number}: {complaint}"


def _judge(row, by_path):
    cells = re.split(r"(?<!\\)\|", row.strip().strip("|"))
    references = re.findall(r"`([^`]*)`", cells[-1])
    if len(cells) != 2 or not references:
        yield "a row is | behaviour | `path/to/test: name of the test` |"
    for reference in references:
        match = _REFERENCE.fullmatch(reference)
        if not match:
            yield f"'{reference}' is no `path/to/test: name of the test`"
        elif match[1] not in by_path:
            yield f"there is no file {match[1]}"
        elif (match[2], match[3]) not in _tests(by_path[match[1]]):
            yield f"{match[1]} has no test {reference.split(': ')[1]}"


def _tests(source):
    """(group, name) of each test, and (None, name), as the group may be left out."""
    found = set()
    if source.is_cpp:
        found.update(_GTEST.findall(source.code))
    else:
        group = None
        for name, begun in _UNITTEST.findall(source.text):
            group = begun or group
            if name:
                found.add((group, name))
    return found | {(None, name) for _, name in found}
