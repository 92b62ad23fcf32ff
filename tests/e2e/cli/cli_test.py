"""The commands as a person uses them: usage, help, answers on stdout, logs on stderr, exit codes, signals."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
import unittest

from tests.e2e.case import EndToEnd
from tests.support.processes import BUILD, ROOT, wait_until

DONE, CONFIG, DATA, GAP, ABANDONED = 0, 2, 5, 7, 130


def tailrace(*words, **options):
    return subprocess.run([str(BUILD / "tailrace"), *words], capture_output=True, text=True, timeout=30, check=False,
                          stdin=subprocess.DEVNULL, **options)


class Usage(unittest.TestCase):
    """What needs no database."""

    def refused(self, *words, says):
        done = tailrace(*words)
        self.assertEqual(done.returncode, CONFIG, done.stderr)
        self.assertEqual(done.stdout, "")
        for text in says:
            self.assertIn(text, done.stderr)

    def test_wrong_usage_ends_with_2_and_a_hint(self):
        self.refused(says=["no command given", "tailrace --help"])
        self.refused("rnu", says=["did you mean run?"])
        self.refused("run", says=["needs a configuration file"])
        self.refused("run", "a.yaml", "--takeover", says=["did you mean --take-over?", "tailrace run --help"])
        self.refused("table", "a.yaml", says=["list, add, pause, resume, resnapshot"])
        self.refused("run", "a.yaml", "--until-caught-up", "--snapshot-only", says=["exclude each other"])
        self.refused("status", "a.yaml", "--format", "xml", says=["expected text or json"])

    def test_help_names_commands_options_and_exit_codes(self):
        done = tailrace("--help")
        self.assertEqual((done.returncode, done.stderr), (DONE, ""))
        for command in ("check", "schema", "run", "status", "position", "table", "version"):
            self.assertIn(f"\n  {command} ", done.stdout)
            help_text = tailrace(command, "--help")
            self.assertEqual(help_text.returncode, DONE)
            self.assertIn(f"Usage: tailrace {command}", help_text.stdout)
            self.assertIn("Exit codes:", help_text.stdout)

    # The tables of the code rule; a document that was not written again would mislead.
    def test_documents_are_up_to_date(self):
        for name in ("configuration", "cli", "types"):
            self.assertEqual(tailrace("docs", name).stdout, (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8"))

    def test_completion_and_version(self):
        script = tailrace("completion", "bash").stdout
        checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertRegex(tailrace("version").stdout, r"^tailrace \d+\.\d+\.\d+\n$")

    def test_a_failure_is_one_json_line_where_json_is_asked_for(self):
        done = tailrace("run", "/nowhere/a.yaml", "--log-format", "json")
        self.assertEqual(done.returncode, CONFIG)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1)
        line = json.loads(lines[0])
        self.assertEqual((line["level"], line["kind"], line["exit"]), ("error", "config", CONFIG))

    # Results that cannot be written are not results.
    def test_a_full_stdout_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([str(BUILD / "tailrace"), "docs", "cli"], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 4)
        self.assertIn("stdout", done.stderr)


class Commands(EndToEnd):
    TABLES = {"dbo.item": "id int NOT NULL PRIMARY KEY, name nvarchar(50) NOT NULL"}

    def setUp(self):
        super().setUp()
        self.sql("INSERT INTO dbo.item VALUES (1, N'one'), (2, N'two'), (3, N'three')")

    def test_schema_grants(self):
        done = self.pipeline.call("schema", "--grants")
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn("GRANT SELECT ON [dbo].[item] TO", done.stdout)
        self.assertIn("GRANT USAGE, CREATE ON SCHEMA \"public\"", done.stdout)

    def test_a_table_that_the_pipeline_has_not(self):
        self.assertEqual(self.pipeline.call("table", "list").returncode, CONFIG)
        self.catch_up()
        self.assertIn("dbo.item", self.pipeline.call("table", "list").stdout)
        unknown = self.pipeline.call("table", "resnapshot", "--table", "dbo.itme")
        self.assertEqual(unknown.returncode, CONFIG)
        self.assertIn("did you mean dbo.item?", unknown.stderr)
        self.assertIn("--table", self.pipeline.call("table", "resnapshot").stderr)

    # Whoever finds a stopped pipeline asks why, hours after its log has gone.
    def test_status_says_why_a_run_ended(self):
        run = self.start_streaming()
        self.target.execute("DELETE FROM item WHERE id = 2")
        self.sql("DELETE FROM dbo.item WHERE id = 2")
        self.assertEqual(run.wait(60), DATA, run.log())
        answer = json.loads(self.pipeline.call("status", "--format", "json").stdout)
        self.assertFalse(answer["runner"]["alive"])
        self.assertIn("item", answer["last_error"])
        errors = {each["table"]: each["last_error"] for each in answer["tables"]}
        self.assertIsNone(errors["dbo.tick"])
        self.assertTrue(errors["dbo.item"], errors)

    # What the message of a gap tells people to do must work.
    def test_a_resnapshot_ends_a_gap(self):
        self.catch_up()
        self.sql("UPDATE dbo.item SET name = N'behind the gap' WHERE id = 1")
        self.sql("DELETE FROM dbo.item WHERE id = 2")
        wait_until(lambda: self.sql("SELECT COUNT(*) FROM cdc.dbo_item_CT WHERE [__$operation] = 1")[0][0], 30, "capture")
        self.sql("EXEC sp_sim_control 'cleanup_now'")
        gone = self.pipeline.call("run", "--until-caught-up")
        self.assertEqual(gone.returncode, GAP, gone.stderr)
        said = re.search(r"tailrace (table) CONFIG (resnapshot(?: --table [\w.]+)+)", gone.stderr)
        self.assertEqual(self.pipeline.call(said[1], *said[2].split()).returncode, DONE)
        self.catch_up()
        self.assert_same()

    def test_a_run_without_a_terminal_logs_plain_lines(self):
        run = self.catch_up()
        log = run.log()
        self.assertNotIn("\x1b", log)
        self.assertRegex(log, r"snapshot\.table table=dbo\.item rows=3 ")
        self.assertRegex(log, r"run\.ended .*end=caught_up")

    def test_a_second_signal_abandons(self):
        run = self.start_streaming()
        blocker = self.connect_target()
        self.addCleanup(blocker.close)
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE item IN ACCESS EXCLUSIVE MODE")
        self.sql("INSERT INTO dbo.item VALUES (9, N'waits')")
        wait_until(lambda: self.rows("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"), 30, "it waits")
        run.send(signal.SIGTERM)
        time.sleep(0.3)
        self.assertTrue(run.running(), run.log())
        run.send(signal.SIGTERM)
        self.assertEqual(run.wait(30), ABANDONED, run.log())
        blocker.execute("ROLLBACK")
        self.catch_up()
        self.assert_same()

    # The password is read at each attempt, so a run that loses its connections after a rotation comes back.
    def test_a_rotated_password_is_read_again(self):
        secret = self.directory / "secret"
        secret.write_text("Reader-1-password\n", encoding="utf-8")
        self.target.execute("CREATE ROLE rotated LOGIN SUPERUSER PASSWORD 'Reader-1-password'")
        self.addCleanup(self.target.execute, "DROP OWNED BY rotated CASCADE; DROP ROLE rotated")
        text = self.pipeline.config.read_text(encoding="utf-8")
        text = text.replace(f"user: {self.postgres.user}", "user: rotated")
        text = text.replace("${env:TAILRACE_TARGET_PASSWORD}", f"${{file:{secret}}}")
        self.pipeline.write(text=text)
        run = self.start_streaming()
        self.target.execute("ALTER ROLE rotated PASSWORD 'Reader-2-password'")
        secret.write_text("Reader-2-password\n", encoding="utf-8")
        self.target.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotated'")
        self.sql("INSERT INTO dbo.item VALUES (4, N'after the rotation')")
        self.flush(run)
        self.drain(run)

    # The block is drawn and taken away again; NO_COLOR leaves the colours out. A run may be over before the first block
    # is due, so this one streams until its block was seen.
    def test_progress_on_a_terminal(self):
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as screen:
            run = subprocess.Popen(self.pipeline.command("run"), stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                                   env={**os.environ, **self.pipeline.environment, "TERM": "xterm", "NO_COLOR": "1"})
            self.addCleanup(run.kill)
            os.close(theirs)
            shown = ""

            def read_some():
                nonlocal shown
                if select.select([screen], [], [], 1)[0]:
                    shown += screen.read(65536).decode(errors="replace")
                return "\x1b[J" in shown and shown.count("table.streaming") == 2

            wait_until(read_some, 60, "a block that is drawn again, and both tables streaming", every=0)
            run.send_signal(signal.SIGTERM)
            # A terminal whose last writer is gone answers with EIO.
            with contextlib.suppress(OSError):
                while data := screen.read(65536):
                    shown += data.decode(errors="replace")
            self.assertEqual(run.wait(30), DONE, shown)
        self.assertNotRegex(shown, "\x1b\\[[0-9;]*m")
