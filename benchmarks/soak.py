"""What a search loses under SIGKILL: a thousand of them, and one a minute.

    python benchmarks/soak.py kills [--kills 1000] [--trials 300] [--seed 0]
    python benchmarks/soak.py goodput [--minutes 20] [--seed 0]
    python benchmarks/soak.py table

`kills`: a search of small networks on digits with one worker, in processes, with SQLite, is killed
so often that a thousand kills fit into it, and started again each time. Whether its worker or its
coordinator is killed, and when, is drawn: within a rung, once a rung has been trained since the
kill before; or at any time in the seconds after that kill, before a rung has been trained, where
the search is further than its part of the kills. A worker is not killed twice in a row before it
has trained a rung: three times at one rung, and the candidate counts as the cause. The search has
to end as one that nothing happened to, which is trained first.

`goodput`: a search with two workers, of which one process a minute is killed, drawn from the three.
It is interrupted after some minutes; then one that nothing happens to runs for as long.

A run that was stopped goes on where it was, from what is in `build/soak`; `--seed` begins another.
Each writes its part of the table to `soak.md`, from figures kept in `soak.json`; `table` writes it
from those alone.
"""

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing, suppress
from itertools import takewhile
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import psutil
from heading import heading

from asymnas import Run

RESULTS = Path(__file__).with_suffix(".md")
FIGURES = Path(__file__).with_suffix(".json")
BUILD = Path(__file__).parents[1] / "build" / "soak"

SEARCH = ("--family", "dense", "--budget", "6k", "--latent", "8", "--precision", "fp32")
SEARCH += ("--metrics", "psnr")
SHORT = ("--examples", "20k", "--workers", "1")
TWO = ("--examples", "240k", "--workers", "2")

# A coordinator takes three times as long to start; it is also killed where no worker may be.
COORDINATORS = 0.1  # of the kills
RUNG_S = 0.5  # seconds after a rung has begun within which a process is killed, or at its end
START_S = 2.0  # seconds after a kill within which one is killed that starts
LOOK_S = 0.02
EVERY_S = 60.0  # between kills, for the goodput
ENDLESS = ("--trials", "100000")


class Search:
    """A search that is started and killed, and what is written about it.

    Args:
        folder: Where it is kept.
        flags: Of its command.
    """

    def __init__(self, folder: Path, *flags: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._run, self._rungs, self._log = folder / "run", folder / "rungs", folder / "log"
        self._rungs.touch()
        self._flags = (*SEARCH, *flags, "--run-dir", str(self._run))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, if it does not run."""
        if self.runs:
            return
        command = [sys.executable, __file__, "search", str(self._rungs), *self._flags]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def runs(self) -> bool:
        """Whether the coordinator runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """How the coordinator ended."""
        return None if self._process is None else self._process.poll()

    @property
    def begun(self) -> list[str]:
        """The rungs that were given to a worker, in order, those that were given again too."""
        return self._rungs.read_text().split()

    @property
    def said(self) -> str:
        """The last line of its output."""
        return self._log.read_text(errors="replace").strip().rpartition("\n")[2]

    def kill(self, victim: str, random: Random) -> bool:
        """Kills a process; returns whether there was one."""
        if self._process is None or not self.runs:
            return False
        with suppress(psutil.NoSuchProcess):  # one that ended by itself meanwhile
            workers = [
                child
                for child in psutil.Process(self._process.pid).children()
                if child.status() != psutil.STATUS_ZOMBIE
            ]
            if victim == "worker":
                if workers:
                    random.choice(workers).kill()
                return bool(workers)
            self._process.kill()
            self._process.wait()
            return True
        return False

    def interrupt(self) -> None:
        """Ends it as a scheduler does; what runs in the background of a shell may ignore Ctrl-C."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()

    def finish(self) -> None:
        """Lets it run to its end."""
        self.start()
        if self._process is not None and self._process.wait():
            raise SystemExit(f"the search ended with {self._process.returncode}: {self.said}")

    def table(self) -> pd.DataFrame:
        """Its trials, without the time that they took."""
        return Run.open(self._run).table.drop(columns=["seconds"])

    def ended(self) -> pd.DataFrame:
        """Its trials with the seconds `after` the first draw at which each ended."""
        table = Run.open(self._run).table
        times = "SELECT number, datetime_start, datetime_complete FROM trials ORDER BY number"
        rows = pd.DataFrame(self._ask(times), columns=["trial", "start", "end"])
        rows["after"] = pd.to_datetime(rows["end"]) - pd.to_datetime(rows["start"]).min()
        rows["after"] = rows["after"].dt.total_seconds()
        return table.merge(rows[["trial", "after"]], on="trial")

    def states(self) -> dict[str, int]:
        """Its trials by Optuna's states."""
        return dict(self._ask("SELECT state, count(*) FROM trials GROUP BY state"))

    def integrity(self) -> str:
        """What SQLite says of the database."""
        return str(self._ask("PRAGMA integrity_check")[0][0])

    def drafts(self) -> list[str]:
        """Files that were half written when a process was killed."""
        hidden = (path for path in self._run.rglob(".*") if path.is_file())
        return [path.name for path in hidden if path.suffix not in (".lock",)]

    def _ask(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self._run / "study.db")) as database:
            return database.execute(query).fetchall()


