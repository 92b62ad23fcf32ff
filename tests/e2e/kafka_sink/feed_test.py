"""A real Debezium on the simulator feeds our sink: every type, a snapshot and a stream; PostgreSQL equals the source row by row."""

import os
import time
import unittest

from tests.e2e.kafka_sink.case import EVERY_TYPE, KafkaSinkCase

EVENTS = 1500


class Feed(KafkaSinkCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("TAILRACE_SEED", time.time_ns() % 10**9))
        self.note(f"seed {self.seed} (TAILRACE_SEED={self.seed} repeats it)")

    # Tables are made by what the records say: with the source's types sent along they are direct mode's.
    def test_snapshot_and_stream_arrive_as_the_source_has_them(self):
        history = self.make_history(self.seed)
        config = self.write_config(self.deploy_source(EVERY_TYPE))
        run = self.start(config)
        self.assert_same(EVERY_TYPE, [run])
        history.change(EVENTS)
        self.assert_same(EVERY_TYPE, [run])
        self.drain(run)
        types = dict(self.target.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attnum > 0 AND attrelid IN "
            "('numbers'::regclass, 'moments'::regclass, 'texts'::regclass, 'guids'::regclass)").fetchall())
        for column, wanted in {"c_tinyint": "smallint", "c_decimal": "numeric(38,10)", "c_money": "numeric(19,4)",
                               "c_datetime2_0": "timestamp(0) without time zone", "c_nvarchar": "character varying(20)",
                               "c_smalldatetime": "timestamp(0) without time zone", "c_guid": "uuid",
                               "c_time5": "time(5) without time zone",
                               "c_datetimeoffset7": "timestamp(6) with time zone"}.items():
            self.assertEqual(types[column], wanted, column)

    # A second run goes on behind what the first has applied, and what comes meanwhile is not lost.
    def test_runs_go_on_from_each_other(self):
        history = self.make_history(self.seed, EVERY_TYPE[:2])
        config = self.write_config(self.deploy_source(EVERY_TYPE[:2]))
        for _ in range(3):
            history.change(100)
            self.run_to_end(config)
        run = self.start(config)
        self.assert_same(EVERY_TYPE[:2], [run])
        self.drain(run)

    # Lag of zero is what operators wait for.
    def test_the_group_shows_no_lag_at_the_end(self):
        self.make_history(self.seed, EVERY_TYPE[:1])
        topics = self.deploy_source(EVERY_TYPE[:1])
        run = self.start(self.write_config(topics))
        self.assert_same(EVERY_TYPE[:1], [run])
        from confluent_kafka import Consumer, TopicPartition  # pylint: disable=import-outside-toplevel
        watcher = Consumer({"bootstrap.servers": self.broker.address, "group.id": f"tailrace-sink{self.number}",
                            "isolation.level": "read_committed"})
        self.addCleanup(watcher.close)
        place = TopicPartition(topics[0], 0)

        def is_zero():
            committed = watcher.committed([place], timeout=10)[0].offset
            return committed == watcher.get_watermark_offsets(place, timeout=10)[1]

        from tests.support.processes import wait_until  # pylint: disable=import-outside-toplevel
        wait_until(is_zero, 60, "the group's lag is zero", every=0.2)
        self.drain(run)


if __name__ == "__main__":
    unittest.main()
