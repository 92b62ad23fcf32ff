"""Debezium's messages as events, and their comparison with a history, event by event."""

import collections
import dataclasses
import json
import struct

SIGNATURES = {}  # The few different ones, each once.


@dataclasses.dataclass
class Event:
    """One message of a table's topic. A tombstone has a key alone. `fields` is the row's schema, as signature() has it."""

    topic: str
    key: object
    op: str = "tombstone"
    before: object = None
    after: object = None
    source: dict = dataclasses.field(default_factory=dict)
    fields: tuple = ()

    @property
    def place(self):
        """Order of events over all tables."""
        return (self.source["commit_lsn"], self.source["change_lsn"], self.source["event_serial_no"])


def signature(fields):
    """(name, type, semantic name, parameters, optional) of every field of a struct."""
    found = tuple((field["field"], field["type"], field.get("name"), tuple(sorted(field.get("parameters", {}).items())),
                   field["optional"]) for field in fields)
    return SIGNATURES.setdefault(found, found)


def exact(image, fields):
    """Numbers as texts that tell -0.0 from 0.0; a float32 as what it is, however many digits it was written with."""
    if image is None:
        return None
    image = dict(image)
    for field in fields:
        value = image.get(field[0])
        if value is not None and field[1] in ("float", "double"):
            image[field[0]] = repr(struct.unpack("f", struct.pack("f", value))[0] if field[1] == "float" else float(value))
    return image


def decode(message):
    """Of confluent_kafka's message, converted to JSON with schemas."""
    key = json.loads(message.key())["payload"] if message.key() is not None else None
    if message.value() is None:
        return Event(message.topic(), key)
    value = json.loads(message.value())
    payload = value["payload"]
    fields = signature(next(field for field in value["schema"]["fields"] if field["field"] == "after")["fields"])
    return Event(message.topic(), key, payload["op"], exact(payload["before"], fields), exact(payload["after"], fields),
                 payload["source"], fields)


def decode_json(message):
    """Of other topics: the payloads of key and value."""
    return tuple(None if text is None else json.loads(text)["payload"] for text in (message.key(), message.value()))


def expected_fields(table):
    """What the schema of a table's row must be, without regard to order."""
    found = {(column.name, *column.schema, column.nullable) for column in table.captured}
    if table.version:
        found.add((table.version, "bytes", None, (), True))
    if table.computed:
        found.add((table.computed[0], "int32", None, (), True))
    return found


def without_tombstones(test, events):
    """Every delete is followed by the tombstone of its key, which is null where a table has none; nothing else is."""
    kept = []
    for before, event in zip([None, *events], events):
        follows = before is not None and before.op == "d"
        test.assertEqual(event.op == "tombstone", follows, f"a tombstone for each delete: {before}, {event}")
        if event.op == "tombstone":
            test.assertEqual(event.key, before.key)
        else:
            kept.append(event)
    return kept


def compare_table(test, table, events, wanted, what):
    """The events of one table, in their order; `events` without tombstones, `wanted` are history.Expected."""
    fields = expected_fields(table)
    for number, (event, want) in enumerate(zip(events, wanted)):
        place = f"{what}, {table.name}, event {number}: {event.source}"
        test.assertEqual((event.op, event.key), (want.op, want.key), place)
        test.assertEqual(event.before, exact(want.before, event.fields), f"{place}, before")
        test.assertEqual(event.after, exact(want.after, event.fields), f"{place}, after")
        test.assertEqual(set(event.fields), fields, place)
    test.assertEqual(len(events), len(wanted), f"{what}, {table.name}: events")


def compare_order(test, events, transactions, what):
    """All tables' events by their LSNs: the source's transactions, one after another, each with a commit LSN of its own."""
    events = sorted(events, key=lambda event: event.place)
    groups = collections.defaultdict(list)
    for event in events:
        groups[event.source["commit_lsn"]].append(event)
    test.assertEqual(len(groups), len(transactions), f"{what}: transactions")
    for (lsn, group), transaction in zip(groups.items(), transactions):
        got = [(event.source["schema"], event.source["table"], event.op, event.key) for event in group]
        wanted = [(want.table.schema, want.table.name, want.op, want.key) for want in transaction.events]
        test.assertEqual(got, wanted, f"{what}: the order inside of {lsn}")
        serials = {"c": 1, "d": 1, "u": 2}
        places = set()
        for event, want in zip(group, transaction.events):
            # A changed key is a delete and an insert with one LSN.
            again = event.op == "c" and event.place[1] in places
            test.assertEqual(event.source["event_serial_no"], 2 if again else serials[want.op], f"{what}: {event}")
            places.add(event.place[1])
            # Times of SQL Server are multiples of 1/300 s.
            test.assertGreaterEqual(event.source["ts_ms"], transaction.began * 1000 - 10, f"{what}: {event.source}")
            test.assertLessEqual(event.source["ts_ms"], transaction.ended * 1000 + 10, f"{what}: {event.source}")
