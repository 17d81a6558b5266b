"""Each rule fails on a snippet that breaks it, and passes one that is close to breaking it."""

import unittest

import build
import layers
import sizes
import words
from behaviours import DOCUMENT, LINES_MAX, behaviours
from source import Source
from tidy import RULES


def broken(rule, text, path="src/worker/base/a.cpp"):
    return list(rule([Source(path, text)]))


class RulesCanFail(unittest.TestCase):
    def check(self, rule, good, bad, path="src/worker/base/a.cpp"):
        self.assertEqual([], broken(rule, good, path))
        self.assertEqual(1, len(broken(rule, bad, path)), broken(rule, bad, path))
        self.proven.add(rule)

    proven = set()

    def test_may_include(self):
        http, scheduler = "worker/http/router.h", "worker/scheduler/scheduler.h"
        for path, good, bad in (
            ("src/worker/http/a.cpp", f'"{scheduler}"', '"worker/app/config.h"'),
            ("src/worker/scheduler/a.h", '"worker/engine/event.h"', f'"{http}"'),
            ("src/worker/base/a.h", "<vector>", '"llm/model/vocabulary.h"'),
            ("src/worker/base/a_test.cpp", '"tests/support/clock.h"', '"tests/model/x.h"'),
            ("src/llm/api/a.cpp", f'"{http}"', "<llama.h>"),
            ("src/llama/a.cpp", '"ggml-backend.h"', '"worker/http/router.h"'),
            ("src/worker/http/a.h", "<boost/beast/http.hpp>", "<gguf.h>"),
            ("src/llm/api/b.cpp", "<boost/asio/post.hpp>", "<boost/beast/http.hpp>"),
            ("src/llm/main.cpp", '"llama/text_model.h"', "<llama-cpp.h>"),
        ):
            self.check(layers.may_include, f"#include {good}\n", f"#include {bad}\n", path)

    def test_a_new_folder_needs_a_row_in_the_table(self):
        self.assertEqual(1, len(broken(layers.may_include, "", "src/worker/new/a.h")))

    def test_columns(self):
        self.check(sizes.columns, "é" * 100, "x" * 101)

    def test_file_lines(self):
        self.check(sizes.file_lines, "\n" * 500, "\n" * 501)

    def test_function_lines(self):
        def function(lines, head="void f(int a) "):
            return "namespace n {\n" + head + "{\n" + "g();\n" * (lines - 2) + "}\n}  // n\n"

        self.check(sizes.function_lines, function(80), function(81))
        self.check(sizes.function_lines, function(81, "struct S "), function(81, "A::A() : a_(1) "))
        self.check(sizes.function_lines, function(81, "int a[] = "), function(81, "TEST(A, b) "))

    def test_braces_in_literals_are_no_braces(self):
        code = Source("a.cpp", "void f() { g('{', \"{\", R\"({)\", 1'000); /* { */ }  // {\n").code
        self.assertEqual(1, len(list(sizes.function_bodies(code))))

    def test_names(self):
        self.check(words.names, "struct Metadata {};", "struct SlotManager {};")
        self.check(words.names, "struct WorkerInfo {};", "struct ModelInfo {};")
        self.check(words.names, "void f(Data x);", "namespace utils {}")
        self.assertEqual(1, len(broken(words.names, "", "src/worker/common/a.h")))
        self.assertEqual(1, len(broken(words.names, "", "src/worker/base/string_util.h")))
        self.assertEqual([], broken(words.names, "struct Handler {};", "src/worker/http/a.h"))
        self.assertEqual(1, len(broken(words.names, "struct Handler {};")))

    def test_parked_work(self):
        self.check(words.parked_work, "// A todo list", "// TO" + "DO: later")

    def test_detached_work(self):
        self.check(words.detached_work, "// never detached", "co_spawn(io, f(), detached);")

    def test_sleeping_tests(self):
        path = "src/worker/base/a_test.cpp"
        self.check(words.sleeping_tests, "sleeps();", "std::this_thread::sleep_for(1s);", path)

    def test_printing(self):
        self.check(words.printing, 'snprintf(p, n, "");', "std::cout << 1;")

    def test_machine_paths(self):
        self.check(words.machine_paths, "a /work of art", "see /wo" + "rk/main/x")

    def test_secret_comparisons(self):
        path = "src/worker/http/a.cpp"
        for good, bad in (
            ("a.memcmp_calls", "memcmp(a, b, 3)"),
            ("std::memcpy(a, b, 3);", "CRYPTO_memcmp(a, b, 3) == 0"),
            ("end.tokens_out == 3", "request.token == shown"),
            ("3 != prompt_tokens", "shown != *api_tokens.front().token"),
            ("code == ErrorCode::invalid_api_key", "shown == digest_of(x)"),
            ("ErrorCode::missing_api_key == code", "(api_key()) != b"),
            ("token.size() == b.size()", "hash == c.secret_digest"),
            ("if (token && a == b)", "a == (token)"),
        ):
            self.check(words.secret_comparisons, good, bad, path)
        self.check(words.secret_comparisons, "a == token", "strcmp(a, b)", "src/llm/text/a.cpp")
        compares = "CRYPTO_memcmp(token, b, 3) == 0"
        self.assertEqual([], broken(words.secret_comparisons, compares, words.COMPARES_SECRETS))

    def test_unused_files(self):
        main = Source("src/a/main.cpp", '#include "a/used.h"\n')
        lists = Source("src/a/CMakeLists.txt", "add_executable(a main.cpp)")
        used = [main, lists, Source("src/a/used.h", "")]
        self.assertEqual([], list(build.unused_files(used)))
        for path in ("src/a/other.cpp", "src/a/other.h"):
            self.assertEqual(1, len(list(build.unused_files([*used, Source(path, "")]))))
        self.proven.add(build.unused_files)

    def test_layout(self):
        # Reads files on the disk: its verdict is clang-format's own.
        self.assertEqual([], list(build.layout([])))
        self.assertEqual(1, len(list(build.layout([Source("no/such/file.h", "")]))))
        self.proven.add(build.layout)

    def test_behaviours(self):
        tests = [
            Source("a/b_test.cpp", "TEST_F(\n    BTest, does_it) {}  // TEST(BTest, is_a_comment)"),
            Source("a/c_test.py", "class C:\n    def test_it(self):\n        self.test_that()\n"),
        ]

        def check(complaints, text):
            found = list(behaviours([*tests, Source(DOCUMENT, text)]))
            self.assertEqual(complaints, len(found), found)

        self.assertEqual([], list(behaviours(tests)))
        check(0, "# Behaviours\n\n| behaviour | test |\n|---|---|\n")
        for reference in (
            "a/b_test.cpp: does_it",
            "a/b_test.cpp: BTest.does_it",
            "a/c_test.py: test_it",
            "a/c_test.py: C.test_it",
            "a/c_test.py: test_it`, `a/b_test.cpp: does_it",
        ):
            check(0, f"| this \\| that | `{reference}` |")
        for reference in (
            "a/no_test.cpp: does_it",
            "a/b_test.cpp: does",
            "a/b_test.cpp: is_a_comment",
            "a/b_test.cpp: C.does_it",
            "a/c_test.py: test_that",
            "a/b_test.cpp",
            "does_it",
            "a/c_test.py: test_it`, `a/b_test.cpp: does",
        ):
            check(1, f"| this | `{reference}` |")
        check(1, "| this | a/b_test.cpp: does_it |")
        check(1, "| this |")
        check(0, "\n" * LINES_MAX)
        check(1, "\n" * (LINES_MAX + 1))
        self.proven.add(behaviours)

    def test_reuse(self):
        files = {
            "src/worker/http/a.h": "\n" * 2 + '#include "worker/base/b.h"\n',
            "src/worker/base/b.h": "\n" * 4,
            "src/worker/base/b_test.cpp": "\n",
            "src/llm/main.cpp": '#include "worker/http/a.h"\n#include "cpu/c.h"\n',
            "src/cpu/c.h": "\n",
            "src/embedding/main.cpp": '#include "worker/base/b.h"\n',
        }
        told = build.reuse(Source(*file) for file in files.items())
        self.assertIn("llm-worker-rbee: 7 of 10 lines", told)
        self.assertIn("embedding-worker-rbee: 4 of 5 lines", told)

    @classmethod
    def tearDownClass(cls):
        unproven = set(RULES.values()) - cls.proven
        if unproven:
            raise AssertionError(f"no snippet breaks these rules: {unproven}")


if __name__ == "__main__":
    unittest.main()
