"""Loading wide tables: time by columns, and what workers hold with and without the prepared file.

    python benchmarks/wide_tables.py > benchmarks/wide_tables.md

CSV files of 200 rows of normal numbers with four decimals are loaded in processes of their own, and
the table of the most columns in four at once: each by itself, as workers did, and from the file
that the coordinator wrote. Times are seconds of CPU, which other work on the machine leaves alone;
memory is the proportional set size, in which a shared page counts in equal parts.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from heading import heading

ROWS, COLUMNS, WORKERS = 200, (10_000, 20_000, 40_000), 4

WORKER = """
import json, sys, time
from pathlib import Path
from asymnas.core.config import DataSpec
from asymnas.data.fingerprint import fingerprint
from asymnas.data.prepared import PreparedData, write_prepared
from asymnas.training.loaded_data import loaded_dataset

def held():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024

source = DataSpec(name="csv:" + sys.argv[1])
if len(sys.argv) > 3:  # what a job carries
    source = PreparedData(source, json.loads(sys.argv[3]), Path(sys.argv[2]))
began, cpu = time.perf_counter(), time.process_time()
data = loaded_dataset(source, "cpu")
spent = time.perf_counter() - began, time.process_time() - cpu
data.train.sum()
described = fingerprint(data)
if len(sys.argv) == 3:
    write_prepared(Path(sys.argv[2]), data)
print(json.dumps({"fingerprint": described}), flush=True)
input()  # until all hold theirs
print(json.dumps({"seconds": spent[0], "cpu": spent[1], "mib": held()}), flush=True)
"""


def loaded(n: int, *arguments: str) -> list[dict[str, float]]:
    """What n processes that load at once measure, when all have loaded."""
    command = [sys.executable, "-c", WORKER, *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(n)]
    described = [json.loads(process.stdout.readline()) for process in processes]
    measured = []
    for process, before in zip(processes, described, strict=True):
        process.stdin.write("\n")
        process.stdin.flush()
        measured.append(before | json.loads(process.stdout.readline()))
    for process in processes:
        process.wait()
    return measured


def mean(measured: list[dict[str, float]], name: str) -> str:
    return f"{np.mean([each[name] for each in measured]):,.1f}"


def main() -> None:
    lines = heading("Wide tables", __file__)
    lines += ["| columns | loading the CSV file, s of CPU | mapping what was prepared, s of CPU |"]
    lines += ["|---|---|---|"]
    with tempfile.TemporaryDirectory() as place:
        for k in COLUMNS:
            path, prepared = Path(place, f"{k}.csv"), Path(place, f"{k}.pt")
            values = np.random.default_rng(0).normal(size=(ROWS, k))
            names = ",".join(f"g{i}" for i in range(k))
            np.savetxt(path, values, fmt="%.4f", delimiter=",", header=names, comments="")
            (alone,) = loaded(1, str(path), str(prepared))
            described = json.dumps(alone["fingerprint"])
            (mapped,) = loaded(1, str(path), str(prepared), described)
            lines.append(f"| {k:,} | {alone['cpu']:.1f} | {mapped['cpu']:.2f} |")
        size = prepared.stat().st_size / 2**20
        lines += [
            "",
            f"{WORKERS} workers with {k:,} columns (the prepared file has {size:.0f} MiB):",
        ]
        lines += ["", "| each worker | seconds of CPU to load | PSS, MiB |", "|---|---|---|"]
        for name, arguments in (
            ("loads the CSV file", ()),
            ("maps what was prepared", (str(prepared), described)),
        ):
            several = loaded(WORKERS, str(path), *arguments)
            lines.append(f"| {name} | {mean(several, 'cpu')} | {mean(several, 'mib')} |")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
