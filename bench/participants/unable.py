"""Why a participant cannot take part: the row of the table says it instead of figures."""

import re


class Unable(Exception):
    """`str()` is the reason, one line."""


def shortened(text, length=160):
    """The line of a program's output that says most: the first one that looks like an error, else the last."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    errors = [line for line in lines if re.search(r"mssql: |error: |fatal: |unsupported|refused", line, re.IGNORECASE)]
    line = (errors[:1] or lines or ["no output"])[-1]
    return line if len(line) <= length else line[:length - 3] + "..."


def must_end_well(process):
    if process.child.returncode != 0:
        raise Unable(f"ended with {process.child.returncode}: {shortened(process.log())}")
