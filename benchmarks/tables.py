"""Timing two contestants against each other, and the table that comes of it: what the benchmarks
share.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from convreg.studies.layers import gemm_seconds

Clock = Callable[[], float]  # runs a contestant once more and returns its time in seconds
ASLEEP = 0.1  # seconds after which the threads of a pool no longer wait for work awake
_clocks: list[Clock] = []  # of a process that `apart` has started: its one


class Skipped(Exception):
    """Raised by an item that cannot be measured here; its text is the reason."""


class Measured(NamedTuple):
    """A median ratio, the lowest and highest one, and the medians of both sides in seconds or bytes
    ("B").
    """

    ratio: float
    lowest: float
    highest: float
    numerator: float
    denominator: float
    repeats: int
    unit: str = "s"


class Item(NamedTuple):
    """A line of the table: a name, what is compared, how it is measured, and the target of the
    ratio.
    """

    name: str
    compared: str
    measure: Callable[[], Measured]
    bound: str  # "at least" or "at most"
    target: float


def parse_arguments(doc: str | None) -> argparse.Namespace:
    """Where to write (``out``), and which items to measure (``only``), from the command line."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent, help="the folder for the files"
    )
    parser.add_argument(
        "--only", default="", help="only items whose name contains this, and nothing is written"
    )
    return parser.parse_args()


def seconds_per_call(
    function: Callable[[], object],
    at_least: float = 0.03,
    timer: Callable[[], float] = time.perf_counter,
) -> Clock:
    """A clock of one call: it loops as often as it takes to last ``at_least`` seconds, found out
    beforehand. With `time.process_time` as ``timer`` it counts the seconds of the processor.

    A call that is not timed comes first, so that the threads of whoever ran before have gone to
    sleep.
    """

    def duration(loops: int) -> float:
        start = timer()
        for _ in range(loops):
            function()
        return timer() - start

    loops = 1
    while duration(loops) < at_least:
        loops *= 2

    def clock() -> float:
        function()
        return duration(loops) / loops

    return clock


@contextmanager
def apart(threads: int, make: Callable[..., Clock], *arguments: object) -> Iterator[Clock]:
    """The clock ``make(*arguments)`` in a process of its own, with so many threads for its BLAS.

    The threads of a pool wait for more work awake, and slow down whoever comes next; between two
    readings of this clock they have gone to sleep.
    """
    worker = ProcessPoolExecutor(1, get_context("spawn"), _prepare, (threads, make, arguments))
    with worker:
        yield lambda: worker.submit(_read).result()


def _prepare(threads: int, make: Callable[..., Clock], arguments: tuple[object, ...]) -> None:
    threadpool_limits(threads, user_api="blas")
    _clocks.append(make(*arguments))


def _read() -> float:
    seconds = _clocks[0]()
    time.sleep(ASLEEP)
    return seconds


def paired(numerator: Clock, denominator: Clock, repeats: int = 9) -> Measured:
    """The median ratio of two times, measured in turns (A B A B ...) so that both see the same
    machine.
    """
    pairs = [(numerator(), denominator()) for _ in range(repeats)]
    ratios = [a / b for a, b in pairs]
    times = [statistics.median(column) for column in zip(*pairs, strict=True)]
    return Measured(statistics.median(ratios), min(ratios), max(ratios), *times, repeats)


def measure(items: Iterable[Item]) -> list[dict[str, Any]]:
    """Every item measured: a record each, with the verdict "pass", "below", "above" or "skipped:
    why".
    """
    records = []
    for item in items:
        record = {
            "name": item.name,
            "compared": item.compared,
            "bound": item.bound,
            "target": item.target,
        }
        try:
            measured = item.measure()
        except Skipped as reason:
            record["verdict"] = f"skipped: {reason}"
        else:
            record |= {key: _four_digits(value) for key, value in measured._asdict().items()}
            record["verdict"] = verdict(measured.ratio, item.bound, item.target)
        print(f"{item.name}: {record.get('ratio', '')} {record['verdict']}", flush=True)
        records.append(record)
    return records


def _four_digits(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def verdict(ratio: float, bound: str, target: float) -> str:
    """Whether a ratio meets its target, or on which side it misses.

    >>> verdict(21.0, "at least", 20.0), verdict(19.0, "at least", 20.0)
    ('pass', 'below')
    >>> verdict(3.0, "at most", 2.5)
    'above'
    """
    if bound == "at least":
        return "pass" if ratio >= target else "below"
    return "pass" if ratio <= target else "above"


def environment(packages: Sequence[str]) -> dict[str, Any]:
    """The versions and the sizes that a time depends on."""
    found: dict[str, Any] = {"python": platform.python_version()}
    for package in packages:
        installed = importlib.util.find_spec(package) is not None
        found[package] = importlib.metadata.version(package) if installed else "not installed"
    types = (np.float64, np.float32)
    rates = {
        f"GEMM {np.dtype(dtype).name}": f"{1 / gemm_seconds(dtype):.0f} GFlop/s" for dtype in types
    }
    return found | rates | {"BLAS threads": blas_threads(), "CPUs": os.cpu_count()}


def blas_threads() -> str:
    """The threads of every BLAS that is loaded."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return ", ".join(
        f"{pool['num_threads']} ({pool['internal_api']} {pool['version']})" for pool in pools
    )


def write(
    folder: Path, name: str, title: str, records: list[dict[str, Any]], setting: dict[str, Any]
) -> None:
    """Write the records to name.json, and as a table to name.md."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"environment": setting, "items": records}, indent=2)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    lines = [
        f"# {title}",
        "",
        "; ".join(f"{key} {value}" for key, value in setting.items()) + ".",
        "",
        "| item | compared (A / B) | A | B | A / B, median (range) | target | verdict |",
        "|---|---|---:|---:|---:|---|---|",
    ]
    lines += [_line(record) for record in records]
    (folder / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(record: dict[str, Any]) -> str:
    cells = ["", "", ""]
    if "ratio" in record:
        spread = f"{record['lowest']:.3g} to {record['highest']:.3g}"
        cells = [_quantity(record[side], record["unit"]) for side in ("numerator", "denominator")]
        cells.append(f"**{record['ratio']:.3g}** ({spread})")
    target = f"{record['bound']} {record['target']:g}"
    return (
        f"| {' | '.join([record['name'], record['compared'], *cells, target, record['verdict']])} |"
    )


def _quantity(value: float, unit: str) -> str:
    """A time or a size with its prefix.

    >>> _quantity(0.00123, "s"), _quantity(2.5, "s"), _quantity(3.2e7, "B")
    ('1.23 ms', '2.5 s', '32 MB')
    """
    prefixes = (("M", 1e6), ("", 1), ("m", 1e-3), ("µ", 1e-6))
    prefix, scale = next((pair for pair in prefixes if value >= pair[1]), prefixes[-1])
    return f"{value / scale:.3g} {prefix}{unit}"
