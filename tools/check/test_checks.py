"""Each check complains about what it is there for, and accepts what is right."""

import contextlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import banned
import docs
import layers
import leaks
import names
import sizes
import state
import suites
import tidy
import tree

OPENING = "/* What it is for. */\n"


def is_running(process):
    """False too for one that has ended and that nobody has asked about yet."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Layers(unittest.TestCase):
    def complaint(self, path, include):
        return layers.complaints({path: f"/* x */\n#include {include}\n"})

    def test_a_lower_layer_may_not_include_a_higher_one(self):
        order = layers.LAYERS
        for low, lower in enumerate(order):
            for high, higher in enumerate(order):
                found = self.complaint(f"core/{lower}/x.c", f'"{higher}/y.h"')
                self.assertEqual(bool(found), high > low, f"{lower} includes {higher}")

    def test_server_stands_beside_api(self):
        self.assertFalse(self.complaint("core/server/x.c", '"sync/session.h"'))
        self.assertFalse(self.complaint("core/server/x.c", '"server/users.h"'))
        self.assertTrue(self.complaint("core/server/x.c", '"api/api.h"'))
        self.assertTrue(self.complaint("core/api/x.c", '"server/users.h"'))
        self.assertTrue(self.complaint("core/sync/x.c", '"server/users.h"'))

    def test_libraries_have_one_door(self):
        self.assertFalse(self.complaint("core/storage/storage_rocksdb.c", "<rocksdb/c.h>"))
        self.assertTrue(self.complaint("core/storage/storage.c", "<rocksdb/c.h>"))
        self.assertTrue(self.complaint("core/model/x.c", "<rocksdb/c.h>"))
        self.assertFalse(self.complaint("core/sync/http2.c", "<nghttp2/nghttp2.h>"))
        self.assertTrue(self.complaint("core/server/x.c", "<nghttp2/nghttp2.h>"))
        self.assertFalse(self.complaint("core/sync/codec_rows.c", '"sync.pb-c.h"'))
        self.assertTrue(self.complaint("core/sync/session.c", '"sync.pb-c.h"'))

    def test_the_operating_system_belongs_to_platform(self):
        for header in ("pthread.h", "unistd.h", "sys/socket.h", "time.h"):
            self.assertFalse(self.complaint("core/platform/posix_x.c", f"<{header}>"))
            self.assertTrue(self.complaint("core/model/x.c", f"<{header}>"), header)
        self.assertFalse(self.complaint("core/model/x.c", "<string.h>"))

    def test_internal_headers_and_bare_names(self):
        self.assertTrue(self.complaint("core/sync/x.c", '"model/model_internal.h"'))
        self.assertFalse(self.complaint("core/model/x.c", '"model/model_internal.h"'))
        self.assertTrue(self.complaint("core/model/x.c", '"model.h"'))
        self.assertTrue(layers.complaints({"core/include/atoll/x.h": "#include <pthread.h>\n"}))


class Names(unittest.TestCase):
    def check(self, body, path="core/model/x.h"):
        return names.complaints({path: f"#ifndef X_H\n#define X_H\n{body}\n#endif\n"})

    def test_abbreviations_types_and_guards(self):
        self.assertFalse(self.check("int model_count(int position);"))
        self.assertIn("write index", self.check("int model_get(int row_idx);")[0])
        self.assertFalse(self.check("/* the idx of old */ int model_get(int row);"))
        self.assertTrue(self.check("typedef struct model model_t;"))
        self.assertTrue(self.check("typedef struct { int a; } model_t;"))
        self.assertTrue(names.complaints({"core/model/x.h": "int model_get(void);\n"}))

    def test_public_names_have_the_prefix(self):
        path = "core/include/atoll/x.h"
        guard = "#ifndef ATOLL_X_H\n#define ATOLL_X_H\n%s\n#endif\n"
        self.assertFalse(names.complaints({path: guard % "ATOLL_API int atoll_count(void);"}))
        self.assertTrue(names.complaints({path: guard % "ATOLL_API int count(void);"}))
        self.assertTrue(names.complaints({path: guard % "#define COUNT 1"}))


class Sizes(unittest.TestCase):
    @staticmethod
    def function(lines, name="grow"):
        return f"static int {name}(int a,\n    char *b)\n{{\n" + "    a++;\n" * lines + "}\n"

    def test_a_function_at_the_limit_and_past_it(self):
        limit = sizes.FUNCTION_LINES_MAX
        self.assertFalse(sizes.complaints({"core/a.c": self.function(limit)}, {}))
        found = sizes.complaints({"core/a.c": self.function(limit + 1)}, {})
        self.assertEqual(len(found), 1)
        self.assertIn("grow has 71 lines", found[0])
        brace = self.function(limit + 1).replace(")\n{", ") {")
        self.assertEqual(len(sizes.complaints({"core/a.c": brace}, {})), 1)

    def test_a_file_at_the_limit_and_past_it(self):
        limit = sizes.FILE_LINES_MAX
        self.assertFalse(sizes.complaints({"core/a.c": "int a;\n" * limit}, {}))
        self.assertTrue(sizes.complaints({"core/a.c": "int a;\n" * (limit + 1)}, {}))
        self.assertFalse(sizes.complaints({"core/a.c": "/* Generated by tools/x */\n" * (limit + 1)}, {}))

    def test_what_is_allowed_may_not_grow(self):
        allowed = sizes.read_allowed("core/a.c grow 80  # since the start\n")
        self.assertFalse(sizes.complaints({"core/a.c": self.function(80)}, allowed))
        self.assertTrue(sizes.complaints({"core/a.c": self.function(81)}, allowed))
        self.assertTrue(sizes.complaints({"core/a.c": self.function(80, "other")}, allowed))


class Tidy(unittest.TestCase):
    def test_what_a_file_includes_is_part_of_its_fingerprint(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "low.h").write_text("int low;\n")
            (folder / "high.h").write_text('#include "low.h"\n')
            source = folder / "x.c"
            source.write_text('#include <stdio.h>\n#include "high.h"\n')

            def mark(command="gcc", common=b"checks"):
                return tidy.fingerprint(source, command, [folder], common)

            first = mark()
            self.assertEqual(first, mark())
            self.assertNotEqual(first, mark(command="gcc -O2"))
            self.assertNotEqual(first, mark(common=b"other checks"))
            (folder / "low.h").write_text("long low;\n")
            self.assertNotEqual(first, mark())

    @unittest.skipIf(shutil.which("clang-tidy") is None, "clang-tidy is missing")
    def test_a_defect_is_found_and_a_clean_file_is_not(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / ".clang-tidy").write_bytes((tree.ROOT / ".clang-tidy").read_bytes())
            commands = []
            for kind, body in (("bad", "int *p = 0; return *p;"), ("good", "return 0;")):
                (folder / f"{kind}.c").write_text(f"int {kind}(void);\nint {kind}(void)\n{{\n    {body}\n}}\n")
                commands.append({"directory": name, "file": f"{kind}.c", "command": f"gcc -c {kind}.c"})
            (folder / "compile_commands.json").write_text(json.dumps(commands))
            self.assertIn("NullDereference", tidy.check(folder / "bad.c", folder))
            self.assertEqual(tidy.check(folder / "good.c", folder), "")


class Banned(unittest.TestCase):
    def check(self, code, path="core/model/x.c"):
        return banned.complaints({path: OPENING + code})

    def test_every_banned_call_is_found(self):
        for call in banned.BANNED:
            self.assertTrue(self.check(f"x = {call}(1);\n"), call)

    def test_what_only_looks_like_one(self):
        for code in ("model_free(a);", "/* free(a) */", 'log("free(a)");', "a->free(b);", "table.time(b);", "timer(a);"):
            self.assertFalse(self.check(code + "\n"), code)
        self.assertFalse(self.check("a = malloc(5);\n", "core/base/memory.c"))

    def test_markers_and_opening_comments(self):
        self.assertTrue(self.check("/* TO" + "DO: later. */\n"))
        self.assertTrue(banned.complaints({"core/model/x.c": "#include <a.h>\n"}))


class Leaks(unittest.TestCase):
    def test_hosts_and_places(self):
        self.assertFalse(leaks.complaints({"a.md": "http://127.0.0.1:7700 and https://app.example/x"}, []))
        self.assertTrue(leaks.complaints({"a.md": "see\nhttps://packages.somewhere.dev/x"}, []))
        self.assertIn("a.md:2", leaks.complaints({"a.md": "x\n/place/main/y"}, ["/place/main/"])[0])


class State(unittest.TestCase):
    FILES = {
        "tests/unit/model/test_a.c": "Test(merge, later_wins)\n{\n}\n",
        "bindings/python/tests/test_a.py": "def test_open():\n",
        "bindings/csharp/tests/A.cs": "[Fact]\npublic async Task Opens()\n",
        "bindings/java/A.java": "@Test\n    void closes() {\n",
        "tests/abigen/meson.build": "test('headers compile alone', python)\n",
    }

    def check(self, *cells, exists=lambda name: False):
        rows = "".join(f"| a promise | `not this` | {cell} |\n" for cell in cells)
        return state.complaints("| Promise | How | Shown by |\n|---|---|---|\n" + rows, self.FILES, exists)

    def test_existing_tests_are_accepted(self):
        self.assertFalse(self.check("`merge.later_wins`, `test_open`", "`Opens` `closes`", "`headers compile alone`"))
        self.assertFalse(self.check("`tests/acceptance/x`", exists=lambda name: name == "tests/acceptance/x"))

    def test_missing_tests_are_named(self):
        found = self.check("`merge.earlier_wins`", "`test_open`")
        self.assertEqual(found, ["docs/state.md:3: there is no test merge.earlier_wins"])

    def test_a_document_without_tests_is_refused(self):
        self.assertTrue(self.check("soon"))


class Suites(unittest.TestCase):
    def counts(self, script):
        totals = suites.Totals()
        with contextlib.redirect_stdout(io.StringIO()):
            suites.counted("x", ["sh", "-c", script], totals)
        return totals.passed, totals.failed, totals.skipped

    def test_counts_are_read_from_the_last_line(self):
        self.assertEqual(self.counts("echo 9 passed, 9 failed; echo 3 passed, 0 failed"), (3, 0, 0))
        self.assertEqual(self.counts("echo 3 passed, 1 failed, 2 skipped; exit 1"), (3, 1, 2))
        self.assertEqual(self.counts("echo python: 3 passed, 0 failed; echo"), (3, 0, 0))

    def test_crashes_and_silence_are_failures(self):
        self.assertEqual(self.counts("echo 3 passed, 0 failed; exit 1"), (3, 1, 0))
        self.assertEqual(self.counts("echo fine"), (0, 1, 0))
        self.assertEqual(self.counts("kill -9 $$"), (0, 1, 0))
        self.assertEqual(self.counts("echo 0 passed, 0 failed"), (0, 1, 0))

    def test_a_missing_suite_is_a_failure(self):
        totals = suites.Totals()
        with contextlib.redirect_stdout(io.StringIO()):
            suites.counted("x", ["/no/such/suite"], totals)
        self.assertEqual((totals.passed, totals.failed), (0, 1))

    def test_a_suite_that_hangs_is_ended(self):
        with contextlib.redirect_stdout(io.StringIO()):
            code, lines = suites.run(["sh", "-c", "echo 3 passed, 0 failed; sleep 60"], 1)
        self.assertNotEqual(code, 0)
        self.assertIn("ended after 1 s", lines[-1])


    def test_a_stopped_run_leaves_no_suite_behind(self):
        with tempfile.TemporaryDirectory() as scratch:
            note = pathlib.Path(scratch, "pid")
            program = (f"import suites, signal; signal.signal(signal.SIGTERM, suites.stop); "
                       f"suites.run(['sh', '-c', 'echo $$ > {note}; sleep 60; true'], 60)")
            runner = subprocess.Popen([sys.executable, "-c", program], cwd=pathlib.Path(suites.__file__).parent,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 20
            while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
                time.sleep(0.01)
            suite = int(note.read_text())
            runner.terminate()
            runner.wait(20)
            while is_running(suite) and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertFalse(is_running(suite))


class Docs(unittest.TestCase):
    PATHS = {"docs/a.md", "core/sync/merge.c", "README.md"}

    def complain(self, text):
        return docs.complaints({"docs/a.md": text}, self.PATHS, {"merge.wins", "wins", "merge"})

    def test_what_exists_may_be_named(self):
        self.assertEqual(self.complain("[x](../README.md#top) [y](../core) [z](https://a.example) `sync/merge.c` `merge.wins` `a.b`"), [])

    def test_what_does_not_is_named_with_its_line(self):
        for text, what in (("\n[x](b.md)", "b.md leads nowhere"), ("\n`sync/gone.c`", "no file sync/gone.c"),
                           ("\n`erge.c`", "no file erge.c"), ("\n`merge.loses`", "no test `merge.loses`")):
            self.assertEqual(len(self.complain(text)), 1, text)
            self.assertIn(what, self.complain(text)[0])
            self.assertTrue(self.complain(text)[0].startswith("docs/a.md:2:"))


class Tree(unittest.TestCase):
    def test_globs(self):
        self.assertTrue(tree.matcher("core/**/*.[ch]").fullmatch("core/a/b/c.h"))
        self.assertTrue(tree.matcher("core/**/*.[ch]").fullmatch("core/c.h"))
        self.assertFalse(tree.matcher("core/**/*.[ch]").fullmatch("tests/core/c.h"))
        self.assertFalse(tree.matcher("core/*.c").fullmatch("core/a/b.c"))

    def test_a_check_without_files_fails(self):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(tree.finish("x", [], 0), 1)
            self.assertEqual(tree.finish("x", [], 1), 0)
            self.assertEqual(tree.finish("x", ["bad"], 1), 1)

    def test_comments_and_literals_are_blanked_in_place(self):
        code = 'a = "/* no */"; /* yes\n*/ b; // c\nd'
        blanked = tree.code_only(code)
        self.assertEqual(blanked.count("\n"), code.count("\n"))
        self.assertEqual(blanked.split(), ["a", "=", ";", "b;", "d"])


if __name__ == "__main__":
    unittest.main()
