#!/usr/bin/env python3
"""Builds librdkafka, Kafka's client library, once into the cache; silent and quick when it is there.

    tools/librdkafka.py           builds it where it is missing
    tools/librdkafka.py --ready   exit code 0: nothing is to be done
    tools/librdkafka.py --where   only says where it is: include/ and lib/ below that; nothing where the system's will do

Debian 12's is too old (docs/decisions/015-librdkafka.md). The source comes inside a crate, which cargo fetches; what came is
the pinned archive or nothing.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

AT_LEAST = "2.10"
CRATE = "rdkafka-sys"
CRATE_VERSION = "4.10.0+2.12.1"
CRATE_SHA256 = "e234cf318915c1059d4921ef7f75616b5219b10b46e9f3a511a15eb4b56a3f77"
# Without tokens by HTTP and Kerberos, which are not offered. lz4 is its own. Threads by pthread: the thread sanitizer knows
# nothing of C11's.
CONFIGURE = ["--enable-static", "--enable-ssl", "--enable-zlib", "--enable-zstd", "--disable-lz4-ext", "--disable-curl",
             "--disable-gssapi", "--disable-syslog", "--disable-c11threads", "--disable-debug-symbols"]
PROJECT = ('[package]\nname = "librdkafka"\nversion = "0.0.0"\nedition = "2021"\n[lib]\npath = "none.rs"\n'
           '[dependencies]\n{} = {{ version = "={}", default-features = false }}\n')

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tailrace"
STATE = " ".join([CRATE_VERSION, CRATE_SHA256, *CONFIGURE])
WHERE = CACHE / f"librdkafka-{CRATE_VERSION.partition('+')[2]}-{hashlib.sha256(STATE.encode()).hexdigest()[:12]}"


class Failed(Exception):
    """A step did not do its work; the message says which and why."""


def system_has_it():
    return subprocess.run(["pkg-config", f"--atleast-version={AT_LEAST}", "rdkafka"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


def run(words, folder):
    try:
        done = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
    except FileNotFoundError as missing:
        raise Failed(f"{words[0]} is not there") from missing
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}:\n" + "\n".join(done.stdout.splitlines()[-20:]))


def fetch(scratch):
    """The unpacked source."""
    (scratch / "Cargo.toml").write_text(PROJECT.format(CRATE, CRATE_VERSION.partition("+")[0]), encoding="ascii")
    run(["cargo", "fetch", "--quiet"], scratch)
    home = pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo")
    name = f"{CRATE}-{CRATE_VERSION}"
    archives = list(home.glob(f"registry/cache/*/{name}.crate"))
    if not archives:
        raise Failed(f"cargo left no {name}.crate in {home}/registry/cache")
    for archive in archives:
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != CRATE_SHA256:
            raise Failed(f"{archive} has SHA-256 {found}, not the pinned {CRATE_SHA256}")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(scratch)  # Its content is pinned: nothing in it leads elsewhere.
    return scratch / name / "librdkafka"


def build(scratch):
    source = fetch(scratch)
    # What is asked for and missing (a compiler, zstd, OpenSSL) is an error of configure, except where it only "tries".
    run(["./configure", *CONFIGURE], source)
    if not all(f"WITH_{name} 1" in (source / "config.h").read_text(encoding="utf-8")
               for name in ("SSL", "ZLIB", "ZSTD", "SASL_SCRAM")):
        raise Failed("librdkafka was configured without TLS, SCRAM, zlib or zstd: tools/packages.txt names what it needs")
    run(["make", "-C", "src", f"-j{os.cpu_count()}", "librdkafka.a"], source)
    made = scratch / "made"
    (made / "include" / "librdkafka").mkdir(parents=True)
    (made / "lib").mkdir()
    for header in ("rdkafka.h", "rdkafka_mock.h"):
        shutil.copy(source / "src" / header, made / "include" / "librdkafka")
    shutil.copy(source / "src" / "librdkafka.a", made / "lib")
    shutil.copy(source / "LICENSES.txt", made)
    os.rename(made, WHERE)


def main(words):
    if words == ["--where"]:
        print("" if system_has_it() else WHERE)
        return 0
    if words not in ([], ["--ready"]):
        print(__doc__, file=sys.stderr)
        return 2
    ready = WHERE.exists() or system_has_it()
    if words or ready:
        return 0 if ready else 1
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "librdkafka.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if WHERE.exists():
            return 0  # Another set-up was faster.
        print(f"setup: building librdkafka {CRATE_VERSION.partition('+')[2]} (a minute or two, once)", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            try:
                build(pathlib.Path(scratch))
            except Failed as failure:
                print(f"setup: librdkafka: {failure}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
