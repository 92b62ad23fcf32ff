#!/usr/bin/env python3
"""Checks who includes whom: the arrows between folders, where client libraries may appear, internal headers.

    tools/check_layers.py [ROOT]

The tables below are the rule; CONTRIBUTING.md says it in words. Exit code 1 and one line per violation
(file:line: what, and what is allowed) when an include breaks it.
"""

import pathlib
import re
import sys

# folder of src/ -> the folders of src/ whose headers it may include, besides its own.
SRC = {
    "base": set(),
    "model": {"base"},
    "config": {"base"},
    "telemetry": {"base"},
    "net": {"base"},
    "tds": {"base"},
    "pipeline": {"base", "model", "config", "telemetry", "net"},
    "record": {"base"},
    "registry": {"base", "config", "net", "record"},
    "debezium": {"base", "model", "config", "record"},
    "intake": {"base", "model", "config", "telemetry", "net", "pipeline", "record", "registry"},
}
LOWER = {"base", "model", "config", "telemetry", "net", "pipeline"}
CODECS = {"record", "registry", "debezium", "intake"}
# Connectors never include each other: what two of them need moves to pipeline or model.
for connector in ("sqlserver", "postgres", "kafka", "vault", "transforms"):
    SRC[connector] = LOWER | CODECS
# A protocol of one connector alone.
SRC["sqlserver"] = SRC["sqlserver"] | {"tds"}
CONNECTORS = {"sqlserver", "postgres", "kafka", "vault", "transforms"}
SRC["reconcile"] = LOWER | CODECS | CONNECTORS
SRC["worker"] = LOWER | CODECS | CONNECTORS
SRC["app"] = LOWER | CODECS | CONNECTORS | {"reconcile", "worker"}

# room of sim/ -> the rooms it may include. Of the product's folders all know base alone.
SIM = {
    "storage": set(),
    "catalog": {"storage"},
    "cdc": {"storage", "catalog"},
    "faults": {"storage", "catalog", "cdc"},
    "tsql": {"storage", "catalog", "cdc", "faults"},
    "tds": {"storage", "catalog", "cdc", "faults", "tsql"},
    "fuzz": {"storage", "catalog", "cdc", "faults", "tsql", "tds"},
}
SIM_MAIN = set(SIM)

# A header of a client library -> (folders that may include it, in .cpp files only?).
LIBRARIES = [
    (re.compile(r"^(libpq-fe|libpq/.*|pg_config.*|postgres_ext)\.h$"), {"src/postgres"}, True),
    (re.compile(r"^(sql|sqlext|sqltypes|sqlucode|odbcinst)\.h$"), {"src/sqlserver"}, True),
    (re.compile(r"^librdkafka/"), {"src/kafka"}, True),
    (re.compile(r"^httplib\.h$"), {"src/net"}, True),
    (re.compile(r"^curl/"), {"src/net"}, True),
    # The oracle of the tests, which no program includes.
    (re.compile(r"^avro(\.h$|/)"), set(), True),
    (re.compile(r"^CLI/"), {"src/app"}, True),
    (re.compile(r"^yaml-cpp/"), {"src/config"}, True),
    # SQLite is the simulator's alone, and of it the rooms that hold and translate tables.
    (re.compile(r"^sqlite3(ext)?\.h$"), {"sim/storage", "sim/catalog", "sim/cdc", "sim/tsql"}, False),
    (re.compile(r"^openssl/"), {"sim/tds", "sim/tsql", "src/debezium", "src/net", "src/tds"}, True),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = (".h", ".cpp")


def room_of(path):
    """'src/base', 'sim/tds', 'sim', 'tests', ... of a path inside the tree."""
    parts = path.parts
    if parts[0] in ("src", "sim") and len(parts) > 2:
        return f"{parts[0]}/{parts[1]}"
    return parts[0]


def target_room(name):
    """The room that an include in quotes names, or None when it names none of ours by its path."""
    parts = pathlib.PurePosixPath(name).parts
    if len(parts) < 2:
        return None
    if parts[0] == "sim":
        return f"sim/{parts[1]}" if len(parts) > 2 else "sim"
    if parts[0] == "src":
        return f"src/{parts[1]}" if len(parts) > 2 else "src"
    if parts[0] in SRC:
        return f"src/{parts[0]}"
    return None


def arrow_fault(room, target):
    """Why `room` may not include `target`, or None."""
    if room == target:
        return None
    kind, _, name = room.partition("/")
    target_kind, _, target_name = target.partition("/")
    if kind == "src":
        if target_kind != "src":
            return f"src/ never includes {target_kind}/"
        if name not in SRC:
            return f"the folder src/{name} has no place in tools/check_layers.py"
        if target_name not in SRC[name]:
            return f"{name} may include {', '.join(sorted(SRC[name])) or 'nothing'}; not {target_name}"
        return None
    if kind == "sim":
        if target_kind == "src":
            return None if target_name == "base" else "of the product's folders the simulator knows base alone"
        allowed = SIM.get(name, SIM_MAIN if name == "" else None)
        if allowed is None:
            return f"the room sim/{name} has no place in tools/check_layers.py"
        if target_name not in allowed:
            return f"sim/{name} may include {', '.join(sorted(allowed)) or 'nothing'}; not sim/{target_name}"
    return None  # tests/, bench/, tools/: may include everything.


def library_fault(path, room, name, is_test):
    for pattern, folders, sources_only in LIBRARIES:
        if not pattern.search(name):
            continue
        if room.split("/")[0] in ("tests", "bench") or is_test:
            return None
        if room not in folders and not (room == "sim" and any(f.startswith("sim/") for f in folders)):
            return f"<{name}> belongs to {', '.join(sorted(folders)) or 'tests'}"
        if sources_only and path.suffix == ".h" and not path.name.endswith("_internal.h"):
            return f"<{name}> is for .cpp files and internal headers: forward-declare in headers"
    return None


def faults_of(root, path):
    """(line, text) of every violation in one file; `path` is relative to root."""
    room = room_of(path)
    found = []
    is_test = path.stem.endswith("_test") or "testing" in path.parts
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match.group(2)
        fault = library_fault(path, room, name, is_test)
        target = target_room(name)
        if fault is None and target is not None:
            fault = arrow_fault(room, target)
            inside = room == target
            if fault is None and name.endswith("_internal.h") and not inside:
                fault = f"{name} stays in its folder"
        if fault is None and name.endswith("_internal.h") and target is None:
            # "x_internal.h" without a folder: only beside the including file.
            if not (root / path.parent / name).exists():
                fault = f"{name} stays in its folder"
        if fault is not None:
            found.append((number, f'#include "{name}": {fault}'))
    return found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    files = 0
    violations = 0
    for top in ("src", "sim", "tests", "bench"):
        for path in sorted((root / top).rglob("*")) if (root / top).is_dir() else []:
            if path.suffix not in SOURCES:
                continue
            files += 1
            relative = path.relative_to(root)
            for line, text in faults_of(root, relative):
                violations += 1
                print(f"{relative}:{line}: {text}")
    print(f"layers: {files} files, {violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
