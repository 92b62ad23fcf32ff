"""`tailrace check` on databases that are prepared wrongly: it names what is wrong and nothing else, and its remedy,
carried out as it stands, makes the check pass. The table of cases is cases.py.
"""

import json

from tests.e2e.case import EndToEnd
from tests.e2e.check.cases import CASES, SERVER
from tests.support.simulator import run_sql

PASSWORD = "Reader-1-password"


class Check(EndToEnd):
    TABLES = {"dbo.item": "id int NOT NULL PRIMARY KEY, name nvarchar(50) NOT NULL"}
    ROUNDS = 8  # Of remedies: what one uncovers, the next mends.

    def setUp(self):
        super().setUp()
        self.sql("INSERT INTO dbo.item VALUES (1, N'one'), (2, N'two')")
        self.addCleanup(self.clear_server)

    def clear_server(self):
        """What belongs to the server is the next test's as well."""
        with self.simulator.connect() as master:
            for command in ("'clear'", "'agent', 'start'", "'tempdb', '1048576'", "'property', 'EngineEdition', ''",
                            "'property', 'Edition', ''", "'property', 'ProductVersion', ''"):
                run_sql(master, f"EXEC sp_sim_control {command}")
            run_sql(master, "EXEC sp_configure N'max text repl size', -1")

    # How a case is made.

    def make_login(self, case):
        self.user = f"reader{self.number}"
        with self.simulator.connect() as master:
            run_sql(master, f"CREATE LOGIN {self.user} WITH PASSWORD = '{PASSWORD}'")
            run_sql(master, f"GRANT VIEW SERVER STATE TO {self.user}")
        self.addCleanup(self.drop_login)
        for statement in ("CREATE USER {user} FOR LOGIN {user}", "GRANT SELECT ON SCHEMA::dbo TO {user}",
                          "GRANT SELECT ON SCHEMA::cdc TO {user}", "GRANT VIEW DATABASE STATE TO {user}",
                          "USE msdb; CREATE USER {user} FOR LOGIN {user}; GRANT SELECT ON dbo.cdc_jobs TO {user}; "
                          "GRANT SELECT ON dbo.sysjobactivity TO {user}", *case.login_sql):
            self.source_sql(statement.format(user=self.user))
        self.pipeline.write(source_user=self.user)
        self.pipeline.environment["TAILRACE_SOURCE_PASSWORD"] = PASSWORD

    def drop_login(self):
        with self.simulator.connect() as master:
            run_sql(master, f"USE msdb; DROP USER {self.user}")
            run_sql(master, f"DROP LOGIN {self.user}")

    def make_role(self):
        self.role = f"writer{self.number}"
        for statement in (f"CREATE ROLE {self.role} LOGIN PASSWORD '{PASSWORD}'",
                          f"GRANT CREATE ON DATABASE {self.database} TO {self.role}",
                          f"GRANT CREATE, USAGE ON SCHEMA public TO {self.role}"):
            self.target.execute(statement)
        self.pipeline.write(target_user=self.role)
        self.pipeline.environment["TAILRACE_TARGET_PASSWORD"] = PASSWORD

    def make_target(self, encoding):
        self.target.close()
        with self.postgres.connect("postgres") as connection:
            connection.execute(f"DROP DATABASE {self.database}")
            connection.execute(f"CREATE DATABASE {self.database} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        self.target = self.postgres.connect(self.database)
        self.addCleanup(self.target.close)

    def change_config(self, changes):
        text = self.pipeline.config.read_text(encoding="utf-8")
        for old, new in changes:
            old, new = (part.replace("{database}", self.database) for part in (old, new))
            self.assertIn(old, text)
            text = text.replace(old, new, 1)
        self.pipeline.config.write_text(text, encoding="utf-8")

    def make(self, case):
        if case.encoding != "UTF8":
            self.make_target(case.encoding)
        for statement in case.source:
            self.source_sql(statement)
        if case.login:
            self.make_login(case)
        if case.role:
            self.make_role()
        for statement in case.target:
            self.target.execute(statement.replace("{database}", self.database).replace("{role}", getattr(self, "role", "")))
        self.change_config(case.config)

    def source_sql(self, statement):
        """As an administrator would: in the source database, on a connection of its own."""
        with self.simulator.connect(self.database) as connection:
            run_sql(connection, statement)

    # What is said, and what is done about it.

    def check(self):
        """(fit, the findings that are not ok), and the exit code that goes with them."""
        done = self.pipeline.call("check", "--format", "json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["fit"], done.returncode == 0)
        return answer["fit"], [finding for finding in answer["findings"] if finding["level"] != "ok"]

    def mend(self, case, finding):
        """The remedy of the case's own finding, or of what that one uncovered."""
        is_own = finding["check"] == case.finding
        if is_own and case.remedy == "control":
            for statement in case.by:
                self.source_sql(statement)
        elif is_own and case.remedy == "config":
            self.change_config(case.by)
        elif finding["check"].startswith("target."):
            self.target.execute(finding["remedy"])
            if is_own:
                self.change_config(case.by)
        else:
            self.source_sql(finding["remedy"])

    def run_case(self, case):
        self.make(case)
        fit, findings = self.check()
        self.assertEqual(fit, case.level != "failure", findings)
        own = [finding for finding in findings if finding["check"] == case.finding]
        self.assertEqual([finding["level"] for finding in own], [case.level], findings)
        self.assertIn(case.subject, own[0]["subject"])
        self.assertTrue(own[0]["reason"])
        self.assertIn(case.remedy_holds, own[0]["remedy"])
        expected = {case.finding, *case.others}
        self.assertLessEqual({finding["check"] for finding in findings}, expected, findings)
        for _ in range(self.ROUNDS):
            # Each thing to mend once: the case's own first.
            findings.sort(key=lambda finding: finding["check"] != case.finding)
            self.mend(case, findings[0])
            fit, findings = self.check()
            if not findings:
                break
            self.wait_for_capture(findings)
        self.assertEqual(findings, [], "after the remedies")
        self.assertTrue(fit)

    def wait_for_capture(self, findings):
        """A capture job that was just started has not scanned yet."""
        if any(finding["check"] == "source.capture_progress" for finding in findings):
            self.sql("INSERT INTO dbo.tick VALUES (900)")
            self.sql("EXEC sp_sim_control 'scan'")

    # A base for all others: what is prepared as the documents say is found fit, with nothing to remark.
    def test_what_is_prepared_well(self):
        self.assertEqual(self.check(), (True, []))

    # The same with no more than the documented rights.
    def test_a_login_with_the_documented_rights(self):
        self.make_login(SERVER[0])
        self.assertEqual(self.check(), (True, []))

    # Round trips do not grow with the number of tables.
    def test_round_trips(self):
        def statements():
            with self.simulator.connect() as master:
                run_sql(master, "EXEC sp_sim_control 'reset_counters'")
            self.assertEqual(self.check(), (True, []))
            with self.simulator.connect() as master:
                counted = dict(run_sql(master, "EXEC sp_sim_control 'counters'"))
            return sum(counted.get(name, 0) for name in ("batches", "rpcs"))

        few = statements()
        for number in range(30):
            self.sql(f"CREATE TABLE dbo.many{number} (id int NOT NULL PRIMARY KEY, v nvarchar(20) NULL)")
            self.enable(f"dbo.many{number}")
        many = statements()
        self.note(f"a check takes {many} requests at the source, for 2 tables and for 32")
        self.assertEqual(many, few)


def add_case(case):
    def test(self):
        self.run_case(case)

    test.__doc__ = f"{case.finding}: {case.level}"
    setattr(Check, f"test_{case.name}", test)


for each in CASES:
    add_case(each)