def search(rungs: str, *flags: str) -> None:
    """The search itself, in a process of its own, which writes down the rungs that it gives out."""
    from asymnas.core.cli import serve
    from asymnas.runs.executors.pool import WorkerPool
    from asymnas.search import search as command

    submit = WorkerPool.submit

    def noted(pool: WorkerPool, function: Any, job: Any) -> Any:
        if job.save is not None:  # otherwise it is a control
            with open(rungs, "a") as file:
                file.write(f"{job.save.name}\n")
        return submit(pool, function, job)

    WorkerPool.submit = noted  # type: ignore[method-assign, assignment]
    sys.argv = ["search", *flags]
    serve(command)


def trial_of(rung: str) -> str:
    return rung.rpartition("_")[0]


def kills(wanted: int, trials: int, seed: int) -> dict[str, Any]:
    """A thousand kills; what they came to."""
    folder = BUILD / f"kills-{trials}-{wanted}-{seed}"
    flags = (*SHORT, "--trials", str(trials))
    whole = Search(folder / "whole", *flags)
    whole.finish()
    soaked = Search(folder / "soaked", *flags)
    record = folder / "kills.jsonl"
    done = [json.loads(line) for line in record.open()] if record.is_file() else []
    with record.open("a") as file:
        while len(done) < wanted:
            soaked.start()
            began, before = time.monotonic(), soaked.begun
            random = Random(f"{seed} {len(done)}")
            ahead = len(set(map(trial_of, before))) / trials > len(done) / wanted
            victim = "coordinator" if random.random() < COORDINATORS else "worker"
            since = takewhile(lambda kill: kill["moment"] == "start", reversed(done))
            if ahead and any(kill["victim"] == "worker" for kill in since):
                victim = "coordinator"  # never two workers before a rung
            moment = "start" if ahead else "rung"
            wait_for_moment(soaked, moment, len(before), random)
            while soaked.runs and not soaked.kill(victim, random):
                time.sleep(LOOK_S)
            row = {"victim": victim, "moment": moment, "load": os.getloadavg()[0]}
            if soaked.code == 0:
                print(f"the search was done after {len(done)} kills", flush=True)
                break
            if (code := soaked.code) not in (None, -signal.SIGKILL):
                row = {**row, "victim": f"none: it ended with {code}", "said": soaked.said}
                print(row, flush=True)
            row["seconds"] = round(time.monotonic() - began, 2)
            if victim == row["victim"]:
                done.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
            if len(done) % 25 == 0:
                reached = len(set(map(trial_of, soaked.begun)))
                print(f"{len(done)} kills, {reached} trials, {row}", flush=True)
    soaked.finish()
    return outcome(soaked, whole, record)


