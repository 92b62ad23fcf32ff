#!/usr/bin/env python3
"""Checks what every file must be: its first line says what it is, no TODO without an issue, no overlong file unsaid.

    tools/check_text.py [ROOT]

Over 500 lines a source needs its reason in the comment at its top, marked by the word "long". Exit code 1 and one
line per violation.
"""

import pathlib
import re
import subprocess
import sys

MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))")
LIMIT_LINES = 500
LIMIT_BYTES = 2 * 1024 * 1024


def tracked(root):
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"],
                            capture_output=True, text=True, check=True)
    return sorted(set(listed.stdout.splitlines()))


def faults_of(name, text):
    """What is wrong with one file, each as (line, text)."""
    lines = text.splitlines()
    found = []
    suffix = pathlib.PurePosixPath(name).suffix
    if suffix in (".cpp", ".h"):
        if not lines or not lines[0].startswith("//"):
            found.append((1, "the first line must be a comment that says what the file is"))
        head = []
        for line in lines:
            if not line.startswith("//"):
                break
            head.append(line)
        if len(lines) > LIMIT_LINES and not name.endswith("_test.cpp") and "long" not in " ".join(head).lower():
            found.append((1, f"{len(lines)} lines: over {LIMIT_LINES} needs its reason at the top (\"Long: ...\")"))
        if suffix == ".h" and "#pragma once" not in text:
            found.append((1, "#pragma once is missing"))
    if suffix in (".cpp", ".h", ".py", ".txt", ".cmake") or name.endswith("Makefile"):
        for number, line in enumerate(lines, 1):
            if MARKS.search(line) and not name.startswith("tools/check_text"):
                found.append((number, "a mark without an issue number: " + line.strip()[:80]))
    return found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    violations = 0
    names = tracked(root)
    for name in names:
        path = root / name
        if not path.is_file():
            continue
        if path.stat().st_size > LIMIT_BYTES:
            violations += 1
            print(f"{name}: {path.stat().st_size} bytes: large data is downloaded or generated, not committed")
            continue
        for line, text in faults_of(name, path.read_text(encoding="utf-8", errors="replace")):
            violations += 1
            print(f"{name}:{line}: {text}")
    print(f"text: {len(names)} files, {violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
