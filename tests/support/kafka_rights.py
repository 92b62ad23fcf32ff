"""Rights at a Kafka broker: what `tailrace schema --grants` prints, given as kafka-acls.sh would give it, and rights taken away.

kafka-acls.sh is a JVM for each line. What it takes of words is taken here, and any other word is an error.
"""

import argparse
import contextlib
import shlex

from confluent_kafka.admin import AclBinding, AclBindingFilter, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from tests.support.processes import wait_until

OPERATIONS = {operation.name.replace("_", "").lower(): operation for operation in AclOperation}


class Words(argparse.ArgumentParser):
    def error(self, message):
        raise AssertionError(f"kafka-acls.sh does not take it: {message}")


def parser():
    made = Words(allow_abbrev=False, add_help=False)
    made.add_argument("--bootstrap-server", required=True)
    made.add_argument("--add", action="store_true", required=True)
    made.add_argument("--allow-principal", required=True)
    made.add_argument("--resource-pattern-type", choices=["literal", "prefixed"], default="literal")
    made.add_argument("--operation", action="append", required=True)
    for resource in ("--topic", "--group", "--transactional-id"):
        made.add_argument(resource)
    made.add_argument("--cluster", action="store_true")
    return made


def rules_of(text):
    """The rules that the commands in the text add; everything else in it is a comment or another server's."""
    found = []
    for line in text.splitlines():
        if not line.startswith("kafka-acls.sh "):
            assert "kafka-acls" not in line or line.startswith(("#", "--")), line
            continue
        words = parser().parse_args(shlex.split(line)[1:])
        pattern = ResourcePatternType[words.resource_pattern_type.upper()]
        resources = [(ResourceType.TOPIC, words.topic), (ResourceType.GROUP, words.group),
                     (ResourceType.TRANSACTIONAL_ID, words.transactional_id),
                     (ResourceType.BROKER, "kafka-cluster" if words.cluster else None)]
        for kind, name in resources:
            if name is None:
                continue
            for operation in words.operation:
                found.append(AclBinding(kind, name, pattern, words.allow_principal, "*", OPERATIONS[operation.lower()],
                                        AclPermissionType.ALLOW))
    assert found, f"no command in\n{text}"
    return found


class Rights:
    """Of one user; what is given or taken away here is in force when the call is over."""

    def __init__(self, broker, user):
        self.admin = broker.admin()
        self.user = f"User:{user}"

    def grant(self, text):
        """What the text of --grants says."""
        rules = rules_of(text)
        for rule in rules:
            assert rule.principal == self.user, rule
        self._create(rules)
        return rules

    @contextlib.contextmanager
    def denied(self, operation, kind, name):
        """Nobody has it meanwhile, whatever else gives it."""
        rule = self._denial(operation, kind, name)
        self._create([rule])
        try:
            yield
        finally:
            self._delete(AclBindingFilter(rule.restype, rule.name, rule.resource_pattern_type, rule.principal, rule.host,
                                          rule.operation, rule.permission_type))

    def forget(self):
        """Everything of the user."""
        self._delete(AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, self.user, None, AclOperation.ANY,
                                      AclPermissionType.ANY))

    def _denial(self, operation, kind, name):
        return AclBinding(ResourceType[kind], name, ResourcePatternType.LITERAL, self.user, "*", OPERATIONS[operation.lower()],
                          AclPermissionType.DENY)

    def _create(self, rules):
        for answer in self.admin.create_acls(rules).values():
            answer.result(30)
        wait_until(lambda: set(rules) <= set(self.all()), 30, "the rules are known")

    def _delete(self, which):
        gone, = self.admin.delete_acls([which]).values()
        deleted = set(gone.result(30))
        wait_until(lambda: not deleted & set(self.all()), 30, "the rules are gone")

    def all(self):
        return self.admin.describe_acls(AclBindingFilter(
            ResourceType.ANY, None, ResourcePatternType.ANY, self.user, None, AclOperation.ANY, AclPermissionType.ANY)).result(30)
