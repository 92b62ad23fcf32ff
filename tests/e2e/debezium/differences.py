"""What tailrace's records may differ in from a real Debezium's: one rule for each row of docs/debezium-compatibility.md that shows.

A rule is called as the row's first cell is, word for word; tables of the document and rules are held against each other, so that
neither can say more than the other. A rule takes out of two records what its row allows, and no more: what it finds to be other
than the row says stays in, and fails the test. `used` counts how often each had something to do.
"""

import base64
import collections
import copy
import dataclasses
import datetime
import re
import struct

from tests.e2e.debezium.columns import UNAVAILABLE
from tests.e2e.debezium.more_tables import FILTERED
from tests.e2e.debezium.trees import Number, differences
from tests.support.processes import ROOT

DOCUMENT = ROOT / "docs" / "debezium-compatibility.md"
MARKERS = ("first", "first_in_data_collection", "true", "last_in_data_collection", "last")
MOST_MASKED = 8  # Captured columns of a table of which Debezium reads the update mask rightly.
RUN_ID = "__debezium.context.runId"

# The rules, as the document's rows are called.
SQL_VARIANT = "`sql_variant`"
COMPUTED = "computed columns"
FILTERED_INDEX = "a filtered unique index, where it is the first one and there is no primary key"
UNCHANGED = "unchanged `varchar(max)`, `nvarchar(max)`, `varbinary(max)`, `geometry`, `geography` in an update"
LONG_MASK = "more than eight captured columns and an unchanged large value"
JULIAN = "`datetimeoffset` before 1582-10-15"
BEFORE_1970 = "`datetimeoffset` before 1970 with a fraction of a second"
REAL_DIGITS = "digits of `real` in JSON"
MARKER = "`snapshot` of the source block: `first`, `last` and their like"
END_TIME = "END's `ts_ms`"
END_ORDER = "END's `data_collections`"
END_SENT = "when END is sent"
DATE_DEFAULT = "defaults of dates and times"
CLOCK = "`ts_ms`, `ts_us`, `ts_ns` of an event"
SNAPSHOT_TIME = "the time in the source block of a snapshot's rows"
RUN = "the header `__debezium.context.runId`"
PARTITION = "the partition of a record without a key"
RULES = (SQL_VARIANT, COMPUTED, FILTERED_INDEX, UNCHANGED, LONG_MASK, JULIAN, BEFORE_1970, REAL_DIGITS, MARKER, END_TIME,
         END_ORDER, END_SENT, DATE_DEFAULT, CLOCK, SNAPSHOT_TIME, RUN, PARTITION)
# Shown when Debezium takes its time, and where the tables' orders differ, as in same_modes_test.
BY_CHANCE = (END_SENT, MARKER)

# Rows of the document that the main run's settings make equal, or that its history cannot show: each with the setting, or the reason.
SETTINGS = {
    "no `topic.prefix`": "topic_prefix: as Debezium's topic.prefix",
    "`geometry`, `geography`": "objects: raw",
    "`hierarchyid`": "objects: raw",
    "NULL in a column with a default": "nulls: replace_by_default",
}
NOT_SHOWN = {
    "`datetime2(7)` beyond 1677 to 2262 in nanoseconds": "an error of the row stops tailrace: recording_test and encoder_test have it",
    "NULL in an old `text`, `ntext`, `image` before a change": "the same on both sides",
    "`time.precision.mode` structured": "not built",
    "`event.converting.failure.handling.mode` skip": "both run with a mode that tells of a loss",
    "`event.processing.failure.handling.mode` warn, skip": "no event of this history fails",
    "a table's new default": "the history changes no default",
    "a text that would be cut inside of a character above U+FFFF": "no column is cut: recording_test has these",
    "a column that several of mask, hash, truncation and source type name": "no column is masked: recording_test has these",
    "regular expressions": "no column is named by one: column_rules_test has them",
    "`geometry`, `geography`, `hierarchyid` under a mask": "no column is masked: recording_test has these",
    "schema changes: off unless `schema_changes: true`": "events_test has the topic of schema changes",
    "schema changes of a table that is altered while the pipeline runs": "events_test has the topic of schema changes",
    "`source` of an ALTER": "events_test has the topic of schema changes",
    "`snapshot.mode` always": "snapshot_modes_test has the modes",
    "`snapshot.mode` initial_only": "snapshot_modes_test has the modes",
    "`snapshot.mode` when_needed_no_data, configuration_based, custom": "not built",
    "marks of incremental snapshots": "signals_test has incremental snapshots",
    "an incremental snapshot's rows: `change_lsn`, `event_serial_no`": "signals_test has incremental snapshots",
    "chunks": "signals_test has incremental snapshots",
    "`execute-snapshot` of type blocking, `surrogate-key`": "not built",
    "signals by JMX and files, `schema-changes`": "not built",
    "places in the signal topic": "signals_test has signals",
    'notifications: "Initial Snapshot" IN_PROGRESS; `maximum_key` of the incremental one\'s; TABLE_SCAN_COMPLETED of an empty table in a first snapshot': "signals_test has notifications",
    "notifications: when": "signals_test has notifications",
}


