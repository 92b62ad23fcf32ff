"""Java programs of the tests: where their parts are (tools/jvm/parts.txt), and a small JVM with its log in a file."""

import pathlib
import subprocess
import sys
import unittest

from tests.support.processes import ROOT

# Log4j's own configuration: one file, warnings, and what says that something is ready.
LOG = """<Configuration status="ERROR">
  <Appenders><Console name="out" target="SYSTEM_ERR"><PatternLayout pattern="%d{{ISO8601}} %p %c %m%n"/></Console></Appenders>
  <Loggers>{loggers}<Root level="warn"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


def _folder(name):
    where = subprocess.run([sys.executable, ROOT / "tools" / "jvm_parts.py", "--where", name], capture_output=True,
                           text=True, check=True).stdout.strip()
    return pathlib.Path(where)


def has_part(name):
    return _folder(name).exists()


def part(name):
    """The folder of a part; the test skips, aloud, where it could not be had."""
    folder = _folder(name)
    if not folder.exists():
        raise unittest.SkipTest(f"{name} is not there: tools/setup fetches it")
    return folder


# Quick to start and small.
SMALL = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# As Kafka's own scripts start it (kafka-run-class.sh): for measuring.
AS_SHIPPED = ("-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
              "-XX:+ExplicitGCInvokesConcurrent")


def java(main_class, *words, heap_megabytes, directory, loggers=None, jars=(), options=SMALL):
    """The words of a command: a JVM with Kafka's class path, and more jars behind it. `loggers` are name -> level."""
    log = directory / "log4j2.xml"
    lines = "".join(f'<Logger name="{name}" level="{level}"/>' for name, level in (loggers or {}).items())
    log.write_text(LOG.format(loggers=lines), encoding="ascii")
    return ["java", f"-Xms{heap_megabytes // 4}m", f"-Xmx{heap_megabytes}m", *options, "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true", f"-Dlog4j2.configurationFile={log}",
            "-cp", ":".join([f"{part('kafka')}/*", *jars]), main_class, *words]


def properties(path, values):
    """A file of Java properties; values are plain words."""
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="ascii")
    return path


