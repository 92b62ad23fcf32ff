"""Avro in Confluent's frame, read and written by the schema's document alone: what the tests judge tailrace's frames with."""

import json
import struct

FRAME = struct.Struct(">bI")


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        taken = self.data[self.at:self.at + count]
        assert len(taken) == count, f"{count} bytes at {self.at} of {len(self.data)}"
        self.at += count
        return taken

    def number(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7


def collect(schema, names):
    """The records of a schema by their names: a branch that is not taken may be the one that says what a name is."""
    if isinstance(schema, list):
        for branch in schema:
            collect(branch, names)
    elif isinstance(schema, dict):
        if schema["type"] == "record":
            names[schema["name"]] = names[f"{schema.get('namespace', '')}.{schema['name']}"] = schema
            for field in schema["fields"]:
                collect(field["type"], names)
        else:
            collect(schema["type"], names)
    return names


def read(schema, data, names):
    """The value of the schema at the reader's place. `names` are collect()'s."""
    if isinstance(schema, list):
        return read(schema[data.number()], data, names)
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind == "record":
        return {field["name"]: read(field["type"], data, names) for field in schema["fields"]}
    if isinstance(kind, (dict, list)):
        return read(kind, data, names)
    if kind in names:
        return read(names[kind], data, names)
    if kind in ("int", "long"):
        return data.number()
    if kind == "string":
        return data.take(data.number()).decode()
    if kind == "bytes":
        return data.take(data.number())
    return {"null": lambda: None, "boolean": lambda: data.take(1) != b"\0", "double": lambda: struct.unpack("<d", data.take(8))[0],
            "float": lambda: struct.unpack("<f", data.take(4))[0]}[kind]()


class Frames:
    """decode(message) of a registry's schemas, as tests.e2e.kafka.case.decode is of JSON."""

    def __init__(self, registry):
        self.registry = registry
        self.schemas = {}

    def value(self, frame):
        if frame is None:
            return None
        magic, number = FRAME.unpack(frame[:FRAME.size])
        assert magic == 0, frame
        if number not in self.schemas:
            self.schemas[number] = json.loads(self.registry.call("GET", f"/schemas/ids/{number}")["schema"])
        data = Bytes(frame[FRAME.size:])
        schema = self.schemas[number]
        value = read(schema, data, collect(schema, {}))
        assert data.at == len(data.data), f"{len(data.data) - data.at} bytes are left"
        return value

    def decode(self, message):
        return self.value(message.key()), self.value(message.value()), message.partition(), message.offset()


def number(value):
    """Avro's zigzag."""
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(value):
    return number(len(value.encode())) + value.encode()


def frame(schema_id, body):
    return FRAME.pack(0, schema_id) + body
