"""The rules allow what their rows say, and nothing beside it: a rule that allows more would hide a difference of every run."""

import copy
import json
import struct
import unittest

from tests.e2e.debezium import columns, differences
from tests.e2e.debezium.columns import UNAVAILABLE
from tests.e2e.debezium.differences import Pair, Rules, early_moment, rows_of_document
from tests.e2e.debezium.more_tables import EARLY, WIDE
from tests.e2e.debezium.tables import ID, NUMBER, TABLES, Table, by_id
from tests.e2e.debezium.trees import JsonForm, NotCanonical, Number, Record, parse
from tests.support.avro import Bytes, Codec, Malformed

PLAIN = Table("dbo", "plain", ID, by_id, (NUMBER, columns.LARGE_TEXTS[0]))
FORM = JsonForm()


def event(op="u", before=None, after=None, headers=None, partition=0, **source):
    value = parse(json.dumps({
        "before": before, "after": after if after is not None else {"id": 1, "c_int": 2, "c_varchar_max": "x"},
        "source": {"db": "db", "schema": "dbo", "table": "plain", "snapshot": "false", "ts_ms": 5, "ts_us": 5000, "ts_ns": 5000000,
                   "commit_lsn": "a", **source},
        "op": op, "ts_ms": 7, "ts_us": 7000, "ts_ns": 7000000}))
    return Record("t", partition, {"id": Number("1")}, value, None, None, headers or [("__debezium.context.runId", b"1")])


