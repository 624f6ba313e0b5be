"""Runs the studies in chunks that another machine can go on from.

    python studies/run.py                        what is done, study by study
    python studies/run.py NAME                   the HTML report of what a study has so far
    python studies/run.py NAME --minutes 55      the next chunk of a study
    python studies/run.py --minutes 55           the next chunk of the first that is not done
    python studies/run.py NAME --minutes 55 --into DIR    a study anew, kept in a folder of its own

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
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
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
ONE_GO = "was run in one go, and its state was not kept: --into DIR trains the study anew there"
KEPT_OF_CANDIDATES = ("summary.json",)  # their runs are in the table that is made of the state


def planned(name: str, run_dir: Path, timeout: float | None, workers: int | None = None) -> Plan:
    """The plan of a study, to be run in a directory for so many seconds."""
    if name in CANDIDATES:
        return plan_candidates(name, run_dir, timeout, workers)
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
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        ended = "SELECT COUNT(*) FROM trials WHERE state IN ('COMPLETE', 'FAIL', 'PRUNED')"
        return int(connection.execute(ended).fetchone()[0])


def began(database: Path) -> str | None:
    """When the first run of a study's database began: it tells a study from the same one anew."""
    if not database.is_file():
        return None
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        first = connection.execute("SELECT MIN(datetime_start) FROM trials").fetchone()[0]
        return None if first is None else str(first)


def unpack(results: Path, run_dir: Path) -> None:
    """Lays the committed state out, unless the run directory went on from it.

    Raises:
        SystemExit: Another run of the study is in the run directory.
    """
    if not (results / STATE).is_file():
        return
    own = run_dir / "study.db"
    with tarfile.open(results / STATE) as archive, tempfile.TemporaryDirectory() as folder:
        archive.extract("study.db", folder, filter="data")
        committed = Path(folder, "study.db")
        if began(own) not in (None, began(committed)):
            raise SystemExit(
                f"{run_dir} holds another run of the study than {results / STATE}: move one of "
                "them away"
            )
        if finished_runs(own) >= finished_runs(committed):
            return
        shutil.rmtree(run_dir, ignore_errors=True)
        run_dir.mkdir(parents=True)
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
    progress = asdict(Progress(runs=runs, hours=hours, done=done))
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
    """Trains the next chunk of a study; whether the study is done.

    Raises:
        SystemExit: A study that was run in one go, whose results would be overwritten.
    """
    run_dir, own = (runs / name).absolute(), results / name
    if (own / "summary.json").is_file() and not (own / STATE).is_file():
        raise SystemExit(f"{own} {ONE_GO}")
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
        done = progress_of(name, results).done
        raise SystemExit(f"{name} {ONE_GO if done else 'has no runs yet: --minutes 55 trains it'}")
    return publish(Run.open(run_dir)).report


@dataclass(frozen=True)
class Progress:
    """How far a study is.

    Args:
        runs: That have ended.
        hours: Of wall time.
        done: Whether it is.
    """

    runs: int = 0
    hours: float = 0.0
    done: bool = False


def progress_of(name: str, results: Path = RESULTS) -> Progress:
    """How far a study is; one with a summary alone was run in one go."""
    file, whole = results / name / PROGRESS, results / name / "summary.json"
    if file.is_file():
        return Progress(**json.loads(file.read_text("utf-8")))
    if not whole.is_file():
        return Progress()
    summary = json.loads(whole.read_text("utf-8"))
    runs = summary["trials"]["complete"] + summary["trials"]["failed"]
    return Progress(runs=runs, hours=summary["wall_seconds"] / 3600, done=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", nargs="?", choices=STUDIES)
    parser.add_argument("--minutes", type=float, help="how long to train; not at all without")
    parser.add_argument("--workers", type=int, help="networks trained at once")
    parser.add_argument("--into", type=Path, help="keep run and results here, not those committed")
    given = parser.parse_args()
    results = given.into or RESULTS
    runs = given.into / "runs" if given.into else RUNS
    if given.minutes is None and given.study:
        print(report(given.study, runs=runs, results=results))
        return
    if given.minutes is None:
        width = max(map(len, STUDIES))
        for name in STUDIES:
            at = progress_of(name, results)
            what = "done" if at.done else "to go on" if at.runs else "not begun"
            print(f"{name:{width}} {at.runs:5} runs {at.hours:7.2f} h  {what}")
        return
    left = [name for name in STUDIES if not progress_of(name, results).done]
    if not given.study and not left:
        sys.exit("every study is done")
    chunk(given.study or left[0], given.minutes, given.workers, runs=runs, results=results)


if __name__ == "__main__":
    main()
