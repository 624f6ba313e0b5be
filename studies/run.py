"""Runs the studies in chunks that another machine can go on from.

    python studies/run.py                        what is done, study by study
    python studies/run.py NAME                   the HTML report of what a study has so far
    python studies/run.py NAME --minutes 55      the next chunk of a study
    python studies/run.py --minutes 55           the next chunk of the first that is not done

A study is a sweep of `sweeps.py`, one of the networks of `reference_network.py`, those of
`masked_decoder.py`, or a table of `candidates.py`. A chunk goes on from
`studies/results/NAME/state.tar.xz`, trains until its time is up or the study is done, and writes
the state again, with `summary.json` and but for tables `trials.csv`, to be committed. What was half
trained when the time was up starts again where the run directory, `runs/studies/NAME`, is another.
"""

import argparse
import io
import json
import shutil
import sqlite3
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import masked_decoder
from candidates import CANDIDATES, plan_candidates
from reference_network import NETWORKS, plan_network
from sweeps import SWEEPS

from asymnas.reporting.console import make_console
from asymnas.reporting.progress import display
from asymnas.reporting.publish import publish
from asymnas.runs.execute import execute
from asymnas.runs.plan import Plan
from asymnas.runs.run import Run
from asymnas.runs.sweep_plan import plan_sweep

#: In the order in which they are to be run.
STUDIES = (*SWEEPS, *NETWORKS, masked_decoder.NAME, *CANDIDATES)
RESULTS = Path(__file__).parent / "results"
RUNS = Path("runs", "studies")
STATE, PROGRESS = "state.tar.xz", "progress.json"
KEPT = ("trials.csv", "summary.json")
KEPT_OF_CANDIDATES = ("summary.json",)  # their runs are in the table that is made of the state


def planned(name: str, run_dir: Path, timeout: float | None, workers: int | None = None) -> Plan:
    """The plan of a study, to be run in a directory for so many seconds.

    Candidates are trained one at a time, so that their times are comparable.
    """
    if name in CANDIDATES:
        return plan_candidates(name, run_dir, timeout)
    if name in NETWORKS:
        return plan_network(name, run_dir, timeout, workers)
    if name == masked_decoder.NAME:
        return masked_decoder.plan_decoders(run_dir, timeout, workers)
    sweep = SWEEPS[name]
    study = replace(sweep.study, name=name, run_dir=str(run_dir), timeout=timeout, workers=workers)
    return plan_sweep(replace(sweep, study=study))


def finished_runs(database: Path) -> int:
    """Runs that have ended, of a study's database; 0 where there is none."""
    if not database.is_file():
        return 0
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        ended = "SELECT COUNT(*) FROM trials WHERE state IN ('COMPLETE', 'FAIL', 'PRUNED')"
        return int(connection.execute(ended).fetchone()[0])


def unpack(results: Path, run_dir: Path) -> None:
    """Lays the committed state out, unless the run directory is as far on."""
    progress = results / PROGRESS
    runs = json.loads(progress.read_text("utf-8"))["runs"] if progress.is_file() else 0
    if not runs or finished_runs(run_dir / "study.db") >= runs:
        return
    shutil.rmtree(run_dir, ignore_errors=True)
    run_dir.mkdir(parents=True)
    with tarfile.open(results / STATE) as archive:
        archive.extractall(run_dir, filter="data")


def pack(run_dir: Path, results: Path, *, done: bool, kept: Sequence[str] = KEPT) -> int:
    """Writes the state and what is kept besides; how many runs have ended."""
    results.mkdir(parents=True, exist_ok=True)
    files = [run_dir / "study.db", *sorted((run_dir / "losses").glob("*"))]
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:xz") as archive:
        for file in files:
            archive.add(file, file.relative_to(run_dir))
    (results / STATE).write_bytes(content.getvalue())
    for name in kept:  # files of data are named from here, not from the root of this machine
        text = (run_dir / name).read_text("utf-8")
        (results / name).write_text(text.replace(f"{Path.cwd()}/", ""), "utf-8")
    summary = json.loads((run_dir / "summary.json").read_text("utf-8"))
    runs = finished_runs(run_dir / "study.db")
    hours = round(summary["wall_seconds"] / 3600, 2)
    progress = {"runs": runs, "hours": hours, "done": done}
    (results / PROGRESS).write_text(json.dumps(progress) + "\n", "utf-8")
    return runs


def chunk(
    name: str,
    minutes: float,
    workers: int | None = None,
    *,
    runs: Path = RUNS,
    results: Path = RESULTS,
) -> bool:
    """Trains the next chunk of a study; whether the study is done."""
    run_dir, own = (runs / name).absolute(), results / name
    unpack(own, run_dir)
    console = make_console(stderr=False)
    plan = planned(name, run_dir, 60 * minutes, workers)
    with (
        display(console) as observe,
        execute(plan, observe=observe) as (run, ending),
    ):
        publish(run)
    done = ending == "finished"
    kept = KEPT_OF_CANDIDATES if name in CANDIDATES else KEPT
    count = pack(run_dir, own, done=done, kept=kept)
    console.print(f"{name}: {count} runs, {'done' if done else ending}; commit {own}")
    return done


def report(name: str, *, runs: Path = RUNS, results: Path = RESULTS) -> Path:
    """Writes a study's HTML report from its state, and trains nothing.

    Raises:
        SystemExit: A study that has no runs, or whose state was not kept.
    """
    run_dir = runs / name
    unpack(results / name, run_dir)
    if not finished_runs(run_dir / "study.db"):
        why = "was run in one go, and its state was not kept"
        why = why if progress_of(name, results)["done"] else "has no runs yet"
        raise SystemExit(f"{name} {why}: --minutes 55 trains it")
    return publish(Run.open(run_dir)).report


def progress_of(name: str, results: Path = RESULTS) -> dict[str, float]:
    """Runs, hours, and whether a study is done; one with a summary alone was run in one go."""
    file, whole = results / name / PROGRESS, results / name / "summary.json"
    if file.is_file():
        values: dict[str, float] = json.loads(file.read_text("utf-8"))
        return values
    if not whole.is_file():
        return {"runs": 0, "hours": 0.0, "done": False}
    summary = json.loads(whole.read_text("utf-8"))
    runs = summary["trials"]["complete"] + summary["trials"]["failed"]
    return {"runs": runs, "hours": summary["wall_seconds"] / 3600, "done": True}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", nargs="?", choices=STUDIES)
    parser.add_argument("--minutes", type=float, help="how long to train; not at all without")
    parser.add_argument("--workers", type=int, help="networks trained at once; not of tables")
    given = parser.parse_args()
    if given.minutes is None and given.study:
        print(report(given.study))
        return
    if given.minutes is None:
        width = max(map(len, STUDIES))
        for name in STUDIES:
            state = progress_of(name)
            what = "done" if state["done"] else "to go on" if state["runs"] else "not begun"
            print(f"{name:{width}} {state['runs']:5} runs {state['hours']:7.2f} h  {what}")
        return
    left = [name for name in STUDIES if not progress_of(name)["done"]]
    if not given.study and not left:
        sys.exit("every study is done")
    chunk(given.study or left[0], given.minutes, given.workers)


if __name__ == "__main__":
    main()
