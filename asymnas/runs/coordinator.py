"""The one loop: ask, train a rung, prune or go on, tell.

The coordinator is the only writer of trials. It keeps as many rungs in flight as there are
workers, continues started trials before it asks for new ones, and stops at the exact number of
finished trials. What it must not lose is on disk before the study says so: the worker writes a
checkpoint before the rung that it ends enters the curve.
"""

import io
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from asymnas.analysis.front import nondominated, objective_values, pareto_front, scored
from asymnas.core import columns as t
from asymnas.core.errors import AsymnasError, CheckpointError, StudyError
from asymnas.core.files import write_whole
from asymnas.networks.architecture import Architecture
from asymnas.runs.directory import DASHBOARD, Checkpoints, reconstruction_path
from asymnas.runs.phases import Phase
from asymnas.runs.pruners import PRUNERS, Progress
from asymnas.runs.study import METRICS_ATTRIBUTE, SearchStudy, Trial
from asymnas.space.space import Candidate
from asymnas.training.reconstructions import reconstruction_grid
from asymnas.training.rung import Job, RungResult, rung_steps, train_rung

NEVER_PRUNED_EVERY = 10  # one trial in ten is never pruned


@dataclass(eq=False)
class Running:
    """What the coordinator knows of a trial in training.

    Args:
        number: The trial's.
        candidate: What it trains.
        curve: Examples seen and validation loss, by rung.
        seconds: Time workers have spent on it.
        checkpoint: The file that the next rung starts from.
        metrics: What the last rung was measured by, the validation loss left out.
        attempts: Workers that died at the present rung.
    """

    number: int
    candidate: Candidate
    curve: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    checkpoint: Path | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    attempts: int = 0

    @property
    def never_pruned(self) -> bool:
        """Whether it is never pruned, so that what pruning costs can be estimated."""
        return self.number % NEVER_PRUNED_EVERY == 0

    @property
    def measures(self) -> bool:
        """Whether the run counts, and does not just choose a structure or a learning rate."""
        return bool(self.candidate.labels.get(t.PHASE, t.MEASURE) == t.MEASURE)

    @property
    def examples(self) -> int:
        """Training examples seen."""
        return self.curve[-1][0] if self.curve else 0

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """What the study remembers of the candidate from the start."""
        architecture = self.candidate.architecture
        counts = architecture.counts
        encoder_dense, decoder_dense = architecture.dense_fractions()
        return {
            **self.candidate.labels,
            t.NEVER_PRUNED: self.never_pruned,
            t.ARCHITECTURE: architecture.to_dict(),
            t.LEARNING_RATE: self.candidate.learning_rate,
            **{name: getattr(counts, name) for name in (*t.COUNT_COLUMNS, t.SHARED_PARAMS)},
            t.DECODER_SHARE: counts.decoder_share,
            t.ENCODER_DENSE: encoder_dense,
            t.DECODER_DENSE: decoder_dense,
        }


