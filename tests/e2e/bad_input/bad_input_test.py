"""Bad input: one clear message (what, where, what was expected, what to do), the code of its kind, nothing changed.

Each case says the exit code and the words that the message must hold. Both databases are compared before and after:
PostgreSQL by pg_dump, SQL Server by its objects and rows.
"""

import os
import re
import subprocess
import threading

from tests.e2e.case import EndToEnd
from tests.support import compare
from tests.support.processes import free_port, wait_until
from tests.support.simulator import run_sql

CONFIG, AUTH, UNAVAILABLE, GAP, FENCED = 2, 3, 4, 7, 9


class BadInput(EndToEnd):
    TABLES = {"dbo.item": "id int NOT NULL PRIMARY KEY, name nvarchar(50) NOT NULL"}

    def setUp(self):
        super().setUp()
        self.sql("INSERT INTO dbo.item VALUES (1, N'one'), (2, N'two')")

    def target_dump(self, *options):
        dumped = subprocess.run(
            ["/usr/lib/postgresql/15/bin/pg_dump", "-h", "127.0.0.1", "-p", str(self.postgres.port), "-U",
             self.postgres.user, *options, self.database], capture_output=True, text=True, check=True,
            env={**os.environ, "PGPASSWORD": self.postgres.password})
        # Newer pg_dumps fence their output with a random key.
        return "\n".join(line for line in dumped.stdout.splitlines() if "restrict " not in line)

    unreadable = ()  # Tables with columns of a type that the checker has no canonical form of.

    def source_state(self):
        with self.connect_source() as connection:
            objects = run_sql(connection, "SELECT s.name, o.name, o.type FROM sys.objects o "
                                          "JOIN sys.schemas s ON s.schema_id = o.schema_id ORDER BY 1, 2, 3")
            sums = [(str(table), compare.summed(compare.source_lines(connection, table)))
                    for table in compare.tracked_tables(connection) if str(table) not in self.unreadable]
        return objects, sums

    def refused(self, code, *words, command="run", seconds=60, dump_options=()):
        """The command ends with the code; its message holds the words; both databases are as they were."""
        target_before, source_before = self.target_dump(*dump_options), self.source_state()
        arguments = ["--until-caught-up"] if command == "run" else []
        done = self.pipeline.call(command, *arguments, seconds=seconds)
        said = done.stderr + done.stdout
        self.assertEqual(done.returncode, code, said)
        for word in words:
            self.assertIn(word.lower(), said.lower())
        self.assertNotIn(self.simulator.password, said)
        self.assertNotIn(self.postgres.password, said)
        self.assertEqual(self.target_dump(*dump_options), target_before)
        self.assertEqual(self.source_state(), source_before)
        return said

    # Nobody there.

    def test_unreachable_hosts(self):
        """Both at once: each takes the 30 s of the first contact."""
        good = self.pipeline
        bad_source = self.make_pipeline(name="bad_source")
        bad_source.write(source_port=free_port())
        bad_target = self.make_pipeline(name="bad_target")
        bad_target.write(target_url=f"postgresql://127.0.0.1:{free_port()}/{self.database}")
        before = self.target_dump(), self.source_state()
        ended = {}

        def call(name, pipeline):
            ended[name] = pipeline.call("run", "--until-caught-up", seconds=90)

        threads = [threading.Thread(target=call, args=arguments)
                   for arguments in [("source", bad_source), ("target", bad_target)]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for name, pipeline in [("source", bad_source), ("target", bad_target)]:
            self.assertEqual(ended[name].returncode, UNAVAILABLE, ended[name].stderr)
            self.assertIn("127.0.0.1", ended[name].stderr)
            port = pipeline.values["source_port"] if name == "source" else pipeline.values["target_url"].split(":")[2][:4]
            self.assertIn(str(port), ended[name].stderr)
        self.assertEqual((self.target_dump(), self.source_state()), before)
        self.pipeline = good

    def test_wrong_password_of_the_source(self):
        self.pipeline.environment["TAILRACE_SOURCE_PASSWORD"] = "wrong"
        self.refused(AUTH, "login", "sa")

    def test_wrong_password_of_the_target(self):
        self.pipeline.environment["TAILRACE_TARGET_PASSWORD"] = "wrong"
        self.refused(AUTH, "password", self.postgres.user)

    def test_missing_source_database(self):
        self.pipeline.write(database="nowhere")
        self.refused(CONFIG, "nowhere")

    def test_missing_target_database(self):
        self.pipeline.write(target_url=self.postgres.url("nowhere"))
        self.refused(CONFIG, "nowhere")

    # The source is not fit.

    def test_cdc_is_off(self):
        self.sql("EXEC sys.sp_cdc_disable_db")
        self.refused(CONFIG, "sp_cdc_enable_db", self.database)

    def test_missing_rights(self):
        self.sql("CREATE LOGIN weak WITH PASSWORD = 'Weak-1-password'")
        self.addCleanup(self.sql, "DROP LOGIN weak")
        self.sql("CREATE USER weak FOR LOGIN weak")
        self.pipeline.write(source_user="weak")
        self.pipeline.environment["TAILRACE_SOURCE_PASSWORD"] = "Weak-1-password"
        self.refused(CONFIG, "GRANT", "SELECT", "schema cdc")

    def test_no_capture_instance(self):
        self.sql("CREATE TABLE dbo.plain (id int NOT NULL PRIMARY KEY)")
        self.refused(CONFIG, "dbo.plain", "sp_cdc_enable_table")

    def test_table_without_a_key(self):
        self.sql("CREATE TABLE dbo.heap (v int NOT NULL)")
        self.enable("dbo.heap")
        self.refused(CONFIG, "dbo.heap", "key")

    def test_a_type_that_is_not_carried(self):
        self.sql("CREATE TABLE dbo.letters (id int NOT NULL PRIMARY KEY, body nvarchar(max))")
        self.enable("dbo.letters")
        self.sql("EXEC sp_sim_control 'clr_column', 'letters', 'body'")
        self.unreadable = ("dbo.letters",)
        self.refused(CONFIG, "dbo.letters.body", "Point", "exclude")

    def test_target_name_over_63_bytes(self):
        name = "ü" * 32
        self.sql(f"CREATE TABLE dbo.[{name}] (id int NOT NULL PRIMARY KEY)")
        self.sql(f"EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{name}', @role_name = NULL")
        self.refused(CONFIG, name, "63")

    # The configuration is wrong.

    def test_unknown_keys_and_values_all_together(self):
        text = self.pipeline.config.read_text(encoding="utf-8")
        lines = text.replace("snapshot: {", "snapshott: {").splitlines()
        lines.append("streem: { poll: 5 }")
        lines.append("errors: { on_row: sometimes }")
        self.pipeline.write(text="\n".join(lines) + "\n")
        said = self.refused(CONFIG, "snapshott", "streem", "on_row", "sometimes")
        for word in ("snapshott", "streem", "errors:"):
            number = next(n for n, line in enumerate(lines, 1) if line.startswith(word))
            self.assertRegex(said, rf"(?m)(:|line ){number}\b")

    # Each of the keys is right by itself; which of the two was meant nobody but the operator knows.
    def test_contradictory_keys_all_together(self):
        text = self.pipeline.config.read_text(encoding="utf-8")
        text = text.replace("  databases:", "  instance: SALES\n  databases:")
        text = text.replace("{ mode: require }", "{ mode: require, ca_file: /etc/ca.pem }")
        text = text.replace("include: [dbo.*]", "include: [dbo.item]\n  exclude: [dbo.item]")
        text = text.replace("stream: {", "stream: { max_value_bytes: 64MiB, commit_bytes: 1MiB,")
        self.pipeline.write(text=text)
        said = self.refused(CONFIG, "4 mistakes")
        for key, line, *words in [
                ("source.port", "  port:", "contradicts source.instance", "keep one"),
                ("source.encrypt.ca_file", "  encrypt:", "contradicts source.encrypt.mode: require", "use verify"),
                ("tables.exclude", "  exclude:", "'dbo.item' is in tables.include as well", "keep one"),
                ("stream.max_value_bytes", "stream:", "larger than stream.commit_bytes", "raise")]:
            number = next(n for n, each in enumerate(text.splitlines(), 1) if each.startswith(line))
            found = re.search(rf"{re.escape(self.pipeline.config.name)}:{number}: {re.escape(key)}: (.*)", said)
            self.assertIsNotNone(found, f"{key} in line {number}: {said}")
            for word in words:
                self.assertIn(word, found.group(1))

    # A pipeline has one position, and log positions belong to their database.
    def test_several_source_databases(self):
        with self.simulator.connect() as master:
            run_sql(master, f"CREATE DATABASE {self.database}second")
        self.pipeline.write(database=f"{self.database}, {self.database}second")
        said = self.refused(CONFIG, "names 2 databases", f"({self.database}, {self.database}second)",
                            "one file for each")
        self.assertRegex(said, rf"{re.escape(self.pipeline.config.name)}:6: source\.databases: ")

    def test_a_schema_twice(self):
        text = self.pipeline.config.read_text(encoding="utf-8")
        self.pipeline.write(text=text + "pipeline: again\n")
        self.refused(CONFIG, "pipeline")

    def test_broken_yaml(self):
        self.pipeline.write(text="pipeline: [unclosed\nsource: {\n")
        self.refused(CONFIG, self.pipeline.config.name)

    def test_a_missing_secret(self):
        del self.pipeline.environment["TAILRACE_SOURCE_PASSWORD"]
        self.refused(CONFIG, "TAILRACE_SOURCE_PASSWORD")

    def test_a_missing_file(self):
        self.pipeline.config.unlink()
        self.refused(CONFIG, self.pipeline.config.name)

    # The target is not fit.

    def test_a_target_table_of_another_shape(self):
        self.target.execute("CREATE TABLE item (id integer PRIMARY KEY, name timestamp)")
        self.refused(CONFIG, "item", "name", "timestamp")

    # A trigger would alter or drop replicated rows, and nobody would hear of it.
    def test_a_target_table_with_a_trigger(self):
        self.target.execute("CREATE TABLE item (id integer PRIMARY KEY, name varchar(50) NOT NULL)")
        self.target.execute("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        self.target.execute("CREATE TRIGGER swallow BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION f()")
        self.refused(CONFIG, "public.item", "swallow", "DISABLE TRIGGER swallow")

    # Loading beside foreign rows would make a mixture that nobody can take apart again.
    def test_a_target_table_that_holds_rows(self):
        self.target.execute("CREATE TABLE item (id integer PRIMARY KEY, name varchar(50) NOT NULL)")
        self.target.execute("INSERT INTO item VALUES (77, 'not ours')")
        self.refused(CONFIG, "item", "rows")

    # A pipeline that has run.

    def test_a_second_runner(self):
        run = self.start_streaming()
        self.flush(run)
        self.refused(FENCED, self.pipeline.values["name"], dump_options=("--exclude-schema=tailrace",))
        self.flush(run)
        self.drain(run)

    # Direct reads below the cleanup's mark give no error, only missing rows.
    def test_a_position_that_cleanup_has_overtaken(self):
        self.catch_up()
        self.sql("UPDATE dbo.item SET name = N'lost' WHERE id = 1")
        wait_until(lambda: self.sql("SELECT COUNT(*) FROM cdc.dbo_item_CT WHERE [__$operation] = 4")[0][0], 30, "capture")
        self.sql("EXEC sp_sim_control 'cleanup_now'")
        self.refused(GAP, "dbo.item", "resnapshot", dump_options=("--exclude-schema=tailrace",))

    def test_a_source_that_is_another_one(self):
        self.catch_up()
        other = f"{self.database}b"
        with self.simulator.connect() as master:
            run_sql(master, f"CREATE DATABASE {other}")
        with self.simulator.connect(other) as connection:
            for statement in ("CREATE TABLE dbo.item (id int NOT NULL PRIMARY KEY, name nvarchar(50) NOT NULL)",
                              "CREATE TABLE dbo.tick (n int NOT NULL PRIMARY KEY)", "EXEC sys.sp_cdc_enable_db",
                              "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'item', "
                              "@role_name = NULL",
                              "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'tick', "
                              "@role_name = NULL", "INSERT INTO dbo.item VALUES (5, N'stranger')"):
                run_sql(connection, statement)
        self.pipeline.write(database=other)
        self.refused(GAP, dump_options=("--exclude-schema=tailrace",))