@dataclasses.dataclass
class Pair:
    """Two records of one event."""

    theirs: object
    ours: object
    table: object
    form: object

    def images(self):
        for image in ("before", "after"):
            if self.theirs.value[image] is not None and self.ours.value[image] is not None:
                yield self.theirs.value[image], self.ours.value[image]

    @property
    def is_snapshot(self):
        return self.theirs.value is not None and self.theirs.value["op"] == "r"


class Rules:
    """The rules of one comparison, and how often each was used."""

    def __init__(self):
        self.used = collections.Counter()
        self.schemas = {}  # Pairs of schemas that were compared -> what is left of their differences.

    def compare(self, pair):
        """(path, theirs, ours) of whatever no rule allows."""
        found = []
        self._keys(pair)
        self._headers(pair)
        if pair.theirs.value is not None and pair.ours.value is not None:
            self._clocks(pair)
            self._marker(pair)
            self._columns(pair)
        for name in ("key", "value", "headers"):
            found += differences(getattr(pair.theirs, name), getattr(pair.ours, name), name)
        for name in ("key_schema", "value_schema"):
            found += self._schemas(pair, getattr(pair.theirs, name), getattr(pair.ours, name), name)
        if pair.theirs.key is not None or pair.ours.key is not None:
            found += differences(pair.theirs.partition, pair.ours.partition, "partition")
        elif pair.theirs.partition != pair.ours.partition:
            self.used[PARTITION] += 1
        return found

    # The whole record.

    def _keys(self, pair):
        if pair.table is FILTERED and pair.ours.key is None and pair.theirs.key is not None:
            pair.theirs = dataclasses.replace(pair.theirs, key=None, key_schema=None)
            self.used[FILTERED_INDEX] += 1

    def _headers(self, pair):
        sides = [[name for name, _ in record.headers] for record in (pair.theirs, pair.ours)]
        if sides[0] != sides[1] or pair.theirs.headers == pair.ours.headers:
            return
        if any(a != b and a[0] == RUN_ID for a, b in zip(pair.theirs.headers, pair.ours.headers)):
            self.used[RUN] += 1
        for record in (pair.theirs, pair.ours):
            record.headers = [(name, b"" if name == RUN_ID else text) for name, text in record.headers]

    def _clocks(self, pair):
        sources = [(CLOCK, pair.theirs.value, pair.ours.value)]
        if pair.is_snapshot:
            sources.append((SNAPSHOT_TIME, pair.theirs.value["source"],
                            pair.ours.value["source"]))
        for name, theirs, ours in sources:
            if all(is_time(block) for block in (theirs, ours)):
                self.used[name] += theirs["ts_ns"] != ours["ts_ns"]
                for block in (theirs, ours):
                    block.update(dict.fromkeys(("ts_ms", "ts_us", "ts_ns"), "a time"))

    def _marker(self, pair):
        theirs, ours = pair.theirs.value["source"], pair.ours.value["source"]
        if pair.is_snapshot and theirs["snapshot"] != ours["snapshot"] and {theirs["snapshot"], ours["snapshot"]} <= set(MARKERS):
            self.used[MARKER] += 1
            theirs["snapshot"] = ours["snapshot"]

    # Values.

    def _columns(self, pair):
        for theirs, ours in pair.images():
            for column in pair.table.columns:
                if column.name in theirs and column.name in ours:
                    self._column(pair, column, theirs, ours)
            for name in pair.table.unsent[:1]:
                if name in ours and name not in theirs:
                    ours.pop(name)
                    self.used[SQL_VARIANT] += 1
            for name in pair.table.computed[:1]:
                if name in theirs and name not in ours and (pair.is_snapshot or theirs[name] is None):
                    theirs.pop(name)
                    self.used[COMPUTED] += 1

    def _column(self, pair, column, theirs, ours):
        their, our = theirs[column.name], ours[column.name]
        if their != our and (rule := self._rule_of(pair, column, their, our)):
            self.used[rule] += 1
            theirs[column.name] = our

    @staticmethod
    def _rule_of(pair, column, their, our):
        if column.declaration == "real" and is_same_real(their, our):
            return REAL_DIGITS
        if column.declaration.startswith("datetimeoffset"):
            return early_moment(their, our)
        if not column.large or pair.is_snapshot:
            return None
        kinds = (kind_of(their), kind_of(our))
        if len(pair.table.captured) > MOST_MASKED and set(kinds) == {"NULL", "unavailable"}:
            return LONG_MASK
        return UNCHANGED if column.large in ("max", "spatial") and kinds == ("NULL", "unavailable") else None

    # Schemas.

    def _schemas(self, pair, theirs, ours, what):
        if theirs is None or ours is None:
            return differences(theirs, ours, what)
        known = (id(theirs), id(ours), pair.table.name)
        if known not in self.schemas:
            # Held, so that their ids stay theirs.
            self.schemas[known] = (theirs, ours, self._compare_schemas(pair, theirs, ours, what))
        return self.schemas[known][2]

    def _compare_schemas(self, pair, theirs, ours, what):
        if not pair.form.same_schema(ours, theirs) and what == "value_schema":
            theirs, ours = copy.deepcopy(theirs), copy.deepcopy(ours)
            self._fit_schemas(pair, theirs, ours)
        if pair.form.same_schema(ours, theirs):
            return []
        return list(schema_differences(theirs, ours, what))

    def _fit_schemas(self, pair, theirs, ours):
        their_rows, name = pair.form.rows(theirs)
        our_rows, _ = pair.form.rows(ours)
        dates = {column.name for column in pair.table.columns if column.name.startswith("c_odd_default")}
        for their_fields, our_fields in zip(their_rows, our_rows):
            sent = {field[name] for field in their_fields}
            held = {field[name] for field in our_fields}
            for field in list(our_fields):
                if field[name] in pair.table.unsent[:1] and field[name] not in sent:
                    our_fields.remove(field)
            for field in list(their_fields):
                if field[name] not in held and field[name] in pair.table.computed[:1]:
                    their_fields.remove(field)
            for their, our in zip(their_fields, our_fields):
                if their[name] == our[name] and their[name] in dates and without_default(their) == without_default(our):
                    self.used[DATE_DEFAULT] += 1
                    their.clear()
                    their.update(our)


