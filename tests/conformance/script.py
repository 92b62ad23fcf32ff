"""Reads the conformance script: files of statements with what SQL Server answers (README.md has the format).

A file is a subject, with sections; a section has steps that are carried out in order; each step is one counted case of
each client.
"""

import dataclasses
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent / "script"
TAGS = {"eventually", "from-memory", "simulator", "real", "unordered"}
STEP = re.compile(r"^([A-Z])(~?)(>|<|=|\^)(?: (.*))?$")


class Malformed(Exception):
    """The script breaks its own form; says where."""


@dataclasses.dataclass
class Rows:
    """Columns are (name, type), or None where only the values matter; rows are lists of cells as written."""
    columns: list | None = None
    rows: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Affected:
    count: int


@dataclasses.dataclass
class Error:
    number: int
    severity: int | None
    state: int | None = None
    text: str | None = None


@dataclasses.dataclass
class Message:
    text: str


@dataclasses.dataclass
class Step:
    kind: str                   # "run", "start", "collect", "login", "close", "again"
    connection: str
    text: str
    line: int
    tags: dict
    parameters: list = dataclasses.field(default_factory=list)   # (type, literal)
    expected: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Section:
    title: str
    line: int
    steps: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Subject:
    name: str
    sections: list


def cells(text):
    return [cell.strip() for cell in text.split(" | ")]


def _column(text):
    name, _, kind = text.partition(" ")
    return ("" if name == "-" else name.replace("%20", " "), kind.strip())


class _Reader:
    def __init__(self, name, text):
        self.name = name
        self.lines = text.splitlines()
        self.number = 0
        self.sections = []
        self.tags = {}
        self.step = None

    def fail(self, what):
        raise Malformed(f"{self.name}:{self.number}: {what}")

    def read(self):
        for self.number, line in enumerate(self.lines, 1):
            if line.startswith("#") or not line.strip():
                continue
            if line.startswith("== "):
                self.sections.append(Section(line[3:].strip(), self.number))
                self.step = None
            elif line.startswith("@"):
                self.read_tag(line[1:])
            elif match := STEP.match(line):
                self.begin(*match.groups())
            elif self.step is None:
                self.fail(f"not in a statement: {line}")
            elif line.startswith(" > "):
                self.step.text += "\n" + line[3:]
            else:
                self.read_detail(line)
        if self.tags:
            self.fail("a tag without a statement")
        return Subject(self.name, self.sections)

    def read_tag(self, text):
        tag, _, reason = text.partition(" ")
        if tag not in TAGS:
            self.fail(f"no such tag: {tag}")
        if tag in ("simulator", "real", "from-memory") and not reason:
            self.fail(f"@{tag} wants its reason")
        self.tags[tag] = reason

    def add(self, kind, connection, text):
        if not self.sections:
            self.fail("a statement outside of a section")
        self.step = Step(kind, connection, text, self.number, self.tags)
        self.tags = {}
        self.sections[-1].steps.append(self.step)

    def begin(self, connection, started, mark, text):
        kind = {">": "start" if started else "run", "<": "collect", "=": "login", "^": "close"}[mark]
        self.add(kind, connection, text or "")

    def read_detail(self, line):
        word, _, rest = line.partition(" ")
        expected = self.step.expected
        if word == "with":
            kind, _, literal = rest.partition(" = ")
            self.step.parameters.append((kind.strip(), literal.strip()))
        elif word == "again":
            self.add("again", self.step.connection, self.step.text)
        elif word == "columns":
            expected.append(Rows([_column(cell) for cell in cells(rest)]))
        elif word == "row":
            if not expected or not isinstance(expected[-1], Rows):
                expected.append(Rows())
            expected[-1].rows.append(cells(rest))
        elif line == "no rows":
            if not expected or not isinstance(expected[-1], Rows) or expected[-1].rows:
                expected.append(Rows())
        elif word == "affected":
            expected.append(Affected(int(rest)))
        elif word == "error":
            expected.append(self.read_error(rest))
        elif word == "message":
            expected.append(Message(rest[1:-1].replace("''", "'")))
        else:
            self.fail(f"no such line: {line}")

    def read_error(self, rest):
        match = re.fullmatch(r"(\d+) class (\d+|\*)(?: state (\d+))?(?: '(.*)')?", rest)
        if not match:
            self.fail(f"error NUMBER class C [state S] ['text']: {rest}")
        number, severity, state, text = match.groups()
        return Error(int(number), None if severity == "*" else int(severity), int(state) if state else None,
                     text.replace("''", "'") if text else None)


def parse(name, text):
    return _Reader(name, text).read()


def read_all(folder=FOLDER):
    return [parse(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.txt"))]


def is_prepared(section, index):
    """Whether the step's statement is executed again, so that it is prepared and kept."""
    return index + 1 < len(section.steps) and section.steps[index + 1].kind == "again"