def wait_for_moment(search: Search, moment: str, begun: int, random: Random) -> None:
    """Waits until a process is to be killed, or the search has ended.

    Within a rung, two have begun since the kill before: the one that it cost, and the next. While a
    process starts, none has been trained since.
    """
    own = 2 if moment == "rung" else 0
    while search.runs and len(search.begun) < begun + own:
        time.sleep(LOOK_S)
    end = time.monotonic() + random.uniform(0, RUNG_S if own else START_S)
    while search.runs and time.monotonic() < end and len(search.begun) < begun + max(own, 1) + 1:
        time.sleep(LOOK_S)


def outcome(soaked: Search, whole: Search, record: Path) -> dict[str, Any]:
    """The figures of a search that was killed, beside those of one that was not."""
    rows = [json.loads(line) for line in record.open()]
    killed = [row for row in rows if not row["victim"].startswith("none")]
    table, expected = soaked.table(), whole.table()
    own = table[table["duplicate_of"].isna()]
    again = Counter(soaked.begun)
    return {
        "kills": len(killed),
        "of coordinators": sum(row["victim"] == "coordinator" for row in killed),
        "of processes that started": sum(row["moment"] == "start" for row in killed),
        "ended by itself": [row for row in rows if row["victim"].startswith("none")],
        "finished": int(own["state"].isin(["complete", "pruned", "failed"]).sum()),
        "failed": [int((rows["state"] == "failed").sum()) for rows in (table, expected)],
        "states": soaked.states(),
        "equal": table.equals(expected),
        "integrity": soaked.integrity(),
        "drafts": soaked.drafts(),
        "rungs": len(again),
        "rungs whole": len(set(whole.begun)),
        "begun again": sum(again.values()) - len(again),
        "seconds": sum(row["seconds"] for row in rows),
        "loads": [min(row["load"] for row in rows), max(row["load"] for row in rows)],
    }


def goodput(minutes: float, seed: int) -> dict[str, Any]:
    """A search with a kill a minute, and one without for as long; what both got done."""
    folder, random = BUILD / f"goodput-{seed}", Random(seed)
    shutil.rmtree(folder, ignore_errors=True)
    killed, whole = (Search(folder / name, *TWO, *ENDLESS) for name in ("killed", "whole"))
    began, loads, victims = time.monotonic(), list[float](), Counter[str]()
    killed.start()
    while (passed := time.monotonic() - began) < 60 * minutes:
        time.sleep(min(EVERY_S * random.uniform(0.5, 1.5), 60 * minutes - passed))
        if time.monotonic() - began < 60 * minutes:
            victim = "worker" if random.random() < 2 / 3 else "coordinator"
            victims[victim] += killed.kill(victim, random)
            killed.start()
            loads.append(os.getloadavg()[0])
            print(f"{passed:.0f} s: {victim}", flush=True)
    killed.interrupt()
    whole.start()
    time.sleep(60 * minutes)
    whole.interrupt()
    loads.append(os.getloadavg()[0])
    return compared(killed, whole, victims) | {"loads": [min(loads), max(loads)]}


def compared(killed: Search, whole: Search, victims: Mapping[str, int]) -> dict[str, Any]:
    """What two searches got done in the time that both ran, from the first draw of each on."""
    seconds = min(search.ended()["after"].max() for search in (killed, whole))
    return {
        "kills": dict(victims),
        "seconds": seconds,
        "killed": done_within(killed, seconds),
        "whole": done_within(whole, seconds),
    }


def done_within(search: Search, seconds: float) -> dict[str, float]:
    """Trials that count and ended so soon, their examples, and the seconds of their training."""
    table = search.ended()
    counts = table["duplicate_of"].isna() & table["state"].isin(["complete", "pruned"])
    own = table[counts & (table["after"] <= seconds)]
    return {
        "trials": len(own),
        "examples": int(own["examples"].sum()),
        "training": float(own["seconds"].sum()),
    }


