"""The script through FreeTDS' command tsql: one process for each connection, spoken to as a person would.

tsql shows texts alone. So it is asked for what it can show (README.md, "What a client cannot carry"), and what is expected
is written as it shows it.
"""

import os
import re
import select
import subprocess
import time

from tests.conformance.clients.common import Client, LoginFailed, NOT_TOLD
from tests.conformance.script import Affected, Error, Message, Rows
from tests.conformance.values import Plain, unquoted
from tests.support.processes import die_with_parent

BETWEEN = "\x1f"
TIMEOUT = 60
MESSAGE = re.compile(r'Msg (\d+) \(severity (\d+), state (\d+)\) from .*?Line \d+:\n\t"(.*?)"\n', re.DOTALL)
FOOTER = re.compile(r"\((\d+) rows? affected\)$")
DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):\d\d(?:\.\d+)?(?: [+-]\d\d:\d\d)?)?")
TIME = re.compile(r"(\d\d):(\d\d):\d\d(?:\.\d+)?")
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def _moment(year, month, day, hour, minute):
    return (f"{MONTHS[month - 1]} {day:2} {year} {hour % 12 or 12:2}:{minute:02}{'PM' if hour >= 12 else 'AM'}")


def shown(cell):
    """The script's cell as tsql shows it: moments to the minute, without an offset."""
    if cell.startswith("'"):
        return Plain(unquoted(cell))
    if cell.startswith("0x"):
        return cell[2:].lower()
    if match := DATE.fullmatch(cell):
        year, month, day, hour, minute = [int(part or 0) for part in match.groups()]
        return _moment(year, month, day, hour, minute)
    if match := TIME.fullmatch(cell):
        return _moment(1900, 1, 1, int(match.group(1)), int(match.group(2)))
    return {"<lsn>": "<hex>", "<moment>": "<any>"}.get(cell, cell)


class Reply:
    """What tsql printed for one batch, taken apart."""

    def __init__(self, text):
        self.outcomes = []
        place = 0
        for match in MESSAGE.finditer(text):
            self.results(text[place:match.start()])
            number, severity, state, said = match.groups()
            if int(severity) <= 10:
                self.names_alone(said)
            elif int(number) not in NOT_TOLD:
                self.outcomes.append(Error(int(number), int(severity), int(state), said))
            place = match.end()
        self.results(text[place:])

    def results(self, text):
        """Names, rows, and `(n rows affected)`; a result without rows, and PRINT, are a line of names alone."""
        lines = []
        for line in text.split("\n")[:-1] if text else []:
            match = FOOTER.fullmatch(line)
            if not match:
                lines.append(line)
                continue
            count = int(match.group(1))
            for alone in lines[:-count - 1]:
                self.names_alone(alone)
            rows = [row.split(BETWEEN) for row in lines[len(lines) - count:]]
            self.outcomes.append(Rows(self.named(lines[-count - 1]), rows))
            lines = []
        for alone in lines:
            self.names_alone(alone)

    @staticmethod
    def named(line):
        return [(name, None) for name in line.split(BETWEEN)]

    def names_alone(self, line):
        self.outcomes.append(Rows(self.named(line), []))


class TsqlConnection:
    def __init__(self, command, environment):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      env={**os.environ, **environment}, preexec_fn=die_with_parent)
        said = self.read_until(b"1> ")
        if not said.endswith("1> "):
            self.close()
            raise LoginFailed(Reply(said[said.find("Msg "):] if "Msg " in said else "").outcomes[:2])

    def read_until(self, mark):
        """Output up to the prompt, or to the end of the process."""
        out = b""
        deadline = time.monotonic() + TIMEOUT
        while not (out.endswith((b"\n" + mark, b"> " + mark, b"\r" + mark))):
            ready, _, _ = select.select([self.child.stdout], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"tsql said nothing more after {out[-400:]!r}")
            got = os.read(self.child.stdout.fileno(), 65536)
            if not got:
                break
            out += got
        return out.decode("utf-8", "replace")

    def run(self, sql, parameters=(), keep=False):
        assert not parameters and not keep
        lines = sql.split("\n")
        self.child.stdin.write((sql + "\ngo\n").encode("utf-8"))
        self.child.stdin.flush()
        said = self.read_until(b"1> ")
        prompts = "".join(f"{number}> " for number in range(2, len(lines) + 2))
        if not said.startswith(prompts) or not said.endswith("1> "):
            raise LoginFailed(Reply(said).outcomes)
        return Reply(said[len(prompts):-3]).outcomes

    def close(self):
        self.child.stdin.close()
        self.child.stdout.close()
        try:
            self.child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Tsql(Client):
    name = "tsql"

    def __init__(self, directory):
        self.directory = directory
        self.configured = 0

    def connect(self, server, user, password, database, seconds=30):
        self.configured += 1
        config = self.directory / f"tsql{self.configured}.conf"
        config.write_text(f"[server]\nhost = {server.host}\nport = {server.port}\ntds version = 7.4\n"
                          "client charset = UTF-8\ntext size = 2147483647\nencryption = require\n", encoding="utf-8")
        return TsqlConnection(["stdbuf", "-o0", "-e0", "tsql", "-S", "server", "-U", user, "-P", password, "-D", database,
                               "-t", BETWEEN], {"FREETDSCONF": str(config), "LC_ALL": "C.UTF-8"})

    def cannot(self, section, step):
        if any(other.parameters or other.kind == "again" for other in section.steps):
            return "tsql has no parameters and no prepared statements, and the section has"
        kinds = {kind for want in step.expected if isinstance(want, Rows) for _, kind in want.columns or []}
        if kinds & {"hierarchyid", "geometry", "geography"}:
            return "tsql shows no values of CLR types"
        return None

    def adapt(self, expected):
        out = []
        for want in expected:
            if isinstance(want, Rows):
                out.append(Rows(want.columns, [[shown(cell) for cell in row] for row in want.rows]))
            elif isinstance(want, Message):
                out.append(Rows([(want.text, None)], []))
            elif not isinstance(want, Affected):
                out.append(want)
        return out
