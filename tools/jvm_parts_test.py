"""tools/jvm_parts.py with a Maven of the test's own: what is pinned is installed, once; anything else is not."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent / "jvm_parts.py"
# Writes what the test put beside it into the directory that it is asked for, and counts its calls.
MAVEN = """#!/bin/sh
here=$(dirname "$0")
echo call >>"$here/calls"
[ -e "$here/refuses" ] && { echo "[ERROR] no such artifact"; exit 1; }
for word; do case $word in -DoutputDirectory=*) out=${word#*=} ;; esac; done
mkdir -p "$out" && cp "$here"/served/* "$out"
"""


class JvmParts(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="tailrace-parts-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.tools = self.home / "tools"
        (self.tools / "jvm").mkdir(parents=True)
        self.served = self.home / "bin" / "served"
        self.served.mkdir(parents=True)
        shutil.copy(SCRIPT, self.tools)
        maven = self.home / "bin" / "mvn"
        maven.write_text(MAVEN, encoding="ascii")
        maven.chmod(0o755)
        (self.served / "a.jar").write_bytes(b"the jar")
        (self.tools / "jvm" / "parts.txt").write_text("# A table.\nthing jars g:a:1\n", encoding="ascii")
        self.pin("a.jar", b"the jar")

    def pin(self, name, content):
        line = f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        (self.tools / "jvm" / "thing.sha256").write_text(line, encoding="ascii")

    def run_script(self, *words):
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.home / "cache"),
                       "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}"}
        return subprocess.run([sys.executable, self.tools / "jvm_parts.py", *words], env=environment, capture_output=True,
                              text=True, check=False)

    def where(self):
        return pathlib.Path(self.run_script("--where", "thing").stdout.strip())

    def calls(self):
        return len((self.home / "bin" / "calls").read_text(encoding="ascii").splitlines())

    def test_a_part_is_fetched_once(self):
        self.assertEqual(self.run_script().returncode, 0)
        self.assertEqual((self.where() / "a.jar").read_bytes(), b"the jar")
        again = self.run_script()
        self.assertEqual((again.returncode, again.stderr, self.calls()), (0, "", 1))

    # Without it the tests would run what somebody else put in the artifact's place.
    def test_a_file_that_differs_is_not_installed(self):
        self.pin("a.jar", b"another jar")
        done = self.run_script()
        self.assertEqual(done.returncode, 1)
        self.assertIn("not the files of thing.sha256: a.jar", done.stderr)
        self.assertFalse(self.where().exists())

    def test_a_file_that_is_not_pinned_is_not_installed(self):
        (self.served / "b.jar").write_bytes(b"one more")
        done = self.run_script()
        self.assertEqual(done.returncode, 1)
        self.assertIn("b.jar", done.stderr)
        self.assertFalse(self.where().exists())

    def test_a_part_that_cannot_be_had_is_said_and_is_no_failure(self):
        (self.home / "bin" / "refuses").touch()
        done = self.run_script()
        self.assertEqual(done.returncode, 0)
        self.assertIn("thing cannot be had, its tests are skipped: [ERROR] no such artifact", done.stderr)
        self.assertFalse(self.where().exists())

    # Work trees with other versions would otherwise take each other's parts away.
    def test_another_version_has_another_folder(self):
        before = self.where()
        (self.tools / "jvm" / "parts.txt").write_text("thing jars g:a:2\n", encoding="ascii")
        self.assertNotEqual(self.where(), before)

    def test_an_archive_is_unpacked(self):
        (self.served / "a.jar").unlink()
        (self.home / "plugin").mkdir()
        (self.home / "plugin" / "b.jar").write_bytes(b"inside")
        archive = pathlib.Path(shutil.make_archive(self.served / "p", "gztar", self.home, "plugin"))
        (self.tools / "jvm" / "parts.txt").write_text("thing archive g:a:1:tar.gz:plugin\n", encoding="ascii")
        self.pin(archive.name, archive.read_bytes())
        self.assertEqual(self.run_script().returncode, 0)
        self.assertEqual((self.where() / "plugin" / "b.jar").read_bytes(), b"inside")
        self.assertFalse((self.where() / archive.name).exists())


if __name__ == "__main__":
    unittest.main()
