#!/usr/bin/env python3
"""Fetches the JVM parts of the tests (tools/jvm/parts.txt) by Maven into the cache; silent and quick when they are there.

    tools/jvm_parts.py                    what is missing
    tools/jvm_parts.py --where NAME       only says where a part is
    tools/jvm_parts.py --write-sums NAME  fetches a part anew and writes its tools/jvm/NAME.sha256

A part whose files differ from their checksums is an error. A part that cannot be had is said, and is none: its tests skip.
"""

import dataclasses
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent / "jvm"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tailrace" / "jvm"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
DEPENDENCY = "<dependency><groupId>{0}</groupId><artifactId>{1}</artifactId><version>{2}</version></dependency>"
PROJECT = ("<project><modelVersion>4.0.0</modelVersion><groupId>tailrace</groupId><artifactId>parts</artifactId>"
           "<version>1</version><packaging>pom</packaging><dependencies>{}</dependencies></project>")


class CannotBeHad(Exception):
    """Maven did not fetch it."""


class Differs(Exception):
    """A file is not the one that was pinned."""


@dataclasses.dataclass
class Part:
    name: str
    how: str
    artifacts: list

    @property
    def sums_path(self):
        return HERE / f"{self.name}.sha256"

    def sums(self):
        """file name -> SHA-256."""
        lines = self.sums_path.read_text(encoding="ascii").splitlines()
        return {name: digest for digest, name in (line.split() for line in lines)}

    def where(self):
        """A folder for each state of the table: work trees with other versions do not disturb each other."""
        state = " ".join([self.how, *self.artifacts]) + self.sums_path.read_text(encoding="ascii")
        return CACHE / f"{self.name}-{hashlib.sha256(state.encode()).hexdigest()[:12]}"


def parts():
    lines = (HERE / "parts.txt").read_text(encoding="ascii").splitlines()
    found = [line.split() for line in lines if line and not line.startswith("#")]
    return {words[0]: Part(words[0], words[1], words[2:]) for words in found}


def maven(folder, *words):
    try:
        # Strict: a file that differs from the repository's own checksum is no file.
        done = subprocess.run(["mvn", "-B", "-q", "--strict-checksums", *words], cwd=folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=900)
    except (FileNotFoundError, subprocess.TimeoutExpired) as failure:
        raise CannotBeHad(str(failure)) from failure
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if "ERROR" in line]
        raise CannotBeHad(errors[0] if errors else done.stderr.strip() or f"mvn ended with {done.returncode}")


def fetch(part, folder):
    """The files as they come, in folder/files."""
    files = folder / "files"
    if part.how == "archive":
        maven(folder, f"{PLUGIN}:copy", f"-Dartifact={part.artifacts[0]}", f"-DoutputDirectory={files}")
    else:
        dependencies = "".join(DEPENDENCY.format(*artifact.split(":")) for artifact in part.artifacts)
        (folder / "pom.xml").write_text(PROJECT.format(dependencies), encoding="ascii")
        maven(folder, f"{PLUGIN}:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={files}")
    return files


def digests(files):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files.iterdir())}


def install(part):
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        files = fetch(part, pathlib.Path(scratch))
        found, pinned = digests(files), part.sums()
        wrong = sorted(name for name in found.keys() | pinned.keys() if found.get(name) != pinned.get(name))
        if wrong:
            raise Differs(f"{part.name}: not the files of {part.sums_path.name}: {', '.join(wrong)}")
        if part.how == "archive":
            archive = next(files.iterdir())
            shutil.unpack_archive(archive, files)  # Its content is pinned: nothing in it leads elsewhere.
            archive.unlink()
        if part.where().exists():
            return  # Another set-up was faster.
        shutil.move(files, part.where())


def write_sums(part):
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        found = digests(fetch(part, pathlib.Path(scratch)))
    part.sums_path.write_text("".join(f"{digest}  {name}\n" for name, digest in found.items()), encoding="ascii")


def main(words):
    known = parts()
    if len(words) == 2 and words[1] in known and words[0] in ("--where", "--write-sums"):
        if words[0] == "--where":
            print(known[words[1]].where())
        else:
            write_sums(known[words[1]])
        return 0
    if words:
        print(__doc__, file=sys.stderr)
        return 2
    for part in known.values():
        if part.where().exists():
            continue
        print(f"setup: fetching {part.name} by Maven", file=sys.stderr)
        try:
            install(part)
        except CannotBeHad as failure:
            print(f"setup: {part.name} cannot be had, its tests are skipped: {failure}", file=sys.stderr)
        except Differs as failure:
            print(f"setup: {failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
