"""Seconds until a search has its first result, against another checkout of the package.

    python benchmarks/start.py PATH_OF_ANOTHER_CHECKOUT [--times 5]

A small search of digits with two workers, started by its command from a new process, the two
checkouts in turn: seconds until the first trial has finished, until the command has ended, and the
CPU time of all its processes. Byte code is compiled in a first run that does not count. Writes the
table to `start.md`.
"""

import argparse
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

from heading import heading

RESULTS = Path(__file__).with_suffix(".md")
HERE = Path(__file__).parents[1]
SEARCH = ("--family", "dense", "--budget", "6k", "--latent", "8", "--examples", "4k")
SEARCH += ("--precision", "fp32", "--trials", "4", "--metrics", "psnr", "--workers", "2")


def has_result(database: Path) -> bool:
    """Whether a trial has finished; only reads the file, which the search is still making."""
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as c,
    ):
        query = "SELECT count(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED')"
        return bool(c.execute(query).fetchone()[0])
    return False


def timed(checkout: Path) -> tuple[float, float, float]:
    """Seconds to the first result and to the end, and CPU seconds, of one search."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        search = subprocess.Popen(
            [sys.executable, "-m", "asymnas.search", *SEARCH, "--run-dir", "run"],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        first = 0.0
        while search.poll() is None:
            if not first and has_result(Path(folder) / "run" / "study.db"):
                first = time.perf_counter() - began
            time.sleep(0.05)
        ended, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if search.returncode:
            raise SystemExit(f"the search of {checkout} ended with {search.returncode}")
    return first, ended, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("other", type=Path, help="another checkout of the package")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    checkouts = {"other": options.other.resolve(), "this": HERE}
    for checkout in checkouts.values():
        timed(checkout)
    seen: dict[str, list[tuple[float, float, float]]] = {name: [] for name in checkouts}
    loads = []
    for _ in range(options.times):
        for name, checkout in checkouts.items():
            seen[name].append(timed(checkout))
            loads.append(os.getloadavg()[0])
            print(name, *(f"{seconds:.1f}" for seconds in seen[name][-1]), flush=True)
    revision = subprocess.run(
        ["git", "-C", options.other, "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    lines = [
        *heading("Seconds until the first result", __file__),
        f"`python -m asymnas.search {' '.join(SEARCH)}` of {revision} and of this one. Medians "
        f"of {options.times} in turn, ranges in brackets. Load {min(loads):.1f} to "
        f"{max(loads):.1f}.",
        "",
        "| checkout | first trial, s | whole, s | CPU, s |",
        "|---|---|---|---|",
    ]
    for name, times in seen.items():
        cells = [
            f"{statistics.median(column):.1f} ({min(column):.1f} to {max(column):.1f})"
            for column in zip(*times, strict=True)
        ]
        lines.append(f"| {revision if name == 'other' else name} | {' | '.join(cells)} |")
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
