"""Rights at Kafka: what `tailrace schema --grants` prints is enough, and each right that is missing is named, with what gives it."""

import unittest

from tests.e2e.kafka_errors.case import SinkErrorCase
from tests.e2e.kafka_errors.source_test import SourceErrorCase
from tests.support.kafka_rights import Rights
from tests.support.kafka_secure import USERS

USER = "carol"


def login(broker):
    return (f"security_protocol: sasl_ssl, sasl_mechanism: scram-sha-512, user: {USER}, password: '${{env:KAFKA_PASSWORD}}', "
            f"tls: {{ ca_file: {broker.certificates.path('ca.pem')} }}")


class SinkRights(SinkErrorCase):
    def setUp(self):
        super().setUp()
        self.pipeline.environment["KAFKA_PASSWORD"] = USERS[USER]
        self.edit(f"  bootstrap_servers: [{self.broker.address}]\n",
                  f"  bootstrap_servers: [{self.broker.sasl_address}]\n" + "".join(
                      f"  {line}\n" for line in (
                          "security_protocol: sasl_ssl", "sasl_mechanism: scram-sha-512", f"user: {USER}",
                          "password: ${env:KAFKA_PASSWORD}",
                          f"tls: {{ ca_file: {self.broker.certificates.path('ca.pem')} }}")))
        self.rights = Rights(self.broker, USER)
        self.addCleanup(self.rights.forget)

    def grants(self):
        done = self.pipeline.call("schema", "--grants")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    # What it prints is all that is needed: the snapshot, the stream, a restart, a table that leaves and comes back, the commands.
    def test_with_the_rights_that_are_printed_everything_runs(self):
        self.rights.grant(self.grants())
        run = self.start_streaming()
        ledger = self.ledger(41)
        self.wait_for_change(run, ledger.commit(3))
        for wanted in ("pause", "resume"):
            done = self.pipeline.call("table", wanted, "--table", "dbo.items")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            ledger.commit(2)
        self.wait_for_change(run, ledger.commit(3))
        self.drain(run)
        for words in (("check",), ("status",), ("schema",)):
            done = self.pipeline.call(*words)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.finish_again(ledger)

    # With none of them it says which one is missing first; and `check` does.
    def test_without_any_right(self):
        self.assert_ends(self.start(), 2, "--grants")
        done = self.pipeline.call("check")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("--grants", done.stdout)

    # One after the other is taken away: from who starts, and from who runs.
    def test_each_right_that_is_missing_is_named(self):
        self.rights.grant(self.grants())
        main_id = f"tailrace-{self.name}"
        ledger = self.ledger(42)
        run = self.start("--until-caught-up")
        self.assertEqual(run.wait(90), 0, run.log()[-4000:])
        for operation, kind, name in (
                ("Write", "TOPIC", self.topic), ("Describe", "TOPIC", self.topic),
                ("Write", "TOPIC", self.offsets_topic), ("Read", "TOPIC", self.offsets_topic),
                ("Describe", "TOPIC", self.offsets_topic), ("DescribeConfigs", "TOPIC", self.topic),
                ("Write", "TRANSACTIONAL_ID", main_id), ("Describe", "TRANSACTIONAL_ID", main_id)):
            with self.subTest(operation=operation, kind=kind, name=name):
                ledger.commit(2)
                with self.rights.denied(operation, kind, name):
                    said = self.assert_ends(self.start("--until-caught-up"), 2, name, f"--operation {operation}")
                    self.note(f"{operation} {kind}: {' '.join(said.split())[:300]}")
                    # Of transactional ids a client is told by trying alone.
                    if kind == "TOPIC":
                        done = self.pipeline.call("check")
                        self.assertEqual(done.returncode, 1, done.stdout)
                        self.assertIn(f"--operation {operation}", done.stdout)
        self.finish_again(ledger)

    def test_a_topic_that_may_not_be_made(self):
        self.rights.grant(self.grants())
        with self.rights.denied("Create", "TOPIC", self.topic):
            said = self.assert_ends(self.start(), 2, self.topic, "--operation Create")
            self.note(" ".join(said.split())[:300])
        self.finish_again(self.ledger(43))

    def test_rights_that_are_taken_away_while_changes_flow(self):
        self.rights.grant(self.grants())
        ledger = self.ledger(44)
        for operation, kind, name in (("Write", "TOPIC", self.topic), ("Write", "TRANSACTIONAL_ID", f"tailrace-{self.name}")):
            with self.subTest(operation=operation, kind=kind, name=name):
                run = self.start_streaming()
                self.wait_for_change(run, ledger.commit(3))
                with self.rights.denied(operation, kind, name):
                    ledger.commit(3)
                    said = self.assert_ends(run, 2, name, f"--operation {operation}")
                    self.note(f"{operation} {kind}: {' '.join(said.split())[:300]}")
        self.finish_again(ledger)


class SourceRights(SourceErrorCase):
    def setUp(self):
        super().setUp()
        self.edit(f"bootstrap_servers: ['{self.broker.address}']",
                  f"bootstrap_servers: ['{self.broker.sasl_address}'], {login(self.broker)}")
        self.rights = Rights(self.broker, USER)
        self.addCleanup(self.rights.forget)
        self.make_topic()
        self.put_rows(1, 2)
        self.group = f"tailrace-err{self.number}"

    @property
    def environment(self):
        return {**super().environment, "KAFKA_PASSWORD": USERS[USER]}

    def grants(self):
        code, said = self.call("schema", "--grants")
        self.assertEqual(code, 0, said)
        return said

    def test_with_the_rights_that_are_printed_everything_runs(self):
        self.rights.grant(self.grants())
        self.finish(1, 2)
        for command in ("check", "status"):
            code, said = self.call(command)
            self.assertEqual(code, 0, said)
        run = self.start()
        self.put_rows(3)
        self.wait_for_rows(run, 1, 2, 3)
        self.drain(run)

    def test_each_right_that_is_missing_is_named(self):
        self.rights.grant(self.grants())
        rows = [1, 2]
        for operation, kind, name in (("Read", "TOPIC", self.topic), ("Describe", "TOPIC", self.topic), ("Read", "GROUP", self.group)):
            with self.subTest(operation=operation, kind=kind, name=name):
                with self.rights.denied(operation, kind, name):
                    said = self.assert_ends(self.start(), 2, name, f"--operation {operation}")
                    self.note(f"{operation} {kind}: {' '.join(said.split())[:300]}")
                    if kind == "TOPIC":
                        code, said = self.call("check")
                        self.assertEqual(code, 1, said)
                        self.assertIn(f"--operation {operation}", said)
                self.finish(*rows)

    def test_rights_that_are_taken_away_while_records_flow(self):
        self.rights.grant(self.grants())
        for row, (operation, kind, name) in enumerate((("Read", "TOPIC", self.topic), ("Read", "GROUP", self.group)), 3):
            with self.subTest(operation=operation, kind=kind, name=name):
                run = self.start()
                self.wait_for_rows(run, *range(1, row))
                with self.rights.denied(operation, kind, name):
                    self.put_rows(row)
                    said = self.assert_ends(run, 2, name, f"--operation {operation}")
                    self.note(f"{operation} {kind}: {' '.join(said.split())[:300]}")
                self.finish(*range(1, row + 1))


if __name__ == "__main__":
    unittest.main()
