#!/usr/bin/env python3
"""Runs clang-tidy 14 over the given files, as many at a time as there are cores, within a time.

Clean results are remembered in the cache folder by what the compiler would see (the preprocessed file) and the
configuration, so that an unchanged file costs its preprocessing only.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tailrace" / "tidy"
FINDING = re.compile(r": (error|warning): .*\[[a-z][\w.,-]*\]$")
SHIM = ROOT / "tools/tidy_shim.h"


def fingerprint(command):
    """The hash of the preprocessed file; None when it does not preprocess."""
    words = [word for word in shlex.split(command["command"]) if not word.endswith("ccache")]
    out = words.index("-o")
    del words[out:out + 2]
    seen = subprocess.run([*words, "-E", "-P"], cwd=command["directory"], capture_output=True, check=False)
    if seen.returncode != 0:
        return None
    digest = hashlib.sha256(seen.stdout)
    digest.update((ROOT / ".clang-tidy").read_bytes())
    return digest.hexdigest()


def tidy(file, command, deadline):
    """(file, complaint or None when clean, left out)"""
    left = deadline - time.monotonic()
    if left <= 0:
        return file, None, True
    mark = fingerprint(command)
    if mark and (CACHE / mark).exists():
        return file, None, False
    try:
        done = subprocess.run(
            ["clang-tidy-14", "--quiet", "-p", "build-debug", f"--extra-arg=-include{SHIM}", file],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=max(left, 1) + 30)
    except subprocess.TimeoutExpired:
        return file, None, True
    # What is legal C++ is g++'s to say: clang 14 does not get through all of libstdc++ 12's C++20.
    complaints = sorted({line for line in done.stdout.splitlines()
                         if FINDING.search(line) and "[clang-diagnostic-" not in line})
    if not complaints and mark:
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / mark).touch()
    return file, "\n".join(complaints).replace(f"{ROOT}/", ""), False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    commands = {entry["file"]: entry for entry in json.loads((ROOT / "build-debug/compile_commands.json").read_text())}
    deadline = time.monotonic() + options.seconds
    complaints = left_out = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        runs = [pool.submit(tidy, file, commands[str(ROOT / file)], deadline) for file in options.files
                if str(ROOT / file) in commands]
        for done in concurrent.futures.as_completed(runs):
            file, complaint, skipped = done.result()
            left_out += skipped
            if complaint:
                complaints += 1
                print(complaint, flush=True)
    print(f"tidy: {len(runs) - left_out} files, {complaints} with complaints"
          + (f"; {left_out} left out after {options.seconds:.0f} s" if left_out else ""))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
