"""Logins and certificates, to the brokers and to the Schema Registry, in each way that is offered and in both spellings of the settings;
and what is said where one is wrong."""

import contextlib
import json
import unittest

from tests.e2e.kafka_errors.case import SERVERS
from tests.e2e.kafka_errors.frames import frame, number, text
from tests.e2e.kafka_errors.source_test import AVRO_KEY, AVRO_ROW, SourceErrorCase
from tests.support.kafka_rights import Rights
from tests.support.kafka_secure import USERS
from tests.support.registry_front import Front

PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule"


class BrokerLogins(SourceErrorCase):
    more = {}  # What is otherwise in the environment.

    def setUp(self):
        super().setUp()
        self.make_topic()
        self.put_rows(1, 2)
        files = self.broker.certificates
        self.ca, self.stranger = files.path("ca.pem"), files.path("stranger.pem")
        self.certificate, self.key = files.path("client.pem"), files.path("client.key")
        self.usual = f"bootstrap_servers: ['{self.broker.address}']"
        for user in (*USERS, "CN=client"):
            rights = Rights(self.broker, user)
            code, said = self.call("schema", "--grants")
            self.assertEqual(code, 0, said)
            rights.grant(said.replace("User:tailrace", f"'User:{user}'"))
            self.addCleanup(rights.forget)

    @property
    def environment(self):
        return {**super().environment, **{f"KAFKA_{user.upper()}": password for user, password in USERS.items()},
                **self.more}

    @contextlib.contextmanager
    def connected(self, address, words):
        before = self.config.read_text(encoding="utf-8")
        self.edit(self.usual, f"bootstrap_servers: ['{address}'], {words}")
        try:
            yield
        finally:
            self.config.write_text(before, encoding="utf-8")

    def login(self, mechanism, user, more=""):
        return (f"security_protocol: sasl_ssl, sasl_mechanism: {mechanism}, user: {user}, "
                f"password: '${{env:KAFKA_{user.upper()}}}', tls: {{ ca_file: {self.ca} }}{more}")

    # Each with the settings of the file's own, Kafka's names, and librdkafka's.
    def ways(self):
        sasl, mtls = self.broker.sasl_address, self.broker.mtls_address

        def jaas(module, user):
            return f"{module} required username=\"{user}\" password=\"{USERS[user]}\";"

        def properties(**values):
            return "properties: { " + ", ".join(f"{name.replace('__', '.')}: '{value}'" for name, value in values.items()) + " }"

        return {
            "plain": (sasl, self.login("plain", "alice")),
            "scram 256": (sasl, self.login("scram-sha-256", "carol")),
            "scram 512": (sasl, self.login("scram-sha-512", "carol")),
            "mtls": (mtls, f"security_protocol: ssl, tls: {{ ca_file: {self.ca}, certificate_file: {self.certificate}, "
                           f"key_file: {self.key} }}"),
            "plain, as Kafka says it": (sasl, properties(
                security__protocol="SASL_SSL", sasl__mechanism="PLAIN", sasl__jaas__config=jaas(PLAIN_LOGIN, "alice"),
                ssl__truststore__type="PEM", ssl__truststore__location=self.ca)),
            "scram, as Kafka says it": (sasl, properties(
                security__protocol="SASL_SSL", sasl__mechanism="SCRAM-SHA-512", sasl__jaas__config=jaas(SCRAM_LOGIN, "carol"),
                ssl__truststore__type="PEM", ssl__truststore__location=self.ca)),
            "scram, as librdkafka says it": (sasl, properties(
                security__protocol="sasl_ssl", sasl__mechanisms="SCRAM-SHA-256", sasl__username="carol",
                sasl__password=USERS["carol"], ssl__ca__location=self.ca)),
            "mtls, as librdkafka says it": (mtls, properties(
                security__protocol="ssl", ssl__ca__location=self.ca, ssl__certificate__location=self.certificate,
                ssl__key__location=self.key)),
        }

    def test_each_way_reads_everything(self):
        row = 2
        for way, (address, words) in self.ways().items():
            with self.subTest(way), self.connected(address, words):
                row += 1
                self.put_rows(row)
                self.finish(*range(1, row + 1))

    def test_what_is_wrong_is_said(self):
        sasl, mtls = self.broker.sasl_address, self.broker.mtls_address
        port = sasl.split(":")[1]
        cases = {
            "another password": (sasl, self.login("scram-sha-512", "carol"), 3, ["uthentication"], {"KAFKA_CAROL": "wrong-secret"}),
            "another password, plain": (sasl, self.login("plain", "alice"), 3, ["uthentication"], {"KAFKA_ALICE": "wrong-secret"}),
            "a user that is not there": (sasl, self.login("scram-sha-512", "carol").replace("user: carol", "user: nobody"), 3,
                                         ["uthentication"], {}),
            "another authority": (sasl, self.login("scram-sha-512", "carol").replace(str(self.ca), str(self.stranger)), 2,
                                  ["certificate verify failed"], {}),
            "another host name": (f"localhost:{port}", self.login("scram-sha-512", "carol"), 2, ["certificate verify failed"], {}),
            "no certificate": (mtls, f"security_protocol: ssl, tls: {{ ca_file: {self.ca} }}", 3, ["certificate", "kafka.tls.certificate_file"], {}),
            "a file that is not there": (mtls, "security_protocol: ssl, tls: { ca_file: /nowhere/ca.pem }", 2, ["/nowhere/ca.pem"], {}),
            "no TLS": (sasl, "security_protocol: plaintext", 4, [sasl], {}),
            "TLS where there is none": (self.broker.address, f"security_protocol: ssl, tls: {{ ca_file: {self.ca} }}", 4,
                                        [self.broker.address], {}),
        }
        for what, (address, words, code, said, environment) in cases.items():
            with self.subTest(what), self.connected(address, words):
                self.more = environment
                text_of_it = self.assert_ends(self.start(), code, *said)
                self.assertNotIn("wrong-secret", text_of_it)
                self.note(f"{what}: {' '.join(text_of_it.split())[:260]}")
                answer, findings = self.call("check")
                self.assertEqual(answer, 1 if "/nowhere" not in words else answer, findings)
                self.assertNotIn("wrong-secret", findings)
        self.more = {}
        self.finish(1, 2)


