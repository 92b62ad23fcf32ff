"""docs/cdc-hazards.md names every hazard, and tests that exist."""

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


def rows():
    """number -> (what tailrace does, names of tests)."""
    found = {}
    for line in (ROOT / "docs/cdc-hazards.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        match = re.fullmatch(r"\| E(\d+)", "| " + cells[0]) if line.startswith("| E") else None
        if match:
            if int(match[1]) in found:
                raise AssertionError(f"E{match[1]} stands there twice")
            found[int(match[1])] = (cells[2], re.findall(r"`([^`]+)`", cells[3]) if len(cells) > 3 else [])
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
