"""The runner can fail: a statement with a wrong expectation of each kind, through every client, and what the runner says of it.

Without this a runner that compares nothing would pass.
"""

import pathlib
import shutil
import unittest

from tests.conformance import conformance_test, script
from tests.conformance.clients.odbc import FreeTdsOdbc
from tests.conformance.clients.tsql import Tsql
from tests.conformance.runner import Skip, SubjectRun
from tests.support.processes import private_directory

# Statement with its wrong expectation, what must be said of it, and whether tsql (texts alone) can see it.
WRONG = [
    ("a value", "A> SELECT 1 AS a\nrow 2", "cell 1: 2 expected, not 1", True),
    ("a value in another case", "A> SELECT 'x' AS a\nrow 'X'", "expected, not", True),
    ("a blank at the end", "A> SELECT CAST('x' AS char(2)) AS a\nrow 'x'", "expected, not", True),
    ("text for NULL", "A> SELECT CAST(NULL AS int) AS a\nrow 0", "0 expected, not NULL", True),
    ("NULL for text", "A> SELECT '' AS a\nrow NULL", "NULL expected, not", True),
    ("a digit of a float", "A> SELECT 0.1e0 AS a\ncolumns a float\nrow 0.1000001", "expected, not 0.1", True),
    ("a digit of a decimal", "A> SELECT 1.50 AS a\nrow 1.5", "1.5 expected, not 1.50", True),
    ("a binary value", "A> SELECT 0x01FF AS a\nrow 0x01FE", "expected, not", True),
    ("the last digit of a time", "A> SELECT CAST('12:34:56.1234567' AS time(7)) AS a\nrow 12:34:56.1234568",
     "expected, not 12:34:56.1234567", False),
    ("the minute of a datetime", "A> SELECT CAST('2024-02-29T12:34:56' AS datetime) AS a\nrow 2024-02-29 12:35:56.000",
     "expected, not", True),
    ("a row too few", "A> SELECT a FROM (VALUES (1), (2)) AS v(a)\nrow 1", "1 rows expected, not 2", True),
    ("a row too many", "A> SELECT 1 AS a\nrow 1\nrow 1", "2 rows expected, not 1", True),
    ("rows for none", "A> SELECT 1 AS a\nno rows", "0 rows expected, not 1", True),
    ("the order of rows", "A> SELECT a FROM (VALUES (1), (2)) AS v(a) ORDER BY a\nrow 2\nrow 1", "2 expected, not 1", True),
    ("a column's name", "A> SELECT 1 AS a\ncolumns b int\nrow 1", "columns ['b'] expected, not ['a']", True),
    ("a column's type", "A> SELECT 1 AS a\ncolumns a bigint\nrow 1", "column 'a' is bigint, not int", False),
    ("a column's length", "A> SELECT 'ab' AS a\ncolumns a varchar(3)\nrow 'ab'", "varchar(3), not varchar(2)", False),
    ("a column's scale", "A> SELECT 1.50 AS a\ncolumns a numeric(3,1)\nrow 1.50", "numeric(3,1), not numeric(3,2)", False),
    ("the rows affected", "A> CREATE TABLE #t (a int); INSERT INTO #t VALUES (1)\naffected 2",
     "2 rows affected expected, not 1", False),
    ("rows affected that are not expected", "A> CREATE TABLE #t (a int); INSERT INTO #t VALUES (1)",
     "nothing more expected, not Affected(count=1)", False),
    ("an error's number", "A> SELECT 1 / 0\nerror 8135 class 16", "error number 8135 expected, not 8134", True),
    ("an error's class", "A> SELECT 1 / 0\nerror 8134 class 15", "error severity 15 expected, not 16", True),
    ("an error's state", "A> SELECT 1 / 0\nerror 8134 class 16 state 2", "error state 2 expected, not 1", True),
    ("an error's text", "A> SELECT 1 / 0\nerror 8134 class 16 'Divide by two.'", "error text", True),
    ("an error that does not come", "A> SELECT 1 AS a\nerror 8134 class 16", "expected, not Rows", True),
    ("an error that is not expected", "A> SELECT 1 / 0\nrow 1", "expected, not Error(number=8134", True),
    ("a message", "A> PRINT 'a'\nmessage 'b'", "expected, not", True),
    ("a message that does not come", "A> SELECT 1 AS a\nrow 1\nmessage 'b'", "and nothing came", True),
    ("a result that does not come", "A> SELECT 1 AS a\nrow 1\ncolumns b\nrow 2", "and nothing came", True),
    ("a result that is not expected", "A> SELECT 1 AS a; SELECT 2 AS b\nrow 1", "nothing more expected", True),
    ("a pattern", "A> SELECT 'abc' AS a\nrow <like b*>", "<like b*> expected, not", True),
    ("an LSN of zeros", "A> SELECT 0x00000000000000000000 AS a\nrow <lsn>", "expected, not", True),
    ("a guid", "A> SELECT 'no guid' AS a\nrow <guid>", "<guid> expected, not", True),
    ("what comes at last", "@eventually\nA> SELECT 1 AS a\nrow 2", "2 expected, not 1", True),
    ("a parameter", "A> SELECT CAST(? AS int) AS a\nwith int = 5\nrow 6", "6 expected, not 5", None),
    ("a second execution", "A> SELECT CAST(? AS int) AS a\nwith int = 5\nrow 5\nagain\nwith int = 6\nrow 7",
     "7 expected, not 6", None),
    ("a login that is let in", "A= user={user} password={password}\nerror 18456 class 14", "and nothing came", True),
    ("an answer that was waited for", "A~> SELECT 1 AS a\nA<\nrow 2", "2 expected, not 1", True),
]