def page(figures: dict[str, Any]) -> list[str]:
    """The tables."""
    lines = heading("Searches that are killed", __file__)
    if (found := figures.get("kills")) is not None:
        low, high = found["loads"]
        ends = found["ended by itself"]
        lines += [
            f"`asymnas search {' '.join((*SEARCH, *SHORT))}`, in processes and with SQLite, is "
            "killed (SIGKILL) about as often as it can be without standing still: a worker takes "
            "some 3 s to start and a coordinator three times as long. Some are killed while a "
            "process starts, the others within a rung. The last start is left alone.",
            "",
            f"{found['seconds'] / 60:.0f} minutes, {found['seconds'] / found['kills']:.1f} s per "
            f"kill; load {low:.1f} to {high:.1f}. {found.get('note', '')}".rstrip(),
            "",
            "| | |",
            "|---|---|",
            f"| kills | {found['kills']:,} |",
            f"| of them of the coordinator | {found['of coordinators']} |",
            f"| of them while a process starts | {found['of processes that started']} |",
            f"| starts that ended with an error of their own | {len(ends)} |",
            f"| trials finished | {found['finished']} |",
            f"| trials running at the end | {found['states'].get('RUNNING', 0)} |",
            f"| trials failed | {found['failed'][0]} (undisturbed {found['failed'][1]}) |",
            f"| table equal to that of an undisturbed search | {answer(found['equal'])} |",
            f"| `PRAGMA integrity_check` | {found['integrity']} |",
            f"| files half written | {len(found['drafts'])} |",
            f"| rungs | {found['rungs']:,} (undisturbed {found['rungs whole']:,}) |",
            f"| rungs begun again | {found['begun again']}, "
            f"{found['begun again'] / found['kills']:.2f} per kill |",
            "",
            *(f"- {end['victim'].removeprefix('none: ')}: {end['said']}" for end in ends),
        ]
    if (found := figures.get("goodput")) is not None:
        killed, whole, victims = found["killed"], found["whole"], found["kills"]
        lines += [
            "## Goodput with a kill a minute",
            "",
            f"`asymnas search {' '.join((*SEARCH, *TWO))}` with {sum(victims.values())} kills, "
            f"{victims.get('coordinator', 0)} of them of the coordinator, and without, "
            f"{found['seconds'] / 60:.0f} minutes each from the first draw on. What counts is what "
            "is not lost: trials that ended, duplicates left out. Both draw by TPE, so they train "
            "other networks: examples of one may take longer than those of the other, and seconds "
            "of training are shorter where a worker has a core for itself while others start. "
            f"Load {found['loads'][0]:.1f} to {found['loads'][1]:.1f}.",
            "",
            "| | killed | undisturbed | goodput |",
            "|---|---|---|---|",
            row("seconds of training that count", killed["training"], whole["training"]),
            row("examples that count", killed["examples"], whole["examples"]),
            row("trials that count", killed["trials"], whole["trials"]),
        ]
    return lines


def row(name: str, killed: float, whole: float) -> str:
    return f"| {name} | {killed:,.0f} | {whole:,.0f} | {killed / whole:.0%} |"


def answer(value: bool) -> str:
    return "yes" if value else "no"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("mode", choices=("kills", "goodput", "table"))
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    figures = {}
    if args.mode == "kills":
        figures = {"kills": kills(args.kills, args.trials, args.seed)}
    elif args.mode == "goodput":
        figures = {"goodput": goodput(args.minutes, args.seed)}
    kept = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
    kept |= figures
    FIGURES.write_text(json.dumps(kept, indent=1) + "\n")
    RESULTS.write_text("\n".join(page(kept)).rstrip() + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    if sys.argv[1:2] == ["search"]:
        search(*sys.argv[2:])
    else:
        main()