class RegistryLogins(SourceErrorCase):
    LOGIN = ("reader", "registry-secret")
    SECRETS = (*SourceErrorCase.SECRETS, "registry-secret", "wrong-secret")

    def setUp(self):
        self.registry = SERVERS.registry
        self.files = SERVERS.broker.certificates
        super().setUp()
        self.make_topic()
        ids = [self.registry.call("POST", f"/subjects/{self.topic}-{part}/versions", {"schema": json.dumps(schema)})["id"]
               for part, schema in (("key", AVRO_KEY), ("value", {**AVRO_ROW, "name": "Logins"}))]
        self.put(*((frame(ids[0], number(row)), frame(ids[1], number(row) + number(1) + text("x"))) for row in (1, 2)))

    def records(self):
        return "format: avro\n  schema_registry: { urls: ['http://127.0.0.1:1'] }"

    @property
    def environment(self):
        return {**super().environment, "REGISTRY_PASSWORD": self.password}

    password = LOGIN[1]

    def front(self, **options):
        made = Front(self.registry, **options)
        self.addCleanup(made.stop)
        return made

    def ask(self, url, more=""):
        before = self.config.read_text(encoding="utf-8")
        line = next(line for line in before.splitlines() if "schema_registry:" in line)
        self.edit(line, f"  schema_registry: {{ urls: ['{url}']{more} }}")

    def tls(self):
        return self.files.path("broker.pem"), self.files.path("broker.key")

    def test_each_way_reads_everything(self):
        ca = f", ca_file: {self.files.path('ca.pem')}"
        login = ", user: reader, password: '${env:REGISTRY_PASSWORD}'"
        own = f", certificate_file: {self.files.path('client.pem')}, key_file: {self.files.path('client.key')}"
        ways = {"basic": ({"login": self.LOGIN}, login), "tls": ({"tls": self.tls()}, ca),
                "tls and basic": ({"tls": self.tls(), "login": self.LOGIN}, ca + login),
                "mtls": ({"tls": self.tls(), "ca": self.files.path("ca.pem")}, ca + own)}
        for way, (options, more) in ways.items():
            with self.subTest(way):
                front = self.front(**options)
                self.ask(front.url(), more)
                self.target.execute("DROP SCHEMA IF EXISTS tailrace CASCADE")
                self.finish(1, 2)
                self.assertTrue(front.asked)

    def test_what_is_wrong_is_said(self):
        ca = f", ca_file: {self.files.path('ca.pem')}"
        login = ", user: reader, password: '${env:REGISTRY_PASSWORD}'"
        tls = self.front(tls=self.tls())
        mtls = self.front(tls=self.tls(), ca=self.files.path("ca.pem"))
        basic = self.front(login=self.LOGIN)
        page = self.front()
        page.answers = [(200, b"<html>Please log in</html>")] * 20
        away = self.front()
        away.answers = [(503, b"<html>busy</html>")] * 200
        lost = self.front()
        lost.answers = [(404, b"<html>no such page</html>")] * 20
        cases = {"no login": (basic.url(), "", 3, "refuses us"), "another password": (basic.url(), login, 3, "refuses us"),
                 "another authority": (tls.url(), f", ca_file: {self.files.path('stranger.pem')}", 2, "certificate"),
                 "another host name": (tls.url("localhost"), ca, 2, "localhost"),
                 "no certificate": (mtls.url(), ca, 3, "certificate"),
                 "a page of a proxy": (page.url(), "", 8, "none of a Schema Registry"),
                 "another path": (lost.url(), "", 8, "none of a Schema Registry"),
                 "busy": (away.url(), "", 4, "503")}
        for what, (url, more, code, said) in cases.items():
            with self.subTest(what):
                self.password = "wrong-secret"
                self.ask(url, more)
                text_of_it = self.assert_ends(self.start(), code, said)
                self.note(f"{what}: {' '.join(text_of_it.split())[:260]}")
                answer, findings = self.call("check")
                self.assertEqual(answer, 1, findings)
                self.assertIn("source.schema_registry", findings)
        self.password = self.LOGIN[1]
        self.ask(basic.url(), login)
        self.finish(1, 2)


if __name__ == "__main__":
    unittest.main()
