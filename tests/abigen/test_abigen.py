"""Tests of tools/abigen: golden outputs of a small description, and descriptions that must be refused.

After a wanted change of the output: test_abigen.py --accept
"""

import contextlib
import io
import pathlib
import shutil
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tools/abigen"))

import abigen  # noqa: E402
import description  # noqa: E402

TOY = (HERE / "golden/toy.proto").read_text(encoding="utf-8")
EXPECTED = HERE / "golden/expected"

# What is changed in the small description, and a part of the complaint that must follow.
MUST_FAIL = {
    "error without text": ('text: "A number lies outside its range."', "", "ERROR_OUT_OF_RANGE has no text"),
    "number reused": ("ERROR_TIMEOUT = 503", "ERROR_TIMEOUT = 105", "uses the same enum value"),
    "number reused as an alias": (
        "ERROR_TIMEOUT = 503", 'option allow_alias = true;\nERROR_AGAIN = 105 [(failure) = {text: "Again."}];\n'
        "ERROR_TIMEOUT = 503", "ERROR_AGAIN reuses number 105 of ERROR_OUT_OF_RANGE"),
    "number of a removed error": ("ERROR_TIMEOUT = 503", "reserved 503;\nERROR_TIMEOUT = 503", "reserved number 503"),
    "status without the prefix": ("ERROR_TIMEOUT", "LATE", "LATE must begin with ERROR_"),
    "_ms without a unit": ('unit: "ms"', "", "the ending _ms and the unit ms go together"),
    "unit without the ending": ("int64 keep_ms", "int64 keep", "the ending _ms and the unit ms go together"),
    "number without a unit": ('int64 keep_ms = 1 [(setting) = {\n    unit: "ms"', "int64 keep = 1 [(setting) = {",
                              "keep is a number without a unit"),
    "default below the range": ('default_value: "500"', 'default_value: "0"', "lies outside its range"),
    "default above the range": ('default_value: "500"', 'default_value: "1001"', "lies outside its range"),
    "default in words": ('default_value: "500"', 'default_value: "long"', "its default must be a number"),
    "no default": ('default_value: "500"', "", "keep_ms has no default"),
    "no range": ("minimum: 1\n    maximum: 1000", "", "keep_ms has no range"),
    "handle without an owner": ("owns: NEW\n      null_means", "null_means", "does not say who owns its result"),
    "handle that is not new": ("owns: NEW\n      null_means", "owns: VALUE\n null_means", "and must say NEW"),
    "text that is not borrowed": ("owns: BORROWED", "owns: VALUE", "must say BORROWED or CONSTANT"),
    "borrowed for ever": ('until: "the fruit is freed"', "", "does not say until when"),
    "no thread rule": ("thread: OWNER", "", "service Fruit has no thread rule"),
    "no since": ('since: "0.1"\n    header: "fruit.h"\n  };\n\n  // Grows', 'header: "fruit.h"\n  };\n\n  // Grows',
                 "service Fruit does not say since when"),
    "no comment": ("  // The name of a fruit.\n", "", "atoll_fruit_name has no comment"),
    "enum value without a comment": ("  // Now.\n", "", "RIPENESS_RIPE has no comment"),
    "unknown error": ('errors: ["TIMEOUT"]', 'errors: ["TIRED"]', "lists TIRED, which the error table does not have"),
    "fallible without errors": ('thread: OWNER\n    errors: ["INVALID_ARGUMENT"]', "thread: OWNER",
                                "can fail and lists no error"),
    "infallible with errors": ("infallible: true\n      thread: ANY", 'infallible: true errors: ["TIMEOUT"]',
                               "cannot fail and still lists errors"),
    "missing free function": ('free: "atoll_fruit_free"', 'free: "atoll_fruit_drop"', "is not described"),
    "no free function": ('free: "atoll_fruit_free"', "", "names no free function"),
    "response of two fields": ("message StringResult {\n", "message StringResult {\n  string other = 2;\n",
                               "2 fields instead of one"),
    "type that cannot cross": ("bytes seed = 2", "sint32 seed = 2", "a type that cannot cross the interface"),
}


def write_schema(folder, toy):
    """A schema folder with the real options and one description."""
    (folder / "abi").mkdir(parents=True)
    shutil.copy(ROOT / "schema/options.proto", folder)
    (folder / "abi/toy.proto").write_text(toy, encoding="utf-8")
    return folder


def generate(toy):
    with tempfile.TemporaryDirectory() as scratch:
        return abigen.generate(write_schema(pathlib.Path(scratch, "schema"), toy))


class Generator(unittest.TestCase):
    maxDiff = None

    def test_golden_outputs_are_reproduced(self):
        produced = generate(TOY)
        expected = {str(p.relative_to(EXPECTED)): p.read_text(encoding="utf-8")
                    for p in EXPECTED.rglob("*") if p.is_file()}
        self.assertEqual(sorted(produced), sorted(expected))
        for path, text in expected.items():
            self.assertEqual(produced[path], text, path)

    def test_every_defect_is_refused_and_named(self):
        for name, (old, new, complaint) in MUST_FAIL.items():
            with self.subTest(name):
                self.assertEqual(TOY.count(old), 1, f"{name}: the text to change must occur once")
                with self.assertRaises(description.DescriptionError) as caught:
                    generate(TOY.replace(old, new))
                self.assertIn(complaint, str(caught.exception))

    def test_function_described_twice_is_refused(self):
        toy = TOY.replace("// Makes a configuration.", "// Sets.\n  rpc SetKeepMs(Nothing) returns (Nothing);\n\n"
                          "  // Makes a configuration.")
        with self.assertRaisesRegex(description.DescriptionError, "atoll_basket_config_set_keep_ms is described twice"):
            generate(toy)

    def test_check_fails_on_a_stale_file_and_names_it(self):
        with tempfile.TemporaryDirectory() as scratch:
            schema = write_schema(pathlib.Path(scratch, "schema"), TOY)
            output = pathlib.Path(scratch, "out")
            arguments = ["abigen", "--schema", str(schema), "--output", str(output)]
            self.assertEqual(self.run_main(arguments)[0], 0)
            self.assertEqual(self.run_main(arguments + ["--check"])[0], 0)
            stale = output / "core/api/atoll.map"
            stale.write_text(stale.read_text(encoding="utf-8").replace("atoll_fruit_new", "atoll_fruit_old"), encoding="utf-8")
            code, printed = self.run_main(arguments + ["--check"])
            self.assertEqual(code, 1)
            self.assertIn("core/api/atoll.map", printed)
            self.assertIn("atoll_fruit_old", stale.read_text(encoding="utf-8"), "--check must not write")

    def test_new_release_gets_its_own_version_node(self):
        text = generate(TOY)["core/api/atoll.map"]
        self.assertIn("ATOLL_0.2 {\n  global:\n    atoll_fruit_ripeness;\n} ATOLL_0.1;", text)

    @staticmethod
    def run_main(arguments):
        printed = io.StringIO()
        old = sys.argv
        sys.argv = arguments
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                return abigen.main(), printed.getvalue()
        finally:
            sys.argv = old


def accept():
    shutil.rmtree(EXPECTED, ignore_errors=True)
    for path, text in generate(TOY).items():
        target = EXPECTED / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if "--accept" in sys.argv:
        accept()
    else:
        unittest.main()