class Ledger:
    """The books of one study.

    Args:
        study: The study; this process holds its lease.
        wanted: Finished trials it is to hold.
    """

    def __init__(self, study: SearchStudy, wanted: int) -> None:
        self.study, self.wanted = study, wanted
        self._costly = [o.name for o in study.objectives if o.name in t.COUNT_COLUMNS]
        self._duplicates: dict[int, int] = {}
        self._trained: dict[str, int] = {}
        self._progress: dict[int, Progress] = {}
        self.refresh()
        for row in self.table.to_dict("records"):
            if row[t.STATE] != "running" and pd.isna(row[t.DUPLICATE_OF]):
                self._trained[Architecture.from_dict(row[t.ARCHITECTURE]).key()] = row[t.TRIAL]
                self.note(row[t.TRIAL], row[t.CURVE], row)

    def refresh(self) -> None:
        """Reads the trial table anew, and what follows from it."""
        self.table = self.study.table()
        self.front = pareto_front(self.table, self.study.objectives)
        own = self.table[self.table[t.DUPLICATE_OF].isna()]
        states = own[t.STATE].value_counts()
        self.states = {state: int(states.get(state, 0)) for state in t.STATES}
        self.duplicates = len(self.table) - len(own)

    @property
    def missing(self) -> int:
        """Finished trials that the run lacks, those in training included."""
        finished = sum(n for state, n in self.states.items() if state != "running")
        return max(0, self.wanted - finished)

    @property
    def best_loss(self) -> float | None:
        """Lowest validation loss of a complete trial."""
        complete = self.table[self.table[t.STATE] == "complete"][t.VAL_LOSS].dropna()
        return float(complete.min()) if len(complete) else None

    def note(self, trial: int, curve: Any, counts: Mapping[str, Any]) -> None:
        """Takes down how far a trial has got, for the pruner."""
        self._progress[trial] = Progress(
            curve=tuple((int(examples), float(loss)) for examples, loss in curve),
            costs=tuple(float(counts[name]) for name in self._costly),
        )

    def progress(self, trial: int) -> tuple[Progress, list[Progress]]:
        """How far a trial has got, and all its peers."""
        peers = [other for number, other in self._progress.items() if number != trial]
        return self._progress[trial], peers

    def claims(self, trial: int, key: str) -> bool:
        """Whether the trial is the first with its architecture; otherwise it is a duplicate.

        A duplicate is never trained: it ends as the trial ends that has its architecture.
        """
        original = self._trained.setdefault(key, trial)
        if original == trial:
            return True
        self.study.remember(trial, {t.DUPLICATE_OF: original})
        self._duplicates[trial] = original
        self._settle_duplicates()
        return False

    def tell(self, trial: int, state: t.State, row: Mapping[str, Any]) -> None:
        """Finishes a trial, and the duplicates that waited for it."""
        self.study.tell(trial, state, row)
        self.refresh()
        self._settle_duplicates()

    def stands(self, row: Mapping[str, Any]) -> bool:
        """Whether nothing complete so far dominates these values."""
        objectives = self.study.objectives
        mine = np.asarray([[row[o.name] for o in objectives]], dtype=float)
        others = objective_values(scored(self.table, objectives), objectives)
        return bool(nondominated(np.vstack([others, mine]), objectives)[-1])

    def _settle_duplicates(self) -> None:
        rows = self.table.set_index(t.TRIAL)
        finished = set(rows.index[rows[t.STATE] != "running"])
        settled = {n: original for n, original in self._duplicates.items() if original in finished}
        for number, original in settled.items():
            del self._duplicates[number]
            row = rows.loc[original]
            self.study.tell(number, row[t.STATE], row)
        if settled:
            self.refresh()


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Where a run stands.

    Args:
        phase: What is going on.
        wanted: Finished trials the run is to hold at the end of the phase.
        complete: Trials trained to the end.
        pruned: Trials stopped early.
        failed: Trials that diverged or broke.
        duplicate: Draws of an architecture already trained; they cost nothing.
        running: Trials in training.
        best_loss: Lowest validation loss of a complete trial, if any.
        front: Size of the front.
        examples: Training examples seen by this start of the run.
        seconds: Time since this start.
        seconds_left: Estimated time to the end, if there is an estimate.
    """

    wanted: int
    phase: str = "trials"
    complete: int = 0
    pruned: int = 0
    failed: int = 0
    duplicate: int = 0
    running: int = 0
    best_loss: float | None = None
    front: int = 0
    examples: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None

    @property
    def finished(self) -> int:
        """Complete, pruned and failed."""
        return self.complete + self.pruned + self.failed


Ending = Literal["finished", "timeout", "interrupted", "exhausted"]

ATTEMPTS = 3  # at a rung whose worker died
MOST_DUPLICATES = 300  # in a row, before the space counts as exhausted
HEARTBEAT = 0.2  # seconds
FEW = 3  # finished trials before the time left is estimated


class Coordinator:
    """Runs one phase of a study to its number of trials.

    Args:
        phase: What to train, with `examples`, `workers` and `precision` settled.
        study: Where trials live; this process holds its lease.
        executor: Where rungs are trained.
        observe: Called with a snapshot five times a second and after every change.
    """

    def __init__(
        self,
        phase: Phase,
        study: SearchStudy,
        executor: Executor,
        observe: Callable[[Snapshot], None],
    ) -> None:
        config = phase.config
        self._phase, self._config, self._study = phase, config, study
        self._executor, self._observe = executor, observe
        self._lease = study.lease
        self._run_dir = Path(config.run_dir)
        self._checkpoints = Checkpoints(self._run_dir)
        self._prune = PRUNERS.get(config.pruner)
        self._steps = rung_steps(config.examples or 0, config.batch_size)
        self._workers = config.workers or 1
        self._flights: dict[Future[RungResult], Running] = {}
        self._ready: deque[Running] = deque()
        self._ledger = Ledger(study, config.trials)
        self._checkpoints.delete_drafts()
        self._missing_at_start = self._ledger.missing
        self._began = time.monotonic()
        self._examples = 0
        self._duplicates_in_a_row = 0

    def run(self) -> Ending:
        """Runs until the study holds its trials, the time is up, or Ctrl-C.

        Rungs in flight at a time-out or an interruption are dropped; their trials stay open and go
        on from their last finished rung when the run is started again.
        """
        try:
            if self._ledger.missing:  # otherwise what is unfinished is of a later phase
                self._take_up()
            return self._loop()
        except KeyboardInterrupt:
            return "interrupted"

    def _take_up(self) -> None:
        """Makes what an earlier start left unfinished ready: all of it, before any is decided."""
        unfinished = self._study.unfinished(self._config.sampler, self._config.seed)
        mine = [trial for trial in unfinished if self._phase.source.holds(trial.number)]
        begun = [running for trial in mine if (running := self._begin(trial)) is not None]
        for running in begun:
            self._go_on(running)

    def _loop(self) -> Ending:
        while True:
            while len(self._flights) < self._workers and (running := self._next()) is not None:
                self._submit(running)
            self._observe(self._snapshot())
            if not self._flights:
                return "exhausted" if self._ledger.missing else "finished"
            if self._late():
                return "timeout"
            done, _ = wait(self._flights, timeout=HEARTBEAT, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda f: self._flights[f].number):
                self._land(self._flights.pop(future), future)
            self._lease.check()

    def _next(self) -> Running | None:
        """The trial to train next: a started one if any, else a new one if any is missing."""
        config = self._config
        while self._ledger.missing > len(self._flights):
            if self._ready:
                return self._ready.popleft()
            if self._duplicates_in_a_row >= MOST_DUPLICATES:
                return None
            parallel = bool(self._flights)
            asked = self._study.ask(
                config.sampler, config.seed, parallel=parallel, presets=self._phase.presets
            )
            if (running := self._begin(asked)) is not None:
                self._go_on(running)
        return None

    def _begin(self, trial: Trial) -> Running | None:
        """Describes a trial and takes it up; `None` if its architecture is another trial's."""
        running = Running(number=trial.number, candidate=self._phase.source.suggest(trial))
        self._study.describe(running.number, running.attributes)
        replicate = running.candidate.seed is not None
        if not replicate and not self._ledger.claims(
            running.number, running.candidate.architecture.key()
        ):
            self._duplicates_in_a_row += 1
            return None
        self._duplicates_in_a_row = 0
        self._resume(running)
        self._ledger.note(running.number, running.curve, running.attributes)
        return running

    def _resume(self, running: Running) -> None:
        """Takes up the curve of an earlier start, if its checkpoint is still there."""
        remembered = self._study.recall(running.number)
        curve = [(int(seen), float(loss)) for seen, loss in remembered.get(t.CURVE, [])]
        checkpoint = self._checkpoints.path(running.number, curve[-1][0]) if curve else None
        if checkpoint is not None and checkpoint.is_file():
            running.checkpoint = checkpoint
            running.curve, running.seconds = curve, float(remembered.get(t.SECONDS, 0))
            running.metrics = dict(remembered.get(METRICS_ATTRIBUTE, {}))

    def _submit(self, running: Running) -> None:
        config = self._config
        until = self._rung_after(running.examples)
        seed = running.candidate.seed
        job = Job(
            architecture=running.candidate.architecture,
            data=config.data(),
            learning_rate=running.candidate.learning_rate,
            batch_size=config.batch_size,
            seed=seed if seed is not None else _seed(config.seed, running.number),
            until=until,
            total=self._steps[-1],
            checkpoint=running.checkpoint,
            save=self._checkpoints.path(running.number, until * config.batch_size),
            metrics=self._metrics(running),
            device=config.device,
            precision=config.precision,
            samples=until == self._steps[-1] and running.measures,
            test=self._phase.test,
        )
        try:
            self._flights[self._executor.submit(train_rung, job)] = running
        except (BrokenExecutor, RuntimeError) as error:
            raise StudyError(
                f"the executor takes no more work ({error}): start again to go on from here"
            ) from error

    def _metrics(self, running: Running) -> tuple[str, ...]:
        """What a trial is measured by; one that only chooses a rate, by the objectives alone."""
        names, objectives = self._config.metrics or (), self._config.objectives
        return tuple(name for name in names if running.measures or name in objectives)

    def _land(self, running: Running, future: Future[RungResult]) -> None:
        """Takes in a rung: lets the trial go on, or finishes it."""
        try:
            result = future.result()
        except BrokenExecutor as error:
            running.attempts += 1
            if running.attempts < ATTEMPTS:
                self._ready.appendleft(running)
                return
            result = RungResult(failure=f"{error}, {ATTEMPTS} times at this rung")
        except CheckpointError:
            running.checkpoint, running.curve, running.metrics = None, [], {}
            self._ready.appendleft(running)
            return
        except AsymnasError:
            raise  # the data or the device is gone, for this candidate and for all others
        except Exception as error:  # whatever a candidate breaks must not end the study
            result = RungResult(failure=f"{type(error).__name__}: {error}".splitlines()[0])
        running.attempts = 0
        running.seconds += result.seconds
        if result.failure:
            self._tell(running, "failed", {t.FAILURE: result.failure, t.SECONDS: running.seconds})
            return
        self._advance(running, result)
        self._go_on(running)

    def _go_on(self, running: Running) -> None:
        """Decides what becomes of a trial by its curve: new, continued, pruned or complete."""
        if running.examples == self._steps[-1] * self._config.batch_size:
            loss = {t.VAL_LOSS: running.curve[-1][1]}
            self._tell(running, "complete", {**running.metrics, **loss})
        elif (
            running.curve
            and not running.never_pruned
            and self._prune(*self._ledger.progress(running.number))
        ):
            self._tell(running, "pruned", {})
        else:
            self._ready.append(running)

    def _advance(self, running: Running, result: RungResult) -> None:
        """Takes a finished rung, saved by its worker, into the trial's curve."""
        seen, before = (
            self._rung_after(running.examples) * self._config.batch_size,
            running.examples,
        )
        running.checkpoint = self._checkpoints.path(running.number, seen)
        running.curve.append((seen, result.metrics[t.VAL_LOSS]))
        running.metrics = {n: v for n, v in result.metrics.items() if n != t.VAL_LOSS}
        if result.samples is not None:
            self._picture(running, result)
        if seen == self._steps[-1] * self._config.batch_size:
            self._study.remember(running.number, {METRICS_ATTRIBUTE: running.metrics})
        seconds = round(running.seconds, 3)
        self._study.remember(running.number, {t.SECONDS: seconds, t.CURVE: running.curve})
        self._checkpoints.delete(running.number, except_examples=seen)
        self._ledger.note(running.number, running.curve, running.attributes)
        self._examples += seen - before

    def _picture(self, running: Running, result: RungResult) -> None:
        """Shows reconstructions in the dashboard, where nothing so far dominates the trial.

        Before the trial's curve ends, so that a crash cannot lose the picture, and before the trial
        is told: Optuna takes no artifact of a finished one.
        """
        standing = self._ledger.stands({**running.attributes, **result.metrics})
        if result.samples is None or not standing:
            return
        picture = io.BytesIO()
        reconstruction_grid(*result.samples).save(picture, "PNG")
        path = reconstruction_path(self._run_dir, running.number)
        write_whole(path, picture.getvalue())
        self._study.attach(running.number, path, self._run_dir / DASHBOARD)

    def _tell(self, running: Running, state: t.State, attributes: dict[str, Any]) -> None:
        """Finishes a trial and drops what is kept of trials off the front."""
        if state == "failed":
            self._study.remember(running.number, attributes)
        self._ledger.tell(running.number, state, {**running.attributes, **attributes})
        members = {int(number) for number in self._ledger.front[t.TRIAL]}
        started = {r.number for r in (*self._flights.values(), *self._ready)}
        for trial in self._checkpoints.trials() - members - started:
            self._checkpoints.delete(trial)
            reconstruction_path(self._run_dir, trial).unlink(missing_ok=True)

    def _rung_after(self, examples: int) -> int:
        """Steps at the end of the next rung."""
        return next(step for step in self._steps if step * self._config.batch_size > examples)

    def _late(self) -> bool:
        timeout = self._config.timeout
        return timeout is not None and time.monotonic() - self._began > timeout

    def _snapshot(self) -> Snapshot:
        ledger = self._ledger
        seconds, newly = time.monotonic() - self._began, self._missing_at_start - ledger.missing
        return Snapshot(
            phase=self._phase.name,
            wanted=ledger.wanted,
            complete=ledger.states["complete"],
            pruned=ledger.states["pruned"],
            failed=ledger.states["failed"],
            duplicate=ledger.duplicates,
            running=len(self._flights),
            best_loss=ledger.best_loss,
            front=len(ledger.front),
            examples=self._examples,
            seconds=seconds,
            seconds_left=seconds * ledger.missing / newly if newly >= FEW else None,
        )


def _seed(study: int, trial: int) -> int:
    """The seed of a trial's weights and batches."""
    return int(np.random.SeedSequence((study, 1, trial)).generate_state(1)[0])
