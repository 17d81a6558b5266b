"""Chat templates say what they say to Python's jinja2 as transformers sets it up: real templates
of many models, each with messages of several kinds."""

import datetime
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

from worker import need

PATIENCE = 300  # Against hanging only.
NOW = 1_790_000_000
BOS, EOS = "<bos>", "<eos>"

# Templates of which some renders differ, and why.
LOOPS_OVER_NONE = "it loops over `tools` without asking whether there are any; ours takes that"
DIFFERENT = {
    "CohereForAI-c4ai-command-r-plus-tool_use": LOOPS_OVER_NONE,
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use": LOOPS_OVER_NONE,
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use": LOOPS_OVER_NONE,
    "llama-cpp-deepseek-r1": "ours takes a generator for the list that it makes in tojson",
    "meetkai-functionary-medium-v3.1": "`safe` makes Python escape for HTML what is added to it",
}

# One small thing a line, with `x` of SNIPPET_CONTEXT.
SNIPPETS = Path(__file__).with_name("template_snippets.txt")
SNIPPET_CONTEXT = {"x": {
    "list": [1, 2, 3], "text": " A banana's é  b\n", "dict": {"k": "v", "a": [1, {"z": None}]},
    "rows": [{"a": 1, "b": True}, {"a": 2}, {"a": 1, "b": False}], "big": 2**63, "float": 2.5,
    "whole": 3.0, "tiny": 1e-7, "true": True, "null": None, "empty": {}, "int": -5,
}}
# Snippets that differ, by what they begin with, and why.
SNIPPETS_DIFFERENT = {
    "{{ x }}|": "a float in a list keeps the exponent that Rust writes: 1e-7 for 1e-07",
    "{{ x.text.replace('a', 'b') }}|{{ x.text.title()": "title() goes on after an apostrophe",
    "{{ '%s %d %.2f'": "there is a filter `format`, but no operator `%` of texts",
    "{{ 3.14159 | round(2) }}": "there is no filter `wordcount`",
    "{{ x.text | replace('a', 'b') }}|{{ x.text | truncate": "there is no filter `truncate`",
}


def tool(name, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)[:1]}
    return {"type": "function", "function": {"name": name, "description": f"Does <{name}> & more",
                                             "parameters": parameters}}


TOOLS = [tool("weather", city={"type": "string", "description": "the city's \"name\""},
              unit={"type": "string", "enum": ["°C", "°F"], "default": "°C"}),
         tool("sum", numbers={"type": "array", "items": {"type": "number"}}, exact={
             "type": "boolean"}),
         tool("nothing")]
CALL = {"id": "call00001", "type": "function",
        "function": {"name": "weather", "arguments": {"city": "Zürich", "unit": "°C", "days": 2}}}
USER = {"role": "user", "content": "What's the \"weather\"?\n  <b>Now</b>, in Zürich & 東京 🙂 "}
SYSTEM = {"role": "system", "content": " Be brief. "}
REPLY = {"role": "assistant", "content": "It is 21.50 °C.\n"}
CONTEXTS = {
    "plain": {"messages": [USER]},
    "closed": {"messages": [USER, REPLY], "add_generation_prompt": False},
    "system": {"messages": [SYSTEM, USER]},
    "turns": {"messages": [SYSTEM, USER, REPLY, {"role": "user", "content": ""}, REPLY, USER]},
    "thought": {"messages": [USER, {**REPLY, "reasoning_content": "Let me see."}, USER],
                "enable_thinking": False},
    "tools": {"messages": [SYSTEM, USER], "tools": TOOLS},
    "called": {"messages": [USER, {"role": "assistant", "content": "", "tool_calls": [CALL]},
                            {"role": "tool", "name": "weather", "tool_call_id": "call00001",
                             "content": '{"temperature": 21.5}'}],
               "tools": TOOLS},
}


class Raised(Exception):
    pass


def raise_exception(message):
    raise Raised(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                      sort_keys=sort_keys)


def environment():
    """Source: transformers, chat_template_utils.py, `_compile_jinja_template`."""
    from jinja2 import nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        tags = {"generation"}

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.CallBlock(self.call_method("said"), [], [], body).set_lineno(line)

        def said(self, caller):
            return caller()

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = datetime.datetime.fromtimestamp(NOW).strftime
    return env


def request(source, context):
    context = {"add_generation_prompt": True, **context}
    return {"source": source, "bos": BOS, "eos": EOS, "now": NOW, "context": context}


def oracle(env, asked):
    """{"text"}, {"raised"} in the template's own words, or {"error"}"""
    given = {"tools": None, "documents": None, "bos_token": BOS, "eos_token": EOS}
    try:
        text = env.from_string(asked["source"]).render({**given, **asked["context"]})
        return {"text": text}
    except Raised as error:
        return {"raised": str(error)}
    except Exception as error:  # Whatever Python makes of a type error in a template.
        return {"error": f"{type(error).__name__}: {error}"}


def ours(requests):
    lines = "".join(json.dumps(asked) + "\n" for asked in requests)
    run = subprocess.run([need("RBEE_RENDERED_CHAT")], input=lines.encode(), timeout=PATIENCE,
                         stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in run.stdout.decode().splitlines()]


def same(reply, expected):
    if "text" in expected:
        return reply == expected
    if "raised" in expected:
        return reply == {"error": expected["raised"]}
    return "error" in reply


class TemplateTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        sys.path.insert(0, need("RBEE_JINJA"))
        self.addCleanup(sys.path.pop, 0)

    def differing(self, cases):
        """{name: request} → {name: {"ours", "jinja2"}} of those that differ."""
        env = environment()
        replies = ours(cases.values())
        self.assertEqual(len(replies), len(cases))
        differ = {}
        for (name, asked), reply in zip(cases.items(), replies):
            expected = oracle(env, asked)
            if not same(reply, expected):
                differ[name] = {"ours": reply, "jinja2": expected}
        return differ

    def check(self, cases, different):
        """No case differs but those whose names begin as one in `different`, which all occur."""
        differ = self.differing(cases)
        found = set()
        for name, pair in differ.items():
            known = [begin for begin in different if name.startswith(begin)]
            found.update(known)
            if not known:
                with self.subTest(name):
                    self.assertEqual(pair["ours"], pair["jinja2"])
        self.assertEqual(found, set(different))

    def test_real_templates_render_as_in_python(self):
        folder = Path(need("RBEE_TEST_VOCABS")) / "templates"
        sources = {path.stem: path.read_text(encoding="utf-8")
                   for path in sorted(folder.glob("*.jinja"))}
        self.assertGreater(len(sources), 50)
        cases = {f"{name}, {kind}": request(source, context)
                 for name, source in sources.items() for kind, context in CONTEXTS.items()}
        self.check(cases, DIFFERENT)

    def test_small_things_are_as_in_python(self):
        cases = {line: request(line, SNIPPET_CONTEXT)
                 for line in SNIPPETS.read_text(encoding="utf-8").splitlines()}
        self.check(cases, SNIPPETS_DIFFERENT)


if __name__ == "__main__":
    unittest.main()
