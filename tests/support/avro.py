"""Reads Avro exactly: what a test compares must not pass through a library's idea of a number.

A float is the text of its bits, so that -0.0 is not 0.0; bytes are bytes, whatever logical type they have. A record is a dict in the
schema's order. What is left over, a number longer than it need be, and a branch that is not there are errors: two texts that
differ are then never read as one value.

Source  Apache Avro 1.11 specification, "Binary encoding" and "Names".
"""

import json

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")


class Malformed(Exception):
    """The bytes are not what the schema says."""


class Bytes:
    """A text and how far it was read."""

    def __init__(self, text):
        self.text = text
        self.at = 0

    def take(self, length):
        if length < 0 or self.at + length > len(self.text):
            raise Malformed(f"{length} bytes at {self.at} of {len(self.text)}")
        self.at += length
        return self.text[self.at - length:self.at]

    def number(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
        if byte == 0 and shift:
            raise Malformed("a number longer than it need be")
        return (value >> 1) ^ -(value & 1)


class Codec:
    """A schema, made into functions once."""

    def __init__(self, schema):
        self.named = {}
        self.read = self._reader(schema, "")

    def decode(self, text):
        source = Bytes(text)
        value = self.read(source)
        if source.at != len(text):
            raise Malformed(f"{len(text) - source.at} bytes are left over")
        return value

    def _reader(self, schema, namespace):
        if isinstance(schema, list):
            return self._union([self._reader(branch, namespace) for branch in schema])
        if isinstance(schema, str):
            return self._primitive(schema) if schema in PRIMITIVES else self._reference(schema, namespace)
        kind = schema["type"]
        if kind == "record":
            return self._record(schema, namespace)
        if kind == "array":
            return self._array(self._reader(schema["items"], namespace))
        if isinstance(kind, str) and kind in PRIMITIVES:
            return self._primitive(kind)
        if isinstance(kind, (dict, list)):
            return self._reader(kind, namespace)
        return self._reference(kind, namespace)

    @staticmethod
    def _primitive(kind):
        if kind == "null":
            return lambda source: None
        if kind == "boolean":
            return lambda source: {0: False, 1: True}[source.take(1)[0]]
        if kind in ("int", "long"):
            return Bytes.number
        if kind in ("float", "double"):
            length = 4 if kind == "float" else 8
            return lambda source: f"{kind}:{source.take(length)[::-1].hex()}"
        if kind == "bytes":
            return lambda source: source.take(source.number())
        return lambda source: source.take(source.number()).decode("utf-8")

    @staticmethod
    def _union(branches):
        def read(source):
            branch = source.number()
            if not 0 <= branch < len(branches):
                raise Malformed(f"branch {branch} of {len(branches)}")
            return branches[branch](source)

        return read

    @staticmethod
    def _array(item):
        def read(source):
            found = []
            while count := source.number():
                if count < 0:
                    count = -count
                    source.number()  # The block's length in bytes.
                found += [item(source) for _ in range(count)]
            return found

        return read

    def _reference(self, name, namespace):
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        found = self.named if full in self.named else None
        if found is None and name in self.named:
            full, found = name, self.named
        if found is None:
            raise Malformed(f"no schema is called {full}")
        return lambda source: self.named[full](source)

    def _record(self, schema, namespace):
        namespace = schema.get("namespace", namespace)
        full = schema["name"]
        if "." in full:
            namespace = full.rpartition(".")[0]
        elif namespace:
            full = f"{namespace}.{full}"
        self.named[full] = None  # May refer to itself.
        fields = [(field["name"], self._reader(field["type"], namespace)) for field in schema["fields"]]
        self.named[full] = lambda source: {name: reader(source) for name, reader in fields}
        return self.named[full]


class Schemas:
    """What a registry knows, by Confluent's frame: each schema is asked for once."""

    def __init__(self, registry):
        self.registry = registry
        self.known = {}

    def of(self, number):
        """The schema as JSON, and its codec."""
        if number not in self.known:
            schema = json.loads(self.registry.call("GET", f"/schemas/ids/{number}")["schema"])
            self.known[number] = (schema, Codec(schema))
        return self.known[number]

    def decode(self, text):
        """A framed text: its schema, and the value."""
        if len(text) < 5 or text[0] != 0:
            raise Malformed(f"no frame of Confluent's: {text[:5].hex()}")
        schema, codec = self.of(int.from_bytes(text[1:5], "big"))
        return schema, codec.decode(text[5:])
