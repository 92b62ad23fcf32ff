"""The commands as an operator meets them: check, schema, run, status, position, table; results, exit codes, output."""

import json
import signal
import subprocess

from tests.e2e.case import EndToEnd
from tests.support.processes import BUILD, wait_until


class Commands(EndToEnd):
    TABLES = {"dbo.parent": "id int NOT NULL PRIMARY KEY, name nvarchar(50) NOT NULL CONSTRAINT uq_name UNIQUE",
              "dbo.child": "id int NOT NULL PRIMARY KEY, parent_id int NULL CONSTRAINT fk_child REFERENCES dbo.parent (id), "
                           "note nvarchar(max) NULL"}

    def setUp(self):
        super().setUp()
        self.sql("INSERT INTO dbo.parent VALUES (1, N'a'), (2, N'b')")
        self.sql("INSERT INTO dbo.child VALUES (1, 1, N'x'), (2, NULL, NULL)")

    def call(self, *words, code=0):
        done = self.pipeline.call(*words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_check_of_a_pipeline_that_can_run(self):
        done = self.call("check")
        self.assertNotIn("\x1b", done.stdout + done.stderr, "no colour where there is no terminal")
        answer = json.loads(self.call("check", "--format", "json").stdout)
        self.assertTrue(answer["fit"])
        self.assertTrue(answer["findings"])

    # A person who mends what `check` names must be able to paste its remedy.
    def test_check_names_what_is_missing_and_its_remedy(self):
        self.sql("CREATE TABLE dbo.plain (id int NOT NULL PRIMARY KEY)")
        answer = json.loads(self.call("check", "--format", "json", code=1).stdout)
        failures = [finding for finding in answer["findings"] if finding["level"] == "failure"]
        self.assertEqual(len(failures), 1, failures)
        self.sql(failures[0]["remedy"])
        self.call("check")

    def test_schema_prints_and_applies(self):
        printed = self.call("schema").stdout
        self.assertIn("CREATE TABLE", printed)
        self.assertEqual(self.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'"), [])
        self.call("schema", "--apply")
        self.assertEqual(self.rows("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), [(3,)])
        self.assertNotIn("CREATE TABLE", self.call("schema").stdout)
        self.catch_up()
        self.assert_same()

    def test_constraints_are_there_after_the_catch_up(self):
        run = self.start_streaming()
        wait_until(lambda: self.row("SELECT count(*) FROM pg_constraint WHERE contype IN ('f', 'u') "
                                    "AND connamespace = 'public'::regnamespace")[0] == 2, 30, "unique and foreign key")
        self.assertEqual(self.rows("SELECT DISTINCT condeferrable, condeferred, convalidated FROM pg_constraint "
                                   "WHERE contype IN ('f', 'u') AND connamespace = 'public'::regnamespace"),
                         [(True, True, True)])
        self.sql("BEGIN TRANSACTION; DELETE FROM dbo.child WHERE id = 1; DELETE FROM dbo.parent WHERE id = 1; COMMIT")
        self.flush(run)
        self.assert_same()
        self.drain(run)

    def test_snapshot_only_then_stream(self):
        run = self.start("--snapshot-only")
        self.assertEqual(run.wait(60), 0, run.log())
        self.sql("UPDATE dbo.parent SET name = N'changed' WHERE id = 1")
        self.catch_up()
        self.assert_same()

    def test_status_before_during_and_after(self):
        self.call("status", code=1)
        run = self.start_streaming()
        self.flush(run)
        status = json.loads(self.call("status", "--format", "json").stdout)
        self.assertTrue(status["runner"]["alive"])
        self.assertEqual({table["state"] for table in status["tables"]}, {"streaming"})
        self.assertIsNotNone(status["position"])
        self.drain(run)
        status = json.loads(self.call("status", "--format", "json").stdout)
        self.assertFalse(status["runner"]["alive"])
        self.assertIn(status["position"]["lsn"], self.call("position", "show").stdout)

    # The position must move on while nothing happens: else an idle database looks expired (R4d).
    def test_position_moves_on_when_idle(self):
        run = self.start_streaming()
        self.flush(run)
        before = self.row("SELECT lsn FROM tailrace.pipeline")[0]
        self.sql("EXEC sp_sim_control 'marker'")
        wait_until(lambda: self.row("SELECT lsn FROM tailrace.pipeline")[0] > before, 30, "the position moves")
        self.drain(run)

    def test_resnapshot_mends_one_table_while_the_others_go_on(self):
        run = self.start_streaming()
        self.flush(run)
        self.target.execute("UPDATE public.parent SET name = 'broken by hand' WHERE id = 2")
        self.call("table", "resnapshot", "--table", "dbo.parent")
        self.sql("INSERT INTO dbo.child VALUES (3, 2, N'meanwhile')")
        wait_until(lambda: self.row("SELECT name FROM public.parent WHERE id = 2")[0] == "b", 60, "the table is mended")
        self.wait_streaming(run)
        self.flush(run)
        self.assert_same()
        self.drain(run)

    # What a person changed in the target must stop the pipeline, not be passed over (R7c).
    def test_a_diverged_target_stops_with_5(self):
        run = self.start_streaming()
        self.flush(run)
        self.target.execute("DELETE FROM public.child WHERE id = 2")
        self.sql("UPDATE dbo.child SET note = N'no row to change' WHERE id = 2")
        self.assertEqual(run.wait(60), 5, run.log())
        self.assertIn("dbo.child", run.log())
        self.assertIn("2", run.log())

    def test_sigterm_drains_and_sigint_too(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            run = self.start_streaming()
            self.sql(f"INSERT INTO dbo.parent VALUES ({100 + number}, N'signal {number}')")
            self.flush(run)
            run.send(number)
            self.assertEqual(run.wait(30), 0, run.log())
        self.assert_same()

    def test_every_command_has_help(self):
        for words in (["--help"], ["check", "--help"], ["run", "--help"], ["schema", "--help"], ["status", "--help"],
                      ["table", "--help"], ["position", "--help"], ["version"], ["completion", "bash"]):
            done = subprocess.run([BUILD / "tailrace", *words], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, words)
            self.assertTrue(done.stdout, words)

    def test_wrong_usage_ends_with_2(self):
        for words in (["walk"], ["run"], ["run", "--fast", "x.yaml"], ["table", str(self.pipeline.config), "explode"]):
            done = subprocess.run([BUILD / "tailrace", *words], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, (words, done.stderr))
            self.assertTrue(done.stderr, words)
