"""How long a change takes from the change table, where it can first be read, to the target, where a reader sees it."""

import time

from tests.support.simulator import run_sql, scalar


def probe(source, target, number, deadline_seconds=30):
    """Writes one row; answers the seconds between its two appearances, None when it did not arrive."""
    run_sql(source, f"INSERT INTO dbo.latency_probe VALUES ({number}, SYSUTCDATETIME())")
    deadline = time.monotonic() + deadline_seconds
    while (scalar(source, "SELECT MAX(probe_id) FROM cdc.dbo_latency_probe_CT") or 0) < number:
        if time.monotonic() > deadline:
            return None
        time.sleep(0.001)
    captured = time.monotonic()
    while (target.execute("SELECT max(probe_id) FROM public.latency_probe").fetchone()[0] or 0) < number:
        if time.monotonic() > deadline:
            return None
        time.sleep(0.001)
    return time.monotonic() - captured


def measure(source, target, stop, first=1, every=0.1):
    """Probes until stop(); answers the sorted latencies in seconds and the number that never arrived."""
    found = []
    lost = 0
    number = first
    while not stop():
        seconds = probe(source, target, number)
        number += 1
        if seconds is None:
            lost += 1
        else:
            found.append(seconds)
        time.sleep(every)
    return sorted(found), lost


def quantile(ordered, fraction):
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))] if ordered else float("nan")
