"""Records of Kafka as trees that can be compared to the last bit: Connect's JSON, and Avro by a registry.

JSON loses nothing here: a number stays its text, the order of names is kept, and a text that is not what a tree of it would be
written as, by the rules of Jackson, is refused. Two texts of one tree are therefore the same bytes.
"""

import dataclasses
import json
import re

from tests.support.avro import Schemas


ASTRAL = re.compile("[\U00010000-\U0010FFFF]")


class Number(str):
    """A number of JSON as it was written."""


class NotCanonical(Exception):
    """A text of JSON that says the same as another one."""


@dataclasses.dataclass
class Record:
    topic: str
    partition: int
    key: object
    value: object
    key_schema: object
    value_schema: object
    headers: list

    @property
    def place(self):
        """Its event's, over all tables; None for a tombstone."""
        if self.value is None:
            return None
        source = self.value["source"]
        return tuple(text_of(source[name]) for name in ("commit_lsn", "change_lsn")) + (int(source["event_serial_no"] or 0),)


def text_of(value):
    return "" if value is None else str(value)


def parse(text):
    return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)


def write(tree):
    """As Jackson writes it."""
    if isinstance(tree, Number):
        return str(tree)
    if isinstance(tree, dict):
        return "{" + ",".join(f"{write(name)}:{write(value)}" for name, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(map(write, tree)) + "]"
    text = json.dumps(tree, ensure_ascii=False)
    return ASTRAL.sub(as_surrogates, text) if isinstance(tree, str) else text


def as_surrogates(letter):
    """What needs two units of UTF-16 is two escapes (Jackson's COMBINE_UNICODE_SURROGATES_IN_UTF8 is off unless somebody asks)."""
    units = letter.group().encode("utf-16-be")
    return "".join(f"\\u{units[at:at + 2].hex().upper()}" for at in (0, 2))


class JsonForm:
    """Connect's JSON with schemas. Of a schema there is one tree, however often it comes."""

    def __init__(self):
        self.schemas = {}

    def decode(self, text):
        if text is None:
            return None, None
        schema, found, payload = text.partition(b',"payload":')
        if not found or not schema.startswith(b'{"schema":') or not payload.endswith(b"}"):
            raise NotCanonical(text[:200])
        payload = payload[:-1].decode("utf-8")
        if schema not in self.schemas:
            self.schemas[schema] = self._exact(schema[len(b'{"schema":'):].decode("utf-8"))
        return self.schemas[schema], self._exact(payload)

    @staticmethod
    def _exact(text):
        tree = parse(text)
        again = write(tree)
        if again != text:
            at = next((number for number, (a, b) in enumerate(zip(again, text)) if a != b), min(len(again), len(text)))
            raise NotCanonical(f"at {at}: {text[max(at - 60, 0):at + 60]!r} for {again[max(at - 60, 0):at + 60]!r}")
        return tree

    @staticmethod
    def same_schema(ours, theirs):
        return write(ours) == write(theirs)

    @staticmethod
    def rows(schema):
        """The lists of fields of a row in an envelope's schema, each with the name that a field has."""
        return [field["fields"] for field in schema["fields"] if field.get("field") in ("before", "after")], "field"


class AvroForm:
    """Avro in Confluent's frame. The order of names in a schema's document is its converter's own affair: the meaning counts."""

    def __init__(self, registry):
        self.schemas = Schemas(registry)

    def decode(self, text):
        return (None, None) if text is None else self.schemas.decode(text)

    @staticmethod
    def same_schema(ours, theirs):
        return ours == theirs  # dict's equality.

    @staticmethod
    def rows(schema):
        """After refers to the record that before has defined."""
        before = next(field for field in schema["fields"] if field["name"] == "before")
        return [branch["fields"] for branch in before["type"] if isinstance(branch, dict)], "name"


def record_of(form, message):
    """Of confluent_kafka's message."""
    key_schema, key = form.decode(message.key())
    value_schema, value = form.decode(message.value())
    return Record(message.topic(), message.partition(), key, value, key_schema, value_schema,
                  [(name, bytes(text)) for name, text in message.headers() or []])


def differences(theirs, ours, path=""):
    """(path, theirs, ours) of each place where two trees differ; the order of names counts."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if list(theirs) != list(ours):
            yield path, theirs, ours
            return
        for name in theirs:
            yield from differences(theirs[name], ours[name], f"{path}.{name}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for number, (their, our) in enumerate(zip(theirs, ours)):
            yield from differences(their, our, f"{path}[{number}]")
    elif type(theirs) is not type(ours) or theirs != ours:
        yield path, theirs, ours
