"""Ten thousand random histories of a small search: kills, lost power, workers that hang.

    PYTHONPATH=tests python benchmarks/histories.py [--seeds 10000] [--first 0] [--workers 2]

Each seed gives one history (`tests/runs/histories.py`): up to ten starts that are killed, lose
their power or fail at a random write, a disk that answers late, a database that does not answer for
a while, a lease that is lost or left behind, workers that end, break, hang and answer late, clocks
that jump, checkpoints that are damaged or lost. One more start, without faults, has to end with the
trials and the files of a search that nothing happened to. The study is held in memory, results are
made up, hours pass by a clock of their own, and everything else is the real thing, the pool of
workers too.

What is wrong is printed with its seed. Counts are kept in `histories.jsonl`, per hundred seeds, so
that a run that was stopped goes on where it was; the table is written to `histories.md`.
"""

import argparse
import json
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from heading import heading
from memory_storage import studies_in_memory
from runs.conftest import executed, small_search
from runs.faults import at, files
from runs.histories import History, problem_of
from runs.made_results import Made

from asymnas.runs.plan import plan_search

RESULTS = Path(__file__).with_suffix(".md")
KEPT = Path(__file__).with_suffix(".jsonl")
CHUNK = 100


def chunk(first: int) -> dict[str, Any]:
    """What the histories of a hundred seeds came to."""
    torch.set_num_threads(1)
    began = time.process_time()
    problems, starts, events = [], 0, 0
    with studies_in_memory(), tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        plan = plan_search(replace(small_search(directory / "plan"), trials=6))
        whole = at(plan, directory / "whole")
        run, _ = executed(whole, Made())
        table, names = run.table.drop(columns=["seconds"]), files(whole)
        for seed in range(first, first + CHUNK):
            history = History(seed, plan, directory / f"{seed}")
            problem = problem_of(history, table, names)
            problems += [] if problem is None else [problem]
            starts += history.starts
            events += len(history.events)
    seconds = time.process_time() - began
    return {
        "first": first,
        "starts": starts,
        "events": events,
        "problems": problems,
        "seconds": seconds,
    }


def page(rows: list[dict[str, Any]]) -> list[str]:
    """The table."""
    seeds, starts = CHUNK * len(rows), sum(row["starts"] for row in rows)
    problems = [problem for row in rows for problem in row["problems"]]
    return [
        *heading("Random histories", __file__),
        "Of each seed, a search of six trials goes through up to ten starts that are killed or "
        "fail at a random write, or whose database does not answer for a while, with workers that "
        "end, break, hang or answer late, clocks that jump, a disk that answers late, leases that "
        "are lost, and checkpoints that are damaged or deleted in between. Where the power is "
        "lost, files whose content was not synced are cut, renamed and deleted ones whose folder "
        "was not synced are as before, and the study may lack its last commits. The last start, "
        "without faults, has to end with the same trials and the same files as a search that "
        "nothing happened to; no file is found cut under its own name; no worker is replaced "
        "before its limit or long after it; and a fault costs one rung at most.",
        "",
        "| histories | starts | faults | histories that ended otherwise | CPU, s per history |",
        "|---|---|---|---|---|",
        f"| {seeds:,} | {starts:,} | {sum(row['events'] for row in rows):,} | {len(problems)} | "
        f"{sum(row['seconds'] for row in rows) / seeds:.2f} |",
        *([""] if problems else []),
        *(f"- {problem}" for problem in problems),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    rows = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.is_file() else []
    done = {row["first"] for row in rows}
    wanted = range(args.first, args.first + args.seeds, CHUNK)
    with ProcessPoolExecutor(args.workers) as pool, KEPT.open("a") as file:
        waiting = [pool.submit(chunk, first) for first in wanted if first not in done]
        for future in as_completed(waiting):
            rows.append(future.result())
            file.write(json.dumps(rows[-1]) + "\n")
            file.flush()
            for problem in rows[-1]["problems"]:
                print(problem, flush=True)
    RESULTS.write_text("\n".join(page(sorted(rows, key=lambda row: row["first"]))) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
