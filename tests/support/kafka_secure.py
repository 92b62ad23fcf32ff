"""A private Kafka broker that can also be reached by TLS and by logins, and that knows rights.

    address        in the clear, without a login; may everything
    sasl_address   TLS and SASL: PLAIN (alice), SCRAM-SHA-256 and SCRAM-SHA-512 (carol)
    mtls_address   TLS, and a certificate of the client's
"""

import subprocess

from tests.support.kafka import Broker
from tests.support.processes import free_port, private_directory

PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"
USERS = {"alice": "alice-secret", "carol": "carol-secret"}


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)


class Certificates:
    """An authority, a broker's certificate for 127.0.0.1, and a client's; and a second authority that nobody knows."""

    def __init__(self):
        self.directory = private_directory("kafka-tls")
        for authority in ("ca", "stranger"):
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={authority}",
                    "-keyout", self.path(f"{authority}.key"), "-out", self.path(f"{authority}.pem"))
        self._issue("broker", "subjectAltName=IP:127.0.0.1")
        self._issue("client", "subjectAltName=DNS:client")
        # Kafka's PEM key store: the key, then the certificate.
        store = self.path("broker-store.pem")
        store.write_bytes(self.path("broker.key").read_bytes() + self.path("broker.pem").read_bytes())

    def path(self, name):
        return self.directory / name

    def _issue(self, name, extension):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", self.path(f"{name}.key"),
                "-out", self.path(f"{name}.csr"))
        extensions = self.path(f"{name}.ext")
        extensions.write_text(extension + "\n", encoding="ascii")
        openssl("x509", "-req", "-in", self.path(f"{name}.csr"), "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"),
                "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", self.path(f"{name}.pem"))


class SecureBroker(Broker):
    def __init__(self, settings=None):
        self.certificates = Certificates()
        self.sasl_port = None
        self.mtls_port = None
        super().__init__(settings)

    @property
    def sasl_address(self):
        return f"{self.host}:{self.sasl_port}"

    @property
    def mtls_address(self):
        return f"{self.host}:{self.mtls_port}"

    def _choose_ports(self):
        super()._choose_ports()
        self.sasl_port, self.mtls_port = free_port(), free_port()

    def _configure(self):
        public = f"PLAINTEXT://{self.address},LOGIN://{self.sasl_address},MTLS://{self.mtls_address}"
        plain_users = " ".join(f'user_{name}="{password}"' for name, password in USERS.items() if name == "alice")
        self.settings = {
            "listeners": f"{public},CONTROLLER://{self.host}:{self.controller_port}",
            "advertised.listeners": public,
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_SSL,MTLS:SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.certificates.path("broker-store.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.certificates.path("ca.pem"),
            "listener.name.mtls.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "listener.name.login.plain.sasl.jaas.config": f"{PLAIN_MODULE} required {plain_users};",
            "listener.name.login.scram-sha-256.sasl.jaas.config": f"{SCRAM_MODULE} required;",
            "listener.name.login.scram-sha-512.sasl.jaas.config": f"{SCRAM_MODULE} required;",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "true",
            "super.users": "User:ANONYMOUS",
            **self.settings,
        }
        return super()._configure()

    def _format(self, config, *words):
        secrets = [word for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
                   for word in ("--add-scram", f"{mechanism}=[name=carol,password={USERS['carol']}]")]
        super()._format(config, *words, *secrets)
