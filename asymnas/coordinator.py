"""The one loop: ask, train a rung, prune or go on, tell.

The coordinator is the only writer to a study. It keeps as many rungs in flight as there are
workers, continues started trials before it asks for new ones, and stops at the exact number of
finished trials. What it must not lose is on disk before the study says so: a checkpoint is written
before the rung that it ends enters the curve.
"""

import io
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from asymnas import table as t
from asymnas.analysis.front import front, nondominated, objective_values, scored
from asymnas.architecture import Architecture
from asymnas.checkpoints import DASHBOARD, Checkpoints, reconstruction_path, write_whole
from asymnas.config import StudyConfig
from asymnas.figures.images import reconstruction_grid
from asymnas.metrics import METRICS
from asymnas.progress import Snapshot
from asymnas.pruners import PRUNERS, Progress
from asymnas.space import Candidate, Space
from asymnas.study import SearchStudy, Trial
from asymnas.training import Job, RungResult, rung_steps, train_rung

Ending = Literal["finished", "timeout", "interrupted", "exhausted"]

QUOTA_EVERY = 10  # one trial in ten is never pruned
ATTEMPTS = 3  # at a rung whose worker died
MOST_DUPLICATES = 300  # in a row, before the space counts as exhausted
HEARTBEAT = 0.2  # seconds
FEW = 3  # finished trials before the time left is estimated


@dataclass(eq=False)
class _Running:
    """A trial between ask and tell."""

    number: int
    candidate: Candidate
    curve: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    checkpoint: bytes | None = None
    attempts: int = 0

    @property
    def key(self) -> str:
        return self.candidate.architecture.key()

    @property
    def quota(self) -> bool:
        return self.number % QUOTA_EVERY == 0

    @property
    def examples(self) -> int:
        return self.curve[-1][0] if self.curve else 0

    def counts(self) -> dict[str, int]:
        """Every objective that is known without training."""
        counts = self.candidate.architecture.counts
        return {name: getattr(counts, name) for name in t.COUNT_COLUMNS}


