"""docs/cdc-hazards.md names every hazard, tests that exist, and what was taken out to see them fail."""

import ast
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NUMBERS = range(1, 54)
GTEST = re.compile(r"^(?:TEST|TEST_F|TEST_P)\((\w+),\s*(\w+)\)", re.MULTILINE)


def googletest_names():
    for folder in ("src", "sim", "tests"):
        for file in (ROOT / folder).rglob("*_test.cpp"):
            for suite, name in GTEST.findall(file.read_text(encoding="utf-8")):
                yield f"{suite}.{name}"


def unittest_names():
    for file in (ROOT / "tests").rglob("*_test.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                for member in node.body:
                    if isinstance(member, ast.FunctionDef) and member.name.startswith("test_"):
                        yield f"{node.name}.{member.name}"


def tables():
    """The rows (number, cells) of the page's two tables: the hazards, and what was seen to fail."""
    page = (ROOT / "docs/cdc-hazards.md").read_text(encoding="utf-8")
    hazards, _, seen = page.partition("\n## Seen to fail\n")
    return [[(int(match[1]), [cell.strip() for cell in match[2].strip("|").split(" | ")])
             for match in re.finditer(r"^\| E(\d+) \|(.*)$", part, re.MULTILINE)] for part in (hazards, seen)]


def names_in(cell):
    return re.findall(r"`([^`]+)`", cell)


def rows():
    """number -> (what tailrace does, names of tests)."""
    found = {}
    for number, cells in tables()[0]:
        if number in found:
            raise AssertionError(f"E{number} stands there twice")
        found[number] = (cells[1], names_in(cells[2]) if len(cells) > 2 else [])
    return found


class Hazards(unittest.TestCase):
    def test_every_hazard_is_listed(self):
        self.assertEqual(sorted(rows()), list(NUMBERS))

    def test_the_tests_exist(self):
        known = {*googletest_names(), *unittest_names()}
        self.assertGreater(len(known), 400)
        for number, (_, tests) in rows().items():
            with self.subTest(number):
                self.assertEqual([name for name in tests if name not in known], [])

    # "Not applicable" and "open" are reasons; silence is none.
    def test_a_row_without_a_test_says_why(self):
        for number, (answer, tests) in rows().items():
            with self.subTest(number):
                self.assertTrue(tests or answer.startswith(("**open**", "does not apply")), answer)

    # A test that was never seen to fail may be one that cannot.
    def test_what_was_taken_out_is_told(self):
        listed = rows()
        seen = tables()[1]
        self.assertGreaterEqual(len({number for number, _ in seen}), 15)
        for number, cells in seen:
            with self.subTest(number):
                self.assertEqual(len(cells), 3, "what was taken out, which test failed, how")
                self.assertTrue(all(cells))
                self.assertEqual([name for name in names_in(cells[1]) if name not in listed[number][1]], [],
                                 "the tests of that hazard")
                self.assertTrue(names_in(cells[1]))
