"""What a reader of committed records finds in topics: Kafka's Java consumer with Apache Avro, neither of which is in tailrace."""

import json
import pathlib
import subprocess

from tests.support.jvm import java, part
from tests.support.processes import ROOT, NotReady

HEAP_MEGABYTES = 192


def read_committed(broker, registry, topics, directory, take):
    """Gives each record to take(), {"topic", "partition", "offset", "key", "value"}, in the order of its partition; answers
    (topic, partition) -> the high watermark, up to which was read."""
    avro = [str(jar) for jar in part("avro-converter").glob("avro-1*.jar")]
    program = java(str(ROOT / "tests" / "support" / "CommittedReader.java"), broker.address, registry.url, *topics,
                   heap_megabytes=HEAP_MEGABYTES, directory=pathlib.Path(directory), jars=avro)
    complaints, ends = pathlib.Path(directory) / "committed.log", {}
    with open(complaints, "wb") as log, subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                         stderr=log) as reader:
        try:
            for line in reader.stdout:
                found = json.loads(line)
                if "end" in found:
                    ends[found["topic"], found["partition"]] = found["end"]
                else:
                    take(found)
        except BaseException:
            reader.kill()
            raise
    if reader.returncode != 0:
        raise NotReady(f"the Java reader ended with {reader.returncode}: "
                       + complaints.read_text(encoding="utf-8", errors="replace")[-4000:])
    return ends
