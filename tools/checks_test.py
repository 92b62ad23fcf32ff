"""The checks find what they are for: each case plants one violation and sees it named."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check_layers  # noqa: E402  (beside this file, not in a package)
import check_text  # noqa: E402


class Layers(unittest.TestCase):
    def faults(self, path, *lines, beside=()):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
            for other in beside:
                (file.parent / other).touch()
            return [text for _, text in check_layers.faults_of(root, pathlib.Path(path))]

    def test_allows_the_arrows_of_the_design(self):
        self.assertEqual(self.faults("src/postgres/sink.h", '#include "pipeline/sink.h"', '#include "base/error.h"'), [])
        self.assertEqual(self.faults("src/app/main.cpp", '#include "postgres/sink.h"', '#include "sqlserver/a.h"'), [])
        self.assertEqual(self.faults("sim/tds/a.cpp", '#include "sim/tsql/session.h"', '#include "base/utf.h"'), [])
        self.assertEqual(self.faults("sim/main.cpp", '#include "sim/tds/server.h"'), [])

    def test_finds_a_wrong_arrow(self):
        for path, include in [("src/base/a.cpp", "model/schema.h"), ("src/model/a.h", "pipeline/sink.h"),
                              ("src/pipeline/a.cpp", "postgres/sink.h"), ("src/config/a.h", "app/commands.h"),
                              ("sim/storage/a.h", "sim/tds/server.h"), ("sim/cdc/a.cpp", "sim/tsql/session.h")]:
            with self.subTest(path=path):
                self.assertEqual(len(self.faults(path, f'#include "{include}"')), 1)

    # Two connectors that know each other cannot be replaced one by one.
    def test_finds_connectors_that_include_each_other(self):
        self.assertEqual(len(self.faults("src/postgres/a.cpp", '#include "sqlserver/types.h"')), 1)

    # A simulator that shares code with the reader shares its bugs.
    def test_finds_a_simulator_that_knows_the_product(self):
        self.assertEqual(len(self.faults("sim/tds/a.cpp", '#include "sqlserver/types.h"')), 1)
        self.assertEqual(len(self.faults("sim/tds/a.cpp", '#include "model/schema.h"')), 1)
        self.assertEqual(len(self.faults("src/sqlserver/a.cpp", '#include "sim/tds/packet.h"')), 1)

    def test_finds_a_client_library_outside_its_folder(self):
        for path, include in [("src/pipeline/a.cpp", "libpq-fe.h"), ("src/app/a.cpp", "sql.h"),
                              ("src/postgres/a.cpp", "sqlite3.h"), ("sim/storage/a.cpp", "openssl/ssl.h"),
                              ("src/base/a.cpp", "yaml-cpp/yaml.h")]:
            with self.subTest(path=path):
                self.assertEqual(len(self.faults(path, f"#include <{include}>")), 1)

    def test_finds_a_client_library_in_a_header(self):
        self.assertEqual(len(self.faults("src/postgres/a.h", "#include <libpq-fe.h>")), 1)
        self.assertEqual(self.faults("src/postgres/a.cpp", "#include <libpq-fe.h>"), [])

    def test_finds_an_internal_header_that_left_its_folder(self):
        self.assertEqual(len(self.faults("src/app/a.cpp", '#include "postgres/copy_internal.h"')), 1)
        self.assertEqual(self.faults("src/postgres/a.cpp", '#include "postgres/copy_internal.h"'), [])

    def test_finds_a_folder_without_a_place(self):
        self.assertEqual(len(self.faults("src/misc/a.cpp", '#include "base/error.h"')), 1)


class Tree(unittest.TestCase):
    def test_keeps_its_layers(self):
        root = pathlib.Path(__file__).resolve().parent.parent
        done = subprocess.run([sys.executable, root / "tools/check_layers.py"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


class Text(unittest.TestCase):
    def test_wants_a_first_line_that_says_what_the_file_is(self):
        self.assertEqual(len(check_text.faults_of("src/a.cpp", "#include <x>\n")), 1)
        self.assertEqual(check_text.faults_of("src/a.cpp", "// a: does a.\n"), [])

    def test_wants_a_reason_for_a_long_file(self):
        body = "int x;\n" * 600
        self.assertEqual(len(check_text.faults_of("src/a.cpp", "// a: does a.\n" + body)), 1)
        self.assertEqual(check_text.faults_of("src/a.cpp", "// a. Long: one table of all types.\n" + body), [])

    def test_finds_marks(self):
        self.assertEqual(len(check_text.faults_of("src/a.cpp", "// a\n// TO" + "DO later\n")), 1)
        self.assertEqual(check_text.faults_of("src/a.cpp", "// a\n// TO" + "DO(#12) later\n"), [])


if __name__ == "__main__":
    unittest.main()
