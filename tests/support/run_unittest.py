"""Runs unittest modules and leaves a report of their cases in the form of GoogleTest's.

    python -m tests.support.run_unittest MODULE...

The report goes into the file that GTEST_OUTPUT=xml:FILE names, so that tools/run_tests.py counts Python's and C++'s cases
in one way; GTEST_TOTAL_SHARDS and GTEST_SHARD_INDEX say which share of the cases is run, as they do for GoogleTest.
CTest runs this (tailrace_python_test in cmake/tailrace.cmake).
"""

import os
import pathlib
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree


class Result(unittest.TextTestResult):
    """Keeps one entry per case; a case whose subtests fail is one failed case."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.cases = {}
        self.started = {}

    def startTest(self, test):
        self.started[test.id()] = time.monotonic()
        self.cases[test.id()] = ["passed", "", 0.0]
        super().startTest(test)

    def stopTest(self, test):
        self.cases[test.id()][2] = time.monotonic() - self.started[test.id()]
        super().stopTest(test)

    def mark(self, test, outcome, text):
        self.cases.setdefault(test.id(), ["passed", "", 0.0])
        self.cases[test.id()][:2] = [outcome, text]

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.mark(test, "failed", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self.mark(test, "failed", self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.mark(test, "failed", self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.mark(test, "skipped", reason)


def write_report(path, cases):
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name=path.stem, tests=str(len(cases)))
    for identity, (outcome, text, seconds) in cases.items():
        case = ElementTree.SubElement(suite, "testcase", name=identity, time=f"{seconds:.3f}",
                                      result="skipped" if outcome == "skipped" else "completed")
        if outcome == "failed":
            failure = ElementTree.SubElement(case, "failure", message=text.splitlines()[-1] if text else "")
            failure.text = "".join(c for c in text if c >= " " or c in "\n\t")
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="unicode")


def cases_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases_of(test)
        else:
            yield test


def share(suite):
    """The cases of this shard: every n-th, so that those of one class, which are of one kind, spread evenly."""
    total = int(os.environ.get("GTEST_TOTAL_SHARDS", 1))
    index = int(os.environ.get("GTEST_SHARD_INDEX", 0))
    return unittest.TestSuite(case for number, case in enumerate(cases_of(suite)) if number % total == index)


def main():
    runner = unittest.TextTestRunner(verbosity=2, resultclass=Result)
    result = runner.run(share(unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:])))
    output = os.environ.get("GTEST_OUTPUT", "")
    if output.startswith("xml:"):
        write_report(pathlib.Path(output[len("xml:"):]), result.cases)
    return 0 if result.wasSuccessful() and result.testsRun + len(result.skipped) > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
