"""Compares what a client got with what the script expects: outcomes in order, cells with patterns, types.

A client answers with the script's own classes (Rows, Affected, Error, Message); its cells are written as the script writes
them: 'text' in quotes, 0xHEX, NULL, numbers and moments bare.
"""

import fnmatch
import re
import struct

from tests.conformance.script import Affected, Error, Message, Rows

LSN = re.compile(r"0x[0-9A-F]{20}")
GUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
FLOATS = {"float", "real"}


class Plain(str):
    """A cell that is compared as the text it is: no pattern, no quotes."""


def unquoted(cell):
    return cell[1:-1].replace("''", "'") if cell.startswith("'") else cell


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def _pattern(cell, value):
    """Whether the value is what <...> stands for."""
    bare = unquoted(value)
    if cell == "<any>":
        return value != "NULL"
    if cell == "<lsn>":
        return bool(LSN.fullmatch(value)) and value.strip("0x") != ""
    if cell == "<hex>":
        return bool(re.fullmatch(r"(?!0+$)[0-9a-f]{20}", value))
    if cell == "<guid>":
        return bool(GUID.fullmatch(bare.upper()))
    if cell == "<int>":
        return bool(re.fullmatch(r"-?\d+", bare))
    if cell == "<positive>":
        return bool(re.fullmatch(r"\d+", bare)) and int(bare) > 0
    if cell == "<moment>":
        return bool(re.match(r"\d{4}-\d\d-\d\d", bare))
    if match := re.fullmatch(r"<like (.*)>", cell):
        return fnmatch.fnmatchcase(bare, match.group(1))
    raise ValueError(f"no such pattern: {cell}")


def _number(text, kind):
    value = float(text)
    return struct.unpack("f", struct.pack("f", value))[0] if kind == "real" else value


def same_cell(cell, value, kind=None):
    if cell.startswith("<") and not isinstance(cell, Plain):
        return _pattern(cell, value)
    if cell == value:
        return True
    if (kind or "").split(" ")[0] in FLOATS and "NULL" not in (cell, value):
        try:
            return _number(cell, kind) == _number(value, kind)
        except ValueError:
            return False
    return False


def _sorted(rows):
    return sorted(rows, key=repr)


def _rows_difference(expected, got, unordered):
    if expected.columns is not None and got.columns is not None:
        names = [name for name, _ in expected.columns]
        if names != [name for name, _ in got.columns]:
            return f"columns {names} expected, not {[name for name, _ in got.columns]}"
        for (name, kind), (_, found) in zip(expected.columns, got.columns):
            if kind and found is not None and kind != found:
                return f"column {name!r} is {kind}, not {found}"
    if len(expected.rows) != len(got.rows):
        return f"{len(expected.rows)} rows expected, not {len(got.rows)}: {got.rows[:5]}"
    kinds = [kind for _, kind in expected.columns or got.columns or []]
    wanted, had = (_sorted(expected.rows), _sorted(got.rows)) if unordered else (expected.rows, got.rows)
    for number, (row, found) in enumerate(zip(wanted, had), 1):
        if len(row) != len(found):
            return f"row {number} has {len(row)} cells, not {len(found)}: {found}"
        for place, (cell, value) in enumerate(zip(row, found)):
            if not same_cell(cell, value, kinds[place] if place < len(kinds) else None):
                return f"row {number}, cell {place + 1}: {cell} expected, not {value}"
    return None


def _error_difference(expected, got):
    for what in ("number", "severity", "state"):
        wanted, found = getattr(expected, what), getattr(got, what)
        if wanted is not None and found is not None and wanted != found:
            return f"error {what} {wanted} expected, not {found}: {got.text}"
    if expected.text is not None and not fnmatch.fnmatchcase(got.text, _glob(expected.text)):
        return f"error text {expected.text!r} expected, not {got.text!r}"
    return None


def _glob(text):
    """Only * stands for more; brackets and question marks are themselves."""
    return re.sub(r"[\[?]", lambda mark: f"[{mark.group(0)}]", text)


def difference(expected, got, unordered=False):
    """None when the outcomes are as expected, else the first difference as text."""
    for number, (want, have) in enumerate(zip(expected, got), 1):
        if type(want) is not type(have):
            return f"outcome {number}: {want} expected, not {have}"
        found = None
        if isinstance(want, Rows):
            found = _rows_difference(want, have, unordered)
        elif isinstance(want, Error):
            found = _error_difference(want, have)
        elif isinstance(want, Message) and not fnmatch.fnmatchcase(have.text, _glob(want.text)):
            found = f"message {want.text!r} expected, not {have.text!r}"
        elif isinstance(want, Affected) and want.count != have.count:
            found = f"{want.count} rows affected expected, not {have.count}"
        if found:
            return found
    if len(got) > len(expected):
        return f"nothing more expected, not {got[len(expected)]}"
    if len(expected) > len(got):
        return f"{expected[len(got)]} expected, and nothing came"
    return None
