"""What stops the sink: each has its exit code, says where, and leaves everything before it applied."""

import json
import unittest

from confluent_kafka import Producer

from tests.e2e.kafka_sink.case import KafkaSinkCase
from tests.support.processes import free_port

KEY = {"schema": {"type": "struct", "name": "k", "fields": [{"field": "id", "type": "int32"}]}, "payload": {"id": 1}}
ROW = {"type": "struct", "name": "v", "optional": True, "fields": [
    {"field": "id", "type": "int32"}, {"field": "note", "type": "string", "optional": True}]}


def envelope(number, note, commit):
    source = {"type": "struct", "name": "s", "field": "source", "fields": [
        {"field": name, "type": "string"} for name in ("db", "schema", "table", "commit_lsn")]}
    return {"schema": {"type": "struct", "name": "e", "fields": [
        {**ROW, "field": "before"}, {**ROW, "field": "after"}, source, {"field": "op", "type": "string"}]},
        "payload": {"before": None, "after": {"id": number, "note": note},
                    "source": {"db": "shop", "schema": "dbo", "table": "notes",
                               "commit_lsn": f"00000000:00000000:{commit:04x}"}, "op": "c"}}


class Refusals(KafkaSinkCase):
    def setUp(self):
        super().setUp()
        self.topic = f"notes{self.number}"

    def put(self, *values):
        producer = Producer({"bootstrap.servers": self.broker.address})
        for number, value in enumerate(values, 1):
            text = value if isinstance(value, str) else json.dumps(value)
            producer.produce(self.topic, text, json.dumps({**KEY, "payload": {"id": number}}))
        producer.flush(30)

    def rows(self):
        return self.target.execute("SELECT id, note FROM public.notes ORDER BY id").fetchall()

    def test_a_topic_that_is_not_there(self):
        run = self.run_to_end(self.write_config(["nowhere"]), code=2)
        self.assertIn("nowhere", run.log())

    def test_brokers_that_are_not_there(self):
        config = self.write_config(["nowhere"], brokers=f"127.0.0.1:{free_port()}",
                                   more="retry: { first_contact: 2s }\n")
        text = config.read_text(encoding="utf-8").replace("kafka: { ", "kafka: { patience: 2s, ")
        config.write_text(text, encoding="utf-8")
        self.run_to_end(config, code=4)

    # What cannot be read: by itself, with its place; what lies before it is applied.
    def test_a_record_that_is_none(self):
        self.put(envelope(1, "one", 1), envelope(2, "two", 2), "poison")
        run = self.run_to_end(self.write_config([self.topic]), code=8)
        self.assertIn(f"topic={self.topic} partition=0 offset=2", run.log())
        self.assertEqual(self.rows(), [(1, "one")])

    # A value that PostgreSQL cannot hold is an error of its row.
    def test_a_row_that_the_target_refuses(self):
        self.put(envelope(1, "one", 1), envelope(2, "t\0wo", 2))
        run = self.run_to_end(self.write_config([self.topic]), code=5)
        self.assertIn(f"{self.topic}[0]@1", run.log())

    # A row that another writer made is never written over; the message has what is needed to find it.
    def test_an_insert_of_a_row_that_is_there(self):
        config = self.write_config([self.topic], more="  insert_mode: insert\n")
        self.put(envelope(1, "one", 1))
        self.run_to_end(config)
        self.put(envelope(1, "another", 2))
        run = self.run_to_end(config, code=5)
        self.assertIn("sqlstate=23505", run.log())
        self.assertIn("(id)=(1)", run.log())
        self.assertEqual(self.rows(), [(1, "one")])

    # Rows without a key: nothing but the stored offset tells what was written, over any number of runs.
    def test_records_that_are_appended(self):
        config = self.write_config([self.topic], records="format: json\n  pk_mode: none\n  deletes: ignore",
                                   more="  insert_mode: insert\n")
        for commit in range(1, 4):
            self.put(envelope(1, "one", commit))
            self.run_to_end(config)
        self.assertEqual(self.rows(), [(1, "one")] * 3)

    # Found before anything is asked, each by its name.
    def test_settings_that_make_no_sense_together(self):
        def said(records="", more="", topics="topics: [a]"):
            config = self.write_config(["a"], records=f"format: json\n{records}", more=more)
            text = config.read_text(encoding="utf-8").replace("topics: ['a']", topics)
            config.write_text(text, encoding="utf-8")
            return self.run_to_end(config, code=2).log()

        for mode in ("record_value", "kafka", "none"):
            self.assertIn("source.deletes: cannot be apply", said(f"  pk_mode: {mode}", "  insert_mode: insert\n"))
        without = "  deletes: ignore\n"
        for mode in ("upsert", "update"):
            self.assertIn(f"target.insert_mode: cannot be {mode}",
                          said(f"{without}  pk_mode: none", f"  insert_mode: {mode}\n"))
        self.assertIn("target.insert_mode: cannot be update", said(f"{without}  pk_mode: kafka", "  insert_mode: update\n"))
        self.assertIn("source.pk_fields: has no meaning", said(f"{without}  pk_mode: none\n  pk_fields: [a]",
                                                               "  insert_mode: insert\n"))
        self.assertIn("source.topics_pattern: is no regular expression", said(topics="topics_pattern: '('"))

    # What has to be made by hand is given as SQL.
    def test_a_table_that_is_not_to_be_made(self):
        self.put(envelope(1, "one", 1))
        config = self.write_config([self.topic], more="  new_tables: stop\n")
        run = self.run_to_end(config, code=2)
        self.assertIn("CREATE TABLE", run.log())
        self.assertIn("target.new_tables", run.log())

    # A table that the records do not fit is another's.
    def test_a_target_of_another_shape(self):
        self.target.execute("CREATE TABLE public.notes (id int PRIMARY KEY, note int)")
        self.put(envelope(1, "one", 1))
        run = self.run_to_end(self.write_config([self.topic]), code=6)
        self.assertIn("note", run.log())

    # What the commands say of a pipeline that reads partitions.
    def test_commands(self):
        self.put(envelope(1, "one", 1))
        config = self.write_config([self.topic])
        code, said = self.call(config, "check")
        self.assertEqual(code, 0, said)
        self.assertIn("source.topic", said)
        self.run_to_end(config)
        code, said = self.call(config, "status", "--format", "json")
        self.assertEqual(code, 0, said)
        partition, = json.loads(said)["partitions"]
        self.assertEqual((partition["topic"], partition["partition"], partition["next_offset"], partition["owned"]),
                         (self.topic, 0, 1, False))
        code, said = self.call(config, "status")
        self.assertIn(self.topic, said)
        for command in ("schema", "position", "table"):
            code, said = self.call(config, command, *(["show"] if command == "position" else ["list"] if command == "table" else []))
            self.assertEqual(code, 2, said)
            self.assertIn("each with a position of its own", said)
        code, said = self.call(self.write_config([self.topic, "nowhere"]), "check")
        self.assertEqual(code, 1, said)
        self.assertIn("nowhere", said)

    # The file's mistakes are found before anything is asked, and name their lines.
    def test_settings_of_another_source(self):
        config = self.write_config([self.topic], more="snapshot: { readers: 2 }\ntables: { include: [dbo.*] }\n")
        run = self.run_to_end(config, code=2)
        self.assertIn("snapshot.readers: has no meaning with source.type: kafka", run.log())
        self.assertIn("tables.include: belongs to source.type: sqlserver", run.log())


if __name__ == "__main__":
    unittest.main()