class Fails:
    """What every client's cases share."""

    make = None

    @classmethod
    def setUpClass(cls):
        cls.directory = private_directory("selftest")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.client = cls.make(cls.directory)
        cls.addClassCleanup(cls.client.close)

    def test_every_wrong_expectation_is_told(self):
        server = conformance_test.server()
        text = "\n".join(f"== {name}\n{wrong}" for name, wrong, _, _ in WRONG)
        text = text.replace("{user}", server.user).replace("{password}", server.password)
        run = SubjectRun(self.client, server, script.parse("selftest", text), seconds=0.1)
        self.addCleanup(run.remove)
        told = 0
        for section, (name, _, said, seen) in zip(run.subject.sections, WRONG):
            with self.subTest(name):
                result = []
                for step in section.steps:
                    try:
                        result.append(run.result(section, step))
                    except Skip as skip:
                        self.assertIsNone(seen, f"not carried out: {skip}")
                        self.assertIsInstance(self.client, Tsql)
                found = "\n".join(filter(None, result))
                if isinstance(self.client, Tsql) and not seen:
                    continue
                if isinstance(self.client, FreeTdsOdbc) and name in ("an error's class", "an error's state"):
                    continue
                self.assertNotEqual(found, "", "the wrong expectation passed")
                # tsql quotes nothing: what it tells is the same, but for the quotes.
                if not isinstance(self.client, Tsql):
                    self.assertIn(said, found)
                told += 1
        print(f"\n{self.client.name}: {told} of {len(WRONG)} wrong expectations told")


class FreeTdsFails(Fails, unittest.TestCase):
    make = staticmethod(lambda directory: conformance_test.FreeTdsClient())


class JdbcFails(Fails, unittest.TestCase):
    make = staticmethod(conformance_test.jdbc_client)


class MicrosoftFails(Fails, unittest.TestCase):
    make = staticmethod(conformance_test.microsoft_client)


class TsqlFails(Fails, unittest.TestCase):
    make = Tsql


class Form(unittest.TestCase):
    """A script that breaks its own form is refused, so that no line of it is passed over."""

    def test_what_is_no_line_of_a_script_is_refused(self):
        for text in ("A> SELECT 1", "== s\nrow 1", "== s\nA> SELECT 1\nrows 1", "== s\n@nosuch\nA> SELECT 1",
                     "== s\n@real\nA> SELECT 1", "== s\nA> SELECT 1\nerror 8134", "== s\n@eventually"):
            with self.subTest(text), self.assertRaises(script.Malformed):
                script.parse("form", text)

    def test_the_script_is_as_large_as_it_was_meant(self):
        steps = sum(len(section.steps) for subject in script.read_all() for section in subject.sections)
        self.assertGreaterEqual(steps, 250)

    def test_every_subject_is_there(self):
        self.assertEqual([path.stem for path in sorted(pathlib.Path(script.FOLDER).glob("*.txt"))],
                         ["cdc", "errors", "metadata", "parameters", "refused", "transactions", "types"])


if __name__ == "__main__":
    unittest.main()