def is_time(block):
    return int(block["ts_ms"]) > 0 and int(block["ts_us"]) // 1000 == int(block["ts_ms"]) == int(block["ts_ns"]) // 10**6


def kind_of(value):
    if value is None:
        return "NULL"
    unavailable = UNAVAILABLE.encode()
    forms = (UNAVAILABLE, unavailable, base64.b64encode(unavailable).decode(), unavailable.hex())
    return "unavailable" if value in forms else "a value"


def is_same_real(theirs, ours):
    def bits(value):
        return struct.pack("f", float(value))

    return isinstance(theirs, Number) and isinstance(ours, Number) and bits(theirs) == bits(ours)


def early_moment(theirs, ours):
    """The rule by which two texts of a datetimeoffset differ, if one does."""
    if not isinstance(theirs, str) or not isinstance(ours, str):
        return None
    if theirs[-6:] != ours[-6:] and not (theirs.endswith("Z") and ours.endswith("Z")):
        return None
    if fraction_of(theirs) != fraction_of(ours):
        return None
    apart = seconds_of(theirs) - seconds_of(ours)
    late = 1 if fraction_of(ours) else 0
    if ours < "1582-10-15" and apart == julian_shift(ours) * 86400 + late:
        return JULIAN  # And with a fraction both rows.
    return BEFORE_1970 if ours < "1970-01-02" and late and apart == 1 else None


def days_of(text):
    """Days of the proleptic Gregorian calendar; years before the first one, too."""
    year, month, day = (int(word) for word in re.match(r"(-?\d+)-(\d\d)-(\d\d)", text).groups())
    cycles = 0
    while year < 1:
        year, cycles = year + 400, cycles - 1
    return datetime.date(year, month, day).toordinal() + cycles * 146097


def julian_shift(text):
    """By how many days a day of the Julian calendar, named by these numbers, is another than that of the Gregorian one."""
    year, month = int(text[:4]), int(text[5:7])
    year -= month < 3
    return year // 4 - (year // 4 - year // 100 + year // 400) - 2


def fraction_of(text):
    found = re.search(r"\.\d+", text)
    return found.group() if found else ""


def seconds_of(text):
    return days_of(text) * 86400 + sum(int(text[at:at + 2]) * unit for at, unit in ((11, 3600), (14, 60), (17, 1)))


def without_default(field):
    """A field of either form; its type may have the default as well."""
    if not isinstance(field, dict):
        return [without_default(each) for each in field] if isinstance(field, list) else field
    return {name: without_default(value) for name, value in field.items() if name not in ("default", "connect.default")}


def schema_differences(theirs, ours, path):
    """Where two schemas differ: the paths of trees, without regard to the order of names where only that differs."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in {**theirs, **ours}:
            if name not in theirs or name not in ours:
                yield f"{path}.{name}", theirs.get(name, "absent"), ours.get(name, "absent")
            else:
                yield from schema_differences(theirs[name], ours[name], f"{path}.{name}")
        if list(theirs) != list(ours):
            yield f"{path}: order", list(theirs), list(ours)
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for number, (their, our) in enumerate(zip(theirs, ours)):
            yield from schema_differences(their, our, f"{path}[{number}]")
    elif theirs != ours:
        yield path, theirs, ours


def rows_of_document():
    """The first cells of the tables of `What differs` and `What no two runs share`."""
    found = []
    for part in DOCUMENT.read_text(encoding="utf-8").split("\n## ")[1:]:
        if part.startswith(("What differs", "What no two runs share")):
            lines = [line for line in part.splitlines() if line.startswith("|")]
            found += [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]]
    return found