class Allowed(unittest.TestCase):
    def left(self, theirs, ours, table=PLAIN):
        """The paths of what no rule allows, and the rules that were used."""
        rules = Rules()
        found = rules.compare(Pair(copy.deepcopy(theirs), copy.deepcopy(ours), table, FORM))
        return sorted(path for path, _, _ in found), {rule for rule, count in rules.used.items() if count}

    def test_a_difference_without_a_rule_is_left(self):
        row = {"id": 1, "c_int": 2, "c_varchar_max": "x"}
        for ours, path in ((event(after={**row, "c_int": 3}), "value.after.c_int"), (event(partition=1), "partition"),
                           (event(commit_lsn="b"), "value.source.commit_lsn"), (event(ts_ms=6, ts_us=6000), "value.source.ts_ms"),
                           (event(after=dict(reversed(row.items()))), "value.after"), (event(snapshot="first"), "value.source.snapshot"),
                           (event(op="c"), "value.op"), (event(headers=[("__debezium.context.taskId", b"1")]), "headers[0]")):
            self.assertIn(path, self.left(event(), ours)[0])

    def test_another_run_is_allowed(self):
        self.assertEqual(self.left(event(), event(headers=[("__debezium.context.runId", b"2")])), ([], {differences.RUN}))

    # What is NULL to Debezium was not changed; what is a value must be the same one.
    def test_an_unchanged_value_is_the_placeholder_for_null_alone(self):
        null, placeholder, value = ({"id": 1, "c_int": 2, "c_varchar_max": each} for each in (None, UNAVAILABLE, "y"))
        self.assertEqual(self.left(event(after=null), event(after=placeholder)), ([], {differences.UNCHANGED}))
        for theirs, ours in ((placeholder, null), (value, placeholder), (null, value)):
            self.assertEqual(self.left(event(after=theirs), event(after=ours))[0], ["value.after.c_varchar_max"])
        self.assertEqual(self.left(event(op="r", after=null), event(op="r", after=placeholder))[0], ["value.after.c_varchar_max"])

    def test_a_wide_mask_does_not_excuse_a_value(self):
        null, placeholder, value = ({"id": 1, "c_text": each} for each in (None, UNAVAILABLE, "y"))
        self.assertEqual(self.left(event(after=placeholder), event(after=null), WIDE), ([], {differences.LONG_MASK}))
        self.assertEqual(self.left(event(after=value), event(after=null), WIDE)[0], ["value.after.c_text"])

    def test_markers_differ_in_snapshots(self):
        self.assertEqual(self.left(event("r", snapshot="true"), event("r", snapshot="last")), ([], {differences.MARKER}))
        self.assertEqual(self.left(event("r", snapshot="true"), event("r", snapshot="false"))[0], ["value.source.snapshot"])

    def test_early_moments_are_wrong_by_what_the_document_says(self):
        self.assertEqual(early_moment("1970-01-01T00:00:00.5Z", "1969-12-31T23:59:59.5Z"), differences.BEFORE_1970)
        self.assertIsNone(early_moment("1970-01-01T00:00:01.5Z", "1969-12-31T23:59:59.5Z"))
        self.assertIsNone(early_moment("1970-01-01T00:00:00.5Z", "1969-12-31T23:59:59.5+01:00"))
        # The first of March of 1500 is the tenth to the Gregorian calendar.
        self.assertEqual(early_moment("1500-03-11T12:00:00Z", "1500-03-01T12:00:00Z"), differences.JULIAN)
        self.assertEqual(early_moment("0000-12-30T00:00:00Z", "0001-01-01T00:00:00Z"), differences.JULIAN)
        self.assertIsNone(early_moment("1500-03-12T12:00:00Z", "1500-03-01T12:00:00Z"))
        row = {"id": 1, "c_moment": "1500-03-12T12:00:00Z"}
        self.assertEqual(self.left(event(after=row), event(after={**row, "c_moment": "1500-03-01T12:00:00Z"}), EARLY)[0],
                         ["value.after.c_moment"])

    def test_digits_of_a_real_are_those_of_one_number(self):
        numbers = next(table for table in TABLES if table.name == "numbers")

        def after(text):
            return event(after={"id": 1, "c_real": json.loads(text, parse_float=float)})

        self.assertEqual(self.left(after("1.17549435E-38"), after("1.1754944E-38"), numbers)[1], {differences.REAL_DIGITS})
        self.assertEqual(self.left(after("1.5"), after("1.25"), numbers)[0], ["value.after.c_real"])

    def test_a_variant_is_ours_alone(self):
        table = Table("dbo", "plain", ID, by_id, (NUMBER,), unsent=("c_variant", "sql_variant"))
        row = {"id": 1, "c_int": 2}
        self.assertEqual(self.left(event(after=row), event(after={**row, "c_variant": "x"}), table), ([], {differences.SQL_VARIANT}))
        self.assertEqual(self.left(event(after={**row, "c_variant": "y"}), event(after={**row, "c_variant": "x"}), table)[0],
                         ["value.after.c_variant"])


class Exact(unittest.TestCase):
    def test_two_texts_of_one_json_are_two(self):
        self.assertEqual(FORM.decode(b'{"schema":{"a":1},"payload":{"b":1.50}}')[1]["b"], "1.50")
        for text in (b'{"schema":{"a":1},"payload":{"b": 1}}', b'{"schema":{"a":1},"payload":{"b":"\\u0041"}}'):
            with self.assertRaises(NotCanonical):
                FORM.decode(text)

    def test_avro_that_is_not_its_schema_s_is_refused(self):
        codec = Codec({"type": "record", "name": "r", "fields": [{"name": "a", "type": ["null", "float"]}]})
        self.assertEqual(codec.decode(b"\x02" + struct.pack("<f", -0.0)), {"a": "float:80000000"})
        for text in (b"\x02\x00", b"\x00\x00", b"\x04", b"\x80\x00"):
            with self.assertRaises(Malformed):
                codec.decode(text)
        self.assertEqual(Bytes(b"\x03").number(), -2)

    def test_the_document_s_rows_are_found(self):
        self.assertIn("computed columns", rows_of_document())
        self.assertIn(differences.PARTITION, rows_of_document())


if __name__ == "__main__":
    unittest.main()
