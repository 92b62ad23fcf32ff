"""What every client of the script offers, and what is common to their answers."""

import re

from tests.conformance.values import unquoted

# Terminated; database and language changed; could not be prepared: README.md, "What is no outcome".
NOT_TOLD = {3621, 5701, 5703, 8180}
INTEGERS = {"tinyint", "smallint", "int", "bigint", "bit"}


class LoginFailed(Exception):
    """A connection that was refused, with what was said."""

    def __init__(self, outcomes):
        super().__init__(str(outcomes))
        self.outcomes = outcomes


class Client:
    """connect(server, user, password, database, seconds) answers a connection with run(sql, parameters, keep), again(parameters) and close(); all answer outcomes."""

    name = "?"

    def cannot(self, section, step):
        """Why the client cannot carry this step, or None."""
        return None

    def adapt(self, expected):
        """What is expected of this client, where it cannot show all of it."""
        return expected

    @staticmethod
    def told(outcomes):
        """What the client told, without what it cannot tell apart from nothing."""
        return outcomes

    def close(self):
        """Ends what the client started."""


def parsed_parameter(kind, literal):
    """(type, size, digits, Python value) of a `with` line."""
    match = re.fullmatch(r"(\w+)(?:\((\w+)(?:,(\d+))?\))?", kind)
    name, first, second = match.groups()
    size = 0 if first in (None, "max") else int(first)
    digits = int(second or 0)
    if name in ("time", "datetime2", "datetimeoffset"):
        digits = int(first if first is not None else 7)
        size = {"time": 8, "datetime2": 19, "datetimeoffset": 26}[name] + (digits and digits + 1)
    elif name == "datetime":
        size, digits = 23, 3
    elif name == "date":
        size = 10
    elif name == "money":
        size, digits = 19, 4
    elif name == "uniqueidentifier":
        size = 36
    if literal == "NULL":
        value = None
    elif name in INTEGERS:
        value = int(literal)
    elif name in ("float", "real"):
        value = float(literal)
    elif literal.startswith("0x"):
        value = bytes.fromhex(literal[2:])
    else:
        value = unquoted(literal)
    return name, size, digits, value
