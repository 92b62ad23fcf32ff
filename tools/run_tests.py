#!/usr/bin/env python3
"""Builds every preset that the tests need, runs them, and says how many of each level there are and how long it took.

    tools/run_tests.py [--only release,asan,tsan] [--filter REGEX] [--long]

release runs every level; asan (with ubsan) the unit, contract and integration tests; tsan those that have threads
(CTest label `concurrent`, cmake/tailrace.cmake). LONG=1 kills more often, and builds debug as well. Cases are counted,
not executables: both GoogleTest and tests/support/run_unittest.py write a report of their cases, where GTEST_OUTPUT says
(cmake/tailrace.cmake: reports/<level>/<test>.xml of the build folder). When something fails, what failed is said first, then
the last lines of each test that failed; all of the output lies in reports/<level>.log. CPU seconds are those of the
tests' processes without PostgreSQL's, which belong to nobody.
The last line is `N passed, N failed, N skipped`; the exit code is 1 when anything failed or was not run.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = {"release": "build", "asan": "build-asan", "tsan": "build-tsan", "debug": "build-debug"}
LEVELS = ["unit", "contract", "integration", "e2e", "fault"]
SANITIZED_LEVELS = {"unit", "contract", "integration"}
JOBS = int(os.environ.get("JOBS", 0)) or len(os.sched_getaffinity(0))
# Tests wait for servers, polls and locks for a third of their time: one more than cores keeps these busy.
TEST_JOBS = JOBS + 1
LAST_LINES = 80  # Of the output of a test that failed.
MOST_OUTPUT = 64 << 20  # Bytes that CTest keeps of it; of a longer one it would keep the beginning.
Count = collections.namedtuple("Count", "passed failed skipped")


def run(command, **options):
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False, **options)


def say(text):
    print(text, flush=True)


def compiler_cache():
    """Hits and misses so far, or None without ccache."""
    if shutil.which("ccache") is None:
        return None
    lines = subprocess.run(["ccache", "--print-stats"], capture_output=True, text=True, check=False).stdout
    stats = dict(line.split("\t")[:2] for line in lines.splitlines() if "\t" in line)
    hits = int(stats.get("direct_cache_hit", 0)) + int(stats.get("preprocessed_cache_hit", 0))
    return hits, int(stats.get("cache_miss", 0))


def configure(preset):
    done = run(["cmake", "--preset", preset], capture_output=True, text=True)
    if done.returncode != 0:
        say(done.stdout + done.stderr)
    return done.returncode == 0


def listed_tests(folder):
    """name -> labels of every CTest test of a build folder."""
    shown = run(["ctest", "--test-dir", folder, "--show-only=json-v1"], capture_output=True, text=True)
    tests = {}
    for test in json.loads(shown.stdout[shown.stdout.index("{"):])["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        tests[test["name"]] = set(properties.get("LABELS", []))
    return tests


def known_targets(folder):
    shown = run(["ninja", "-C", folder, "-t", "targets", "all"], capture_output=True, text=True)
    return {line.split(":")[0] for line in shown.stdout.splitlines()}


def wanted(preset, labels):
    if preset == "release":
        return True
    if not labels & SANITIZED_LEVELS:
        return False
    return preset == "asan" or "concurrent" in labels


def build(folder, targets):
    """All of it without targets."""
    log = ROOT / folder / "build.log"
    with open(log, "w", encoding="utf-8") as output:
        done = run(["ninja", "-C", folder, f"-j{JOBS}", *targets], stdout=output, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        text = log.read_text(encoding="utf-8", errors="replace")
        say(text[-20000:])
    return done.returncode == 0


def build_tests(preset, folder, tests, everything):
    if everything:
        return build(folder, [])
    # Building only what runs keeps a cold build inside its budget. Tests in Python have no target: they run the programs.
    known = known_targets(folder)
    programs = ["tailrace", "sqlserver-sim"] if preset == "release" else []
    if preset == "asan" and is_long():
        programs = ["sqlserver-sim"]
    if not build(folder, programs + sorted({executable_of(name) for name in tests} & known)):
        return False
    # tests/integration/sqlserver/CMakeLists.txt: under sanitizers the source's tests start the release's simulator.
    if preset == "release":
        return True
    return configure("release") and build(FOLDERS["release"], ["sqlserver-sim"])


def executable_of(test):
    """Shards, and second runs over another driver, are runs of one executable."""
    return re.sub(r"(_microsoft)?(_shard\d+)?$", "", test)


def cases_of(report):
    """The cases in one report of GoogleTest, or of run_unittest.py, which writes the same form."""
    root = ElementTree.parse(report).getroot()
    passed = failed = skipped = 0
    for case in root.iter("testcase"):
        if case.get("result") in ("skipped", "suppressed") or case.find("skipped") is not None:
            skipped += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
    return Count(passed, failed, skipped)


def failed_cases(report):
    """What each failed case of a report says, shortened."""
    said = []
    if not report.exists():
        return said
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        failures = case.findall("failure") + case.findall("error")
        if failures:
            texts = [(failure.text or failure.get("message") or "").strip()[-2000:] for failure in failures]
            name = ".".join(filter(None, [case.get("classname"), case.get("name")]))
            said.append("\n".join([name, *texts[:5]]))
    return said


def without_passed(lines):
    """GTEST_BRIEF=1 would do the same, but not say which case it was that died."""
    kept = []
    began = 0
    for line in lines:
        if line.startswith("[ RUN "):
            began = len(kept)
        if line.startswith("[       OK ]"):
            del kept[began:]
        elif line.strip() and not line.startswith("[-----") and not line.endswith("... ok"):
            kept.append(line)
        if line.startswith(("[       OK ]", "[  FAILED  ]", "[  SKIPPED ]")):
            began = len(kept)
    return kept


def failed_tests(junit):
    """Name, what CTest says, and last lines of every CTest test that failed."""
    if not junit.exists():
        return []
    said = []
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        if case.get("status") != "fail":
            continue
        failure = case.find("failure")
        reason = failure.get("message", "") if failure is not None else ""
        lines = without_passed((case.findtext("system-out") or "").splitlines())
        said.append((case.get("name"), reason or "failed", lines[-LAST_LINES:]))
    return said


def unexplained(reports, level):
    """Tests that failed, though no case of their report did: they died, were ended for their time, or leaked."""
    failed = failed_tests(reports / f"{level}.junit.xml")
    return [each for each in failed if not failed_cases(reports / level / f"{each[0]}.xml")]


def digest(preset, level, reports):
    """The failures of one level, short: the whole output is long, and its reader may see one end of it alone."""
    said = [case for report in sorted((reports / level).glob("*.xml")) for case in failed_cases(report)]
    said += ["\n".join([f"{name} itself ({reason}); its last lines:", *last[-25:]])
             for name, reason, last in unexplained(reports, level)]
    return [f"{preset} {level}: {failure}" for failure in said]


def say_failures(preset, level, reports, output):
    """First what failed, then how each test that failed ended."""
    said = digest(preset, level, reports)
    for failure in said:
        say(f"FAILED {failure}\n")
    failed = failed_tests(reports / f"{level}.junit.xml")
    for name, reason, last in failed:
        say("\n".join([f"--- {preset} {level}: {name} ({reason}) ended so", *last]))
    if not said and not failed:  # CTest itself had something to say.
        say("\n".join(output.splitlines()[-LAST_LINES:]))
    say(f"--- all of it: {(reports / f'{level}.log').relative_to(ROOT)}")
    return said


def run_preset(preset, folder, tests, counts, digests):
    """Runs the tests; adds their cases to counts[level] and what failed to digests. Answers the number of failures."""
    reports = ROOT / folder / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    names = "|".join(tests)
    environment = dict(os.environ)
    environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    environment.setdefault("LSAN_OPTIONS", f"suppressions={ROOT / 'tools/lsan.supp'}:print_suppressions=0")
    environment.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=0")
    if preset == "asan" and is_long():
        environment["TAILRACE_TEST_SIMULATOR"] = str(ROOT / folder / "sqlserver-sim")
    failed = 0
    for level in LEVELS:
        members = [name for name, labels in tests.items() if level in labels]
        if not members:
            continue
        started = time.monotonic()
        cpu_before = cpu_seconds()
        done = run(["ctest", "--test-dir", folder, "-L", f"^{level}$", "-R", f"^({names})$", f"-j{TEST_JOBS}",
                    "--output-on-failure", "--no-tests=error",
                    "--test-output-size-failed", str(MOST_OUTPUT), "--output-junit",
                    str(reports / f"{level}.junit.xml")],
                   env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        seconds = time.monotonic() - started
        cpu = cpu_seconds() - cpu_before
        (reports / f"{level}.log").write_text(done.stdout, encoding="utf-8")
        if done.returncode != 0:
            digests += say_failures(preset, level, reports, done.stdout)
        total = Count(0, 0, 0)
        for report in sorted((reports / level).glob("*.xml")):
            count = cases_of(report)
            total = Count(*(a + b for a, b in zip(total, count)))
        broken = len(unexplained(reports, level))
        if done.returncode != 0 and total.failed + broken == 0:
            broken = 1  # CTest could not run them.
        total = Count(total.passed, total.failed + broken, total.skipped)
        failed += total.failed
        counts[(preset, level)] = (total, seconds)
        say(f"{preset:8} {level:12} {total.passed:5} passed {total.failed:3} failed {total.skipped:3} skipped"
            f"   {seconds:6.1f} s {cpu:6.1f} CPU s   ({len(members)} tests)")
        for line in done.stdout.splitlines():
            if line.startswith("TAILRACE-SAYS "):
                say("  " + line[len("TAILRACE-SAYS "):])
        show_said(reports / level)
    return failed


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show_said(folder):
    """Figures and seeds that tests leave for the reader, one file of lines each."""
    for note in sorted(folder.glob("*.said")):
        for line in note.read_text(encoding="utf-8").splitlines():
            say(f"    {note.stem}: {line}")


def is_long():
    return os.environ.get("LONG", "") not in ("", "0")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="release,asan,tsan", help="presets, comma separated")
    parser.add_argument("--filter", default="", help="only tests whose CTest name matches")
    parser.add_argument("--long", action="store_true", help="longer fault runs (LONG=1)")
    options = parser.parse_args()
    if options.long:
        os.environ["LONG"] = "1"
    started = time.monotonic()
    before = compiler_cache()
    counts = {}
    digests = []
    failures = 0
    build_seconds = 0.0
    for preset in options.only.split(","):
        folder = FOLDERS[preset]
        build_started = time.monotonic()
        ready = configure(preset)
        tests = listed_tests(folder) if ready else {}
        tests = {name: labels for name, labels in tests.items()
                 if wanted(preset, labels) and re.search(options.filter, name)}
        ready = ready and build_tests(preset, folder, tests, preset == "release" and not options.filter)
        seconds = time.monotonic() - build_started
        build_seconds += seconds
        if not ready:
            say(f"{preset:8} did not build: see above and {folder}/build.log")
            failures += 1
            continue
        say(f"{preset:8} built in {seconds:.1f} s")
        failures += run_preset(preset, folder, tests, counts, digests)
    # The other presets compile files in groups; here each one must have all that it includes.
    if is_long() and not (configure("debug") and build(FOLDERS["debug"], [])):
        say("debug    did not build: see above and build-debug/build.log")
        failures += 1
    for failure in digests:
        say(f"\nFAILED {failure}")
    report_end(counts, failures, started, build_seconds, before)
    return 1 if failures else 0


def report_end(counts, failures, started, build_seconds, before):
    total = time.monotonic() - started
    say("")
    say("cases of each level: " + ", ".join(
        f"{level} {sum(sum(c) for (p, l), (c, _) in counts.items() if l == level and p == 'release')}"
        for level in LEVELS if ("release", level) in counts))
    after = compiler_cache()
    cache = "no compiler cache"
    if before is not None and after is not None:
        hits, misses = after[0] - before[0], after[1] - before[1]
        state = "nothing to compile" if hits + misses == 0 else "warm" if hits > misses else "cold"
        cache = f"compiler cache {state}: {hits} hits, {misses} misses"
    say(f"time: {total:.0f} s in all, of which {build_seconds:.0f} s building ({cache}; {JOBS} jobs)")
    passed = sum(c.passed for c, _ in counts.values())
    skipped = sum(c.skipped for c, _ in counts.values())
    say(f"{passed} passed, {failures} failed, {skipped} skipped")


if __name__ == "__main__":
    sys.exit(main())