class Coordinator:
    """Runs a study to its number of trials.

    Args:
        config: What to run, with `examples` and `workers` settled.
        space: Where candidates come from.
        study: Where trials live; this process holds its lease.
        executor: Where rungs are trained.
        observe: Called with a snapshot five times a second and after every change.
    """

    def __init__(
        self,
        config: StudyConfig,
        space: Space,
        study: SearchStudy,
        executor: Executor,
        observe: Callable[[Snapshot], None],
    ) -> None:
        self._config, self._space, self._study = config, space, study
        self._executor, self._observe = executor, observe
        self._lease = study.lease()
        self._run_dir = Path(config.run_dir)
        self._checkpoints = Checkpoints(self._run_dir)
        self._prune = PRUNERS.get(config.pruner)
        self._steps = rung_steps(config.examples or 0, config.batch_size)
        self._workers = config.workers or 1
        self._costly = [o for o in study.objectives if o.name in t.COUNT_COLUMNS]
        self._began = time.monotonic()
        self._examples = 0
        self._in_a_row = 0
        self._flights: dict[Future[RungResult], _Running] = {}
        self._ready: deque[_Running] = deque()
        self._duplicates: dict[int, int] = {}
        self._peers: dict[int, Progress] = {}
        self._trained: dict[str, int] = {}
        self._refresh()
        self._recall_finished()
        self._finished_before = config.trials - self._missing()

    def _recall_finished(self) -> None:
        """Takes up what earlier starts of the run finished."""
        for row in self._table.to_dict("records"):
            if row[t.STATE] == "running" or not pd.isna(row[t.DUPLICATE_OF]):
                continue
            self._trained[Architecture.from_dict(row[t.ARCHITECTURE]).key()] = row[t.TRIAL]
            self._peers[row[t.TRIAL]] = Progress(
                curve=tuple((int(seen), float(loss)) for seen, loss in row[t.CURVE]),
                costs=tuple(float(row[o.name]) for o in self._costly),
            )

    def run(self) -> Ending:
        """Runs until the study holds its trials, the time is up, or Ctrl-C.

        Rungs in flight at a time-out or an interruption are dropped; their trials stay open and go
        on from their last finished rung when the run is started again.
        """
        try:
            for trial in self._study.unfinished()[: self._missing()]:
                self._begin(trial)
            return self._loop()
        except KeyboardInterrupt:
            return "interrupted"

    def _loop(self) -> Ending:
        while True:
            while len(self._flights) < self._workers and (running := self._next()) is not None:
                self._submit(running)
            self._observe(self._snapshot())
            if not self._flights:
                return "exhausted" if self._missing() else "finished"
            if self._late():
                return "timeout"
            done, _ = wait(self._flights, timeout=HEARTBEAT, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda f: self._flights[f].number):
                self._land(self._flights.pop(future), future)
            self._lease.renew()

    def _next(self) -> _Running | None:
        """The trial to train next: a started one if any, else a new one if any is missing."""
        if self._ready:
            return self._ready.popleft()
        while self._missing() > len(self._flights) and self._in_a_row < MOST_DUPLICATES:
            parallel = bool(self._flights)
            self._begin(self._study.ask(self._config.sampler, self._config.seed, parallel=parallel))
            if self._ready:
                return self._ready.popleft()
        return None

    def _begin(self, trial: Trial) -> None:
        """Makes a trial ready, or a duplicate of the trial that has its architecture."""
        candidate = self._space.suggest(trial)
        number = trial.number
        running = _Running(number=number, candidate=candidate)
        self._study.remember(number, _attributes(candidate, quota=running.quota))
        original = self._trained.setdefault(running.key, number)
        if original != number:
            self._in_a_row += 1
            self._study.remember(number, {t.DUPLICATE_OF: original})
            self._duplicates[number] = original
            self._settle_duplicates()
            return
        self._in_a_row = 0
        self._resume(running)
        self._note(running)
        self._ready.append(running)

    def _resume(self, running: _Running) -> None:
        """Takes up the curve of an earlier start, if its checkpoint is still there."""
        remembered = self._study.recall(running.number)
        curve = [(int(seen), float(loss)) for seen, loss in remembered.get(t.CURVE, [])]
        if curve:
            running.checkpoint = self._checkpoints.load(running.number, curve[-1][0])
        if running.checkpoint is not None:
            running.curve, running.seconds = curve, float(remembered.get(t.SECONDS, 0.0))

    def _submit(self, running: _Running) -> None:
        config = self._config
        done = running.examples // config.batch_size
        until = next(steps for steps in self._steps if steps > done)
        job = Job(
            architecture=running.candidate.architecture,
            data=config.data(),
            learning_rate=running.candidate.learning_rate,
            batch_size=config.batch_size,
            seed=_seed(config.seed, running.number),
            until=until,
            total=self._steps[-1],
            checkpoint=running.checkpoint,
            metrics=METRICS.names(),
            device=config.device,
            precision=config.precision,
            samples=until == self._steps[-1],
        )
        self._flights[self._executor.submit(train_rung, job)] = running

    def _land(self, running: _Running, future: Future[RungResult]) -> None:
        """Takes in a rung: lets the trial go on, or finishes it."""
        try:
            result = future.result()
        except BrokenExecutor as error:
            running.attempts += 1
            if running.attempts < ATTEMPTS:
                self._ready.appendleft(running)
                return
            result = RungResult(failure=f"{error}, {ATTEMPTS} times at this rung")
        except Exception as error:  # whatever a candidate breaks must not end the study
            result = RungResult(failure=f"{type(error).__name__}: {error}".splitlines()[0])
        running.attempts = 0
        running.seconds += result.seconds
        if result.failure:
            self._tell(running, "failed", {t.FAILURE: result.failure, t.SECONDS: running.seconds})
            return
        self._advance(running, result)
        complete = running.examples == self._steps[-1] * self._config.batch_size
        if complete:
            self._picture(running, result)
            self._tell(running, "complete", result.metrics)
        elif self._to_prune(running):
            self._tell(running, "pruned", {})
        else:
            self._ready.append(running)

    def _to_prune(self, running: _Running) -> bool:
        others = [peer for number, peer in self._peers.items() if number != running.number]
        return not running.quota and self._prune(self._peers[running.number], others)

    def _note(self, running: _Running) -> None:
        """Lets other trials be compared with this one."""
        counts = running.counts()
        costs = tuple(float(counts[o.name]) for o in self._costly)
        self._peers[running.number] = Progress(curve=tuple(running.curve), costs=costs)

    def _advance(self, running: _Running, result: RungResult) -> None:
        loss, batch = result.metrics[t.VAL_LOSS], self._config.batch_size
        before = running.examples
        steps = next(steps for steps in self._steps if steps * batch > before)
        running.checkpoint = result.checkpoint
        self._checkpoints.save(running.number, steps * batch, result.checkpoint)
        running.curve.append((steps * batch, loss))
        self._note(running)
        self._examples += running.examples - before
        self._study.remember(
            running.number,
            {
                t.CURVE: running.curve,
                t.EXAMPLES: running.examples,
                t.SECONDS: round(running.seconds, 3),
                **result.metrics,
            },
        )
        self._checkpoints.keep(running.number, running.examples)

    def _picture(self, running: _Running, result: RungResult) -> None:
        """Shows reconstructions in the dashboard, where nothing so far dominates the trial.

        Before the trial is told: Optuna takes no artifact of a finished one.
        """
        objectives = self._study.objectives
        values = {**running.counts(), **result.metrics}
        mine = np.asarray([[values[o.name] for o in objectives]], dtype=float)
        others = objective_values(scored(self._table, objectives), objectives)
        if result.samples is None or not nondominated(np.vstack([others, mine]), objectives)[-1]:
            return
        path = reconstruction_path(self._run_dir, running.number)
        picture = io.BytesIO()
        reconstruction_grid(*result.samples).save(picture, "PNG")
        write_whole(path, picture.getvalue())
        self._study.attach(running.number, path, self._run_dir / DASHBOARD)

    def _tell(self, running: _Running, state: t.State, attributes: Mapping[str, Any]) -> None:
        self._study.remember(running.number, attributes)
        self._study.tell(running.number, state, {**running.counts(), **attributes})
        self._refresh()
        self._settle_duplicates()
        members = {int(number) for number in self._front[t.TRIAL]}
        started = {r.number for r in (*self._flights.values(), *self._ready)}
        for trial in self._checkpoints.trials() - members - started:
            self._checkpoints.keep(trial, None)
            reconstruction_path(self._run_dir, trial).unlink(missing_ok=True)

    def _settle_duplicates(self) -> None:
        """Finishes each duplicate as the trial was that trained its architecture, once it is."""
        rows = self._table.set_index(t.TRIAL)
        settled = {
            number: original
            for number, original in self._duplicates.items()
            if original in rows.index and rows.loc[original, t.STATE] != "running"
        }
        for number, original in settled.items():
            del self._duplicates[number]
            row = rows.loc[original]
            names = [t.VAL_LOSS, *METRICS.names()] if row[t.STATE] == "complete" else []
            self._study.remember(number, {name: float(row[name]) for name in names})
            self._study.tell(number, row[t.STATE], row)
        if settled:
            self._refresh()

    def _refresh(self) -> None:
        """Reads the study's table anew and what follows from it."""
        self._table = self._study.table()
        self._front = front(self._table, self._study.objectives)

    def _counts(self) -> dict[str, int]:
        own = self._table[self._table[t.DUPLICATE_OF].isna()]
        states = own[t.STATE].value_counts()
        return {state: int(states.get(state, 0)) for state in t.STATES}

    def _missing(self) -> int:
        """Finished trials that the run lacks; those in training included."""
        counts = self._counts()
        finished = sum(n for state, n in counts.items() if state != "running")
        return max(0, self._config.trials - finished)

    def _late(self) -> bool:
        timeout = self._config.timeout
        return timeout is not None and time.monotonic() - self._began > timeout

    def _snapshot(self) -> Snapshot:
        counts = self._counts()
        seconds, missing = time.monotonic() - self._began, self._missing()
        newly = self._config.trials - missing - self._finished_before
        complete = self._table[self._table[t.STATE] == "complete"]
        return Snapshot(
            wanted=self._config.trials,
            complete=counts["complete"],
            pruned=counts["pruned"],
            failed=counts["failed"],
            duplicate=int(self._table[t.DUPLICATE_OF].notna().sum()),
            running=len(self._flights),
            best_loss=float(complete[t.VAL_LOSS].min()) if len(complete) else None,
            front=len(self._front),
            examples=self._examples,
            seconds=seconds,
            seconds_left=seconds * missing / newly if newly >= FEW else None,
        )


def _attributes(candidate: Candidate, *, quota: bool) -> dict[str, Any]:
    """What the study remembers of a candidate from the start."""
    architecture = candidate.architecture
    encoder_dense, decoder_dense = architecture.dense_fractions()
    counts = architecture.counts
    return {
        t.QUOTA: quota,
        t.ARCHITECTURE: architecture.to_dict(),
        t.LEARNING_RATE: candidate.learning_rate,
        t.SHARED_PARAMS: counts.shared_params,
        t.DECODER_SHARE: counts.decoder_share,
        t.ENCODER_DENSE: encoder_dense,
        t.DECODER_DENSE: decoder_dense,
        **{name: getattr(counts, name) for name in t.COUNT_COLUMNS},
    }


def _seed(study: int, trial: int) -> int:
    """The seed of a trial's weights and batches."""
    return int(np.random.SeedSequence((study, 1, trial)).generate_state(1)[0])
