"""Flame graphs: where the CPU time of one run goes, in tailrace, in PostgreSQL and in the simulated SQL Server. SVG.

One run of each work more, which counts for nothing: `perf record` costs a tenth of the CPU. A frame is as wide as its part of
all samples; the processes stand side by side on the lowest line. perf(1) needs root.
"""

import collections
import contextlib
import html
import pathlib
import re
import shutil
import signal
import subprocess

# What a process is called in /proc -> in the picture.
PROCESSES = {"tailrace": "tailrace", "postgres": "PostgreSQL", "sqlserver-sim": "simulated SQL Server"}
CLIENT_THREADS = "rdk:"  # What the names of librdkafka's threads begin with; they are tailrace's.
# Stacks are read from the unwind tables: none of the programs keeps frame pointers.
RECORD = ["perf", "record", "-a", "-F", "499", "--call-graph", "dwarf,16384", "-o"]
SCRIPT = ["perf", "script", "-F", "comm,ip,sym", "-i"]
WIDTH = 1200
LINE = 16
CHARACTER = 6.6  # Of the font below, in pixels.
NARROWEST = 1.5
COLOURS = {"tailrace": "#f2a65a", "PostgreSQL": "#7fb3d5", "simulated SQL Server": "#c9c9c9"}
HIDDEN = str.maketrans("<>()", "\1\2\3\4")
SHOWN = str.maketrans("\1\2\3\4", "<>()")
# How the standard library calls a function object: nobody's own time.
PLUMBING = re.compile(r"(std::)?(_Function_handler|__invoke|_M_invoke|function::operator\(\)$)")


class NoProfile(Exception):
    """perf cannot be had; the message says why."""


@contextlib.contextmanager
def recorded(path):
    """Records all processors while it is open."""
    if not shutil.which("perf"):
        raise NoProfile("perf is not installed (Debian: linux-perf)")
    recorder = subprocess.Popen([*RECORD, path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        recorder.send_signal(signal.SIGINT)
        told = recorder.communicate()[1]
    if not path.exists():
        raise NoProfile(told.strip().splitlines()[0] if told.strip() else "perf wrote nothing")


def short(symbol):
    """A C++ name without its arguments, its templates' and the namespace of all."""
    name = re.sub(r"\(anonymous namespace\)::|\[clone [.\w]+\]|\(inlined\)|tailrace::", "", symbol)
    # Their signs are no brackets.
    name = re.sub(r"operator(\(\)|[<>=-]+)", lambda found: "operator" + found[1].translate(HIDDEN), name)
    depth = 0
    kept = []
    for character in name:
        if character in "<(":
            depth += 1
        elif character in ">)":
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(character)
    return "".join(kept).strip().removesuffix(" const").translate(SHOWN) or symbol


def stacks(lines):
    """`perf script`'s output as a counter of stacks, each a tuple from the process inwards."""
    found = collections.Counter()
    process = None
    frames = []
    for line in [*lines, ""]:
        text = line.rstrip()
        if text and not text[0].isspace() or (process is None and text and not re.match(r"\s+[0-9a-f]+ ", text)):
            process, frames = text.strip(), []
        elif text:
            frames.append(short(text.strip().partition(" ")[2]) or "[unknown]")
        else:
            if process and process.startswith(CLIENT_THREADS):
                process = "tailrace"
            if process in PROCESSES and frames:
                known = [frame for frame in reversed(frames)
                         if frame != "[unknown]" and not PLUMBING.match(frame)] or ["[unknown]"]
                found[(PROCESSES[process], *known)] += 1
            process = None
    return found


class Frame:
    def __init__(self):
        self.samples = 0
        self.inner = {}

    def add(self, stack, samples):
        self.samples += samples
        if stack:
            self.inner.setdefault(stack[0], Frame()).add(stack[1:], samples)


def _boxes(frame, name, process, left, level, scale, total):
    """(text of the SVG, deepest level) of a frame and of all that it calls."""
    width = frame.samples * scale
    if width < NARROWEST:
        return "", level - 1
    part = f"{name}: {100 * frame.samples / total:.1f} %"
    letters = int(width / CHARACTER) - 1
    label = name if len(name) <= letters else name[:letters - 1] + "…" if letters > 3 else ""
    made = [f'<g><title>{html.escape(part)}</title><rect x="{left:.1f}" y="{{{level}}}" width="{width:.1f}" height="{LINE - 1}" '
            f'fill="{COLOURS[process]}" rx="1"/>' +
            (f'<text x="{left + 3:.1f}" y="{{{level}+}}">{html.escape(label)}</text>' if label else "") + "</g>"]
    deepest = level
    for inner, child in sorted(frame.inner.items()):
        text, depth = _boxes(child, inner, process, left, level + 1, scale, total)
        made.append(text)
        deepest = max(deepest, depth)
        left += child.samples * scale
    return "".join(made), deepest


def drawn(found, title):
    """The SVG of a counter of stacks."""
    total = sum(found.values())
    root = Frame()
    for stack, samples in found.items():
        root.add(stack, samples)
    scale = WIDTH / total
    left = 0.0
    parts = []
    deepest = 0
    for name in PROCESSES.values():
        frame = root.inner.get(name)
        if frame is not None:
            text, depth = _boxes(frame, name, name, left, 0, scale, total)
            parts.append(text)
            deepest = max(deepest, depth)
            left += frame.samples * scale
    height = (deepest + 3) * LINE

    def place(match):
        top = height - (int(match[1]) + 1) * LINE - 4
        return str(top + 12 if match[2] else top)

    body = re.sub(r"\{(\d+)(\+?)\}", place, "".join(parts))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="monospace" font-size="11"><rect width="100%" height="100%" fill="white"/>'
            f'<text x="4" y="14" font-size="13">{html.escape(title)}</text>{body}</svg>\n')


def shares(found):
    """Name of the process -> its part of all samples."""
    total = sum(found.values())
    parts = collections.Counter()
    for stack, samples in found.items():
        parts[stack[0]] += samples
    return {name: samples / total for name, samples in parts.most_common()}


def write(recording, path, title):
    """Draws a recording; answers each process's part of the samples."""
    with subprocess.Popen([*SCRIPT, recording], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          errors="replace") as script:
        found = stacks(script.stdout)
    if not found:
        raise NoProfile(f"{recording} has no sample of {', '.join(PROCESSES)}")
    pathlib.Path(path).write_text(drawn(found, title), encoding="utf-8")
    return shares(found)
