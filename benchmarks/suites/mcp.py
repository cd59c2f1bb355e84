"""Seconds and memory of the server for coding agents, beside the same question at the command line."""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mcp import Client, StdioServerParameters, stdio_client
from options import Options
from report import Report, Table

FIRST, LATER, MEMORY, BYTES = 3.0, 0.3, 400.0, 1_500
ROWS, COLUMNS, TABLES, CALLS = 10_000, 50, 10, 100
QUICK_CALLS = 20
STARTS = 3
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def written(folder: Path) -> list[str]:
    """Write tables of mixed columns and different targets."""
    names = []
    for number in range(TABLES):
        rng = np.random.default_rng(number)
        table = pd.DataFrame(rng.normal(size=(ROWS, COLUMNS - 10)), columns=[f"n{i}" for i in range(COLUMNS - 10)])
        for i in range(10):
            table[f"c{i}"] = rng.choice(list("abcdefg"), ROWS)
        signal = table["n0"] + table["n1"] * table["n2"] + (table["c0"] == "a") + rng.normal(size=ROWS)
        table["y"] = signal if number % 3 == 0 else pd.cut(signal, 2 + number % 3, labels=False)
        names.append(f"table_{number}.csv")
        table.to_csv(folder / names[-1], index=False)
    return names


def process_of(parent: int) -> int:
    """Return the process that a client started."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()
    return int(children[-1])


def used(process: int) -> tuple[float, float]:
    """Return processor seconds and megabytes at most of a process."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / _TICKS, int(peak.split()[1]) / 1024


async def asked(folder: Path, names: list[str], n_calls: int) -> dict[str, Any]:
    """Start a server, call it, and return what that took."""
    arguments = ["-m", "metalearn", "mcp", "--folder", str(folder), "--state", str(folder / "state")]
    parameters = StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))
    began = time.perf_counter()
    walls, processors, sizes = [], [], []
    async with Client(stdio_client(parameters)) as client:
        process = process_of(os.getpid())
        for call in range(n_calls):
            before, start = used(process)[0], time.perf_counter()
            found = await client.call_tool("recommend", {"path": names[call % len(names)], "target": "y"})
            if call == 0:
                first, first_processor = time.perf_counter() - began, used(process)[0]
            walls.append(time.perf_counter() - start)
            processors.append(used(process)[0] - before)
            sizes.append(len(found.content[0].text.encode()))
        megabytes = used(process)[1]
    return {
        "first": first,
        "first_processor": first_processor,
        "later": walls[1:],
        "later_processor": processors[1:],
        "megabytes": megabytes,
        "bytes": max(sizes),
    }


def at_the_command_line(folder: Path, name: str) -> tuple[float, float]:
    """Return wall and processor seconds of ``metalearn recommend``."""
    before, start = os.times(), time.perf_counter()
    words = [sys.executable, "-m", "metalearn", "recommend", str(folder / name), "--target", "y", "--compact"]
    subprocess.run(words, check=True, capture_output=True)  # noqa: S603 - our own command
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, processor


def run(options: Options) -> Report:
    """Measure the server."""
    n_calls = QUICK_CALLS if options.quick else CALLS
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        names = written(folder)
        asyncio.run(asked(folder, names, 1))  # bytecode and file caches, as after a first day of use
        found = asyncio.run(asked(folder, names, n_calls))
        starts = [found, *(asyncio.run(asked(folder, names, 2)) for _ in range(STARTS - 1))]
        alone = [at_the_command_line(folder, names[0]) for _ in range(STARTS)]
    median = statistics.median
    later, later_processor = median(found["later"]), median(found["later_processor"])
    rows = [
        [
            "first answer, from the start of the process, s",
            min(s["first"] for s in starts),
            min(s["first_processor"] for s in starts),
            FIRST,
        ],
        ["later answers, median, s", later, later_processor, LATER],
        ["metalearn recommend, whole process, s", min(a[0] for a in alone), min(a[1] for a in alone), None],
        [f"memory at most after {n_calls} calls on {TABLES} tables, MB", found["megabytes"], None, MEMORY],
        ["largest answer about five candidates, bytes", found["bytes"], None, BYTES],
    ]
    return Report(
        suite="mcp",
        title="The server for coding agents",
        about=(
            f"{ROWS:,} x {COLUMNS} (40 numbers, 10 categories), CSV files, asked by the official client over standard input and "
            f"output; starts are the best of {STARTS}. One run beside the command line, on the same machine. Load of the machine "
            f"at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; processor seconds depend less on it."
        ),
        tables=[Table("Figures", ["figure", "measured", "processor seconds", "target: at most"], rows)],
    )
