"""Debezium and its JDBC sink: their rows are kept for the day when the project speaks to Kafka."""

from bench.participants.unable import Unable


class Debezium:
    name = "Debezium + JDBC sink"
    kind = "peer"
    process = "java"

    def snapshot(self, stage, work, database):
        raise Unable("joins with the Kafka issue")

    changes = snapshot
