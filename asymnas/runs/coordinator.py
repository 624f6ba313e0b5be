"""The one loop: ask, train a rung, prune, pause or go on, tell.

The coordinator is the only writer of trials. It keeps as many rungs in flight as there are workers,
and one more for several, so that none waits for it. It continues started trials before it asks for
new ones (but for those that the pruner lets wait), and stops at the exact number of finished
trials. What it must not lose is on disk before the study says so: the worker writes a checkpoint
before the rung that it ends enters the curve.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

from asymnas.analysis.gain import LEAST_GAIN
from asymnas.core import columns as t
from asymnas.core.errors import AsymnasError, CheckpointError, StudyError
from asymnas.core.files import write_whole
from asymnas.data.prepared import PreparedData
from asymnas.runs.candidates import Candidates
from asymnas.runs.directory import DASHBOARD, Checkpoints, losses_path, reconstruction_path
from asymnas.runs.failures import MOST_HANGS, Failures
from asymnas.runs.phases import Phase
from asymnas.runs.pruners import PRUNERS, PausingPruner
from asymnas.runs.snapshot import Ending, Snapshot
from asymnas.runs.study import METRICS_ATTRIBUTE, SearchStudy
from asymnas.runs.time_limits import MARGIN, TimeLimits, work_of
from asymnas.runs.trials import CPU_SECONDS, RUNG_OBJECTIVES, ActiveTrial, TrialStore
from asymnas.training.reconstructions import ORIGINAL, RECONSTRUCTION, reconstruction_png
from asymnas.training.rung import Job, RungResult, rung_steps, train_rung

MOST_DUPLICATES = 300  # in a row, before the space counts as exhausted
AHEAD = 1  # rungs in flight besides those that several workers are on
HEARTBEAT = 0.2  # seconds
FEW = 3  # finished trials before the time left is estimated


class Coordinator:
    """Runs one phase of a study to its number of trials.

    Args:
        phase: What to train, with `examples`, `workers` and `precision` resolved.
        study: Where trials live; this process holds its lease.
        executor: Where rungs are trained; a worker that takes too long is replaced, where the
            executor has `replace_worker`.
        observe: Called with a snapshot five times a second and after every change.
        prepared: The data of the run, where they are known beyond their name.
        stopping: Whether the run is to end, asked as often.
    """

    def __init__(
        self,
        phase: Phase,
        study: SearchStudy,
        executor: Executor,
        observe: Callable[[Snapshot], None],
        prepared: PreparedData | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        config = phase.config
        named = config.data()
        self._data = prepared if prepared is not None and prepared.spec == named else named
        self._phase, self._config, self._study = phase, config, study
        self._executor, self._observe, self._stopping = executor, observe, stopping
        self._lease = study.lease
        self._run_dir = Path(config.run_dir)
        self._checkpoints = Checkpoints(self._run_dir)
        self._prune = PRUNERS.get(config.pruner)
        self._prunes = config.pruner != "none"
        self._steps = rung_steps(config.examples or 0, config.batch_size, pruned=self._prunes)
        self._workers = config.workers or 1
        self._flights: dict[Future[RungResult], ActiveTrial] = {}
        self._replace_worker = getattr(executor, "replace_worker", None)
        # None ahead of a lone worker, whose interrupted run goes on as if nothing had happened, nor
        # where the executor would not have another worker train what one has broken at.
        self._ahead = AHEAD if self._workers > 1 and self._replace_worker is not None else 0
        self._limits = TimeLimits[Future[RungResult]](time.monotonic())
        self._ready: deque[ActiveTrial] = deque()
        self._waiting: list[ActiveTrial] = []  # for the pruner to say which is to go on
        self._failures = Failures(self._ready)
        self._candidates = Candidates(phase, study)
        self._store = TrialStore(study, config.trials)
        self._missing_at_start = self._store.missing
        self._began = time.monotonic()
        self._examples = 0
        self._duplicates_in_a_row = 0

    def run(self) -> Ending:
        """Runs until the study holds its trials, the time is up, or Ctrl-C.

        Rungs in flight at a time-out or an interruption are dropped; their trials stay open and go
        on from their last finished rung when the run is started again.

        Raises:
            StudyError: Trial after trial fails for one reason, which the message has, or breaks
                its worker; or the executor takes no more work. These trials stay open.
            AsymnasError: The data or the device is gone.
        """
        try:
            running = set(self._study.running())
            self._delete_superseded(running)
            for trial in self._checkpoints.trials() - running:  # a loss of power restores some
                seen, _ = self._study.recall(trial)[t.CURVE][-1]
                self._checkpoints.delete(trial, except_examples=seen)
            if self._store.missing:  # otherwise what is unfinished is of a later phase
                self._resume()
            return self._loop()
        except KeyboardInterrupt:
            return "interrupted"

    def _resume(self) -> None:
        """Makes what an earlier start left unfinished ready: all of it, before any is decided."""
        unfinished = self._candidates.unfinished()
        for active in [active for active in unfinished if self._begin(active, anew=False)]:
            self._go_on(active)
        self._missing_at_start -= len(self._waiting)

    def _loop(self) -> Ending:
        while not self._stopping():
            while self._room > 0 and (active := self._next()) is not None:
                self._submit(active)
                if self._stopping():
                    return "interrupted"
            self._observe(self._snapshot())
            if not self._flights:
                if not self._failures.alike:
                    return self._ending()
                self._tell_failed(self._failures.end_series())
                continue
            if self._late():
                return "timeout"
            done, _ = wait(self._flights, timeout=HEARTBEAT, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda f: self._flights[f].number):
                self._land(self._flights.pop(future), future)
            if not self._flights and not self._ready:
                self._failures.release()
            self._replace_hung()
            self._lease.check()
        return "interrupted"

    @property
    def _room(self) -> int:
        """Rungs to submit; a trial whose worker broke keeps its place until another has landed."""
        held = len(self._failures.held)
        return self._workers + self._ahead - held - len(self._flights)

    def _next(self) -> ActiveTrial | None:
        """The trial to train next: one that is to go on if any, else a new one if any is missing.

        When no more are to begin, the best of those that wait. After several broken workers in a
        row, and nothing at work, a control.
        """
        if self._failures.need_control and not self._flights:
            self._failures.control = self._candidates.control()
            return self._failures.control
        while self._store.missing > len(self._flights) + len(self._failures.open):
            if self._ready:
                return self._ready.popleft()
            begins = self._may_begin()
            if (waited := self._worthwhile(1.0 if begins else 0.0)) is not None:
                return waited
            if not begins:
                return None
            parallel = bool(self._flights or self._failures.held or self._waiting)
            active = self._candidates.new(parallel=parallel, paused=len(self._waiting))
            if self._begin(active, anew=True):
                self._go_on(active)
        return None

    def _may_begin(self) -> bool:
        """Whether another candidate is to be drawn."""
        begun = len(self._flights) + len(self._failures.open) + len(self._waiting)
        exhausted = self._duplicates_in_a_row >= MOST_DUPLICATES
        return self._store.missing > begun and not exhausted and not self._gains_too_little()

    def _worthwhile(self, least: float) -> ActiveTrial | None:
        """Of the trials that wait, the one that is worth most, if that is enough.

        Those that are worth nothing end here.

        Args:
            least: What it must be worth, against a new candidate; any that is worth something
                where this is 0.
        """
        if not isinstance(self._prune, PausingPruner) or not self._waiting:
            return None
        worth = dict(zip(self._waiting, self._store.worth(self._waiting, self._prune), strict=True))
        self._waiting = [active for active in worth if worth[active] > 0]
        for active in [active for active in worth if worth[active] <= 0]:
            self._tell(active, "pruned", {})
        best = max(self._waiting, key=lambda a: (worth[a], -a.number), default=None)
        if best is None or worth[best] < least:
            return None
        self._waiting.remove(best)
        return best

    def _gains_too_little(self) -> bool:
        """Whether the last trials were not worth their time, where a search is to end by that."""
        patience = self._config.patience
        gained = None if patience is None else self._store.gains.of_last(patience)
        return gained is not None and gained < LEAST_GAIN

    def _ending(self) -> Ending:
        """How a run ends that has nothing left to train."""
        if not self._store.missing:
            return "finished"
        return "patience" if self._gains_too_little() else "exhausted"

    def _begin(self, active: ActiveTrial, *, anew: bool) -> bool:
        """Takes a trial up, unless it is a duplicate, which is not trained.

        Of one that was just asked for, nothing is stored yet that could be read.
        """
        if not self._store.begin(active, repeats=self._phase.runs is not None):
            self._duplicates_in_a_row += 1
            return False
        self._duplicates_in_a_row = 0
        if not anew:
            self._load(active)
        self._store.note(active)
        return True

    def _load(self, active: ActiveTrial) -> None:
        """Takes up the curve of an earlier start, if its checkpoint is still there."""
        remembered = self._study.recall(active.number)
        if remembered.get(t.DUPLICATE_OF) is not None:  # of one that has failed since
            self._study.remember(active.number, {t.DUPLICATE_OF: None})
        curve = [(int(seen), float(loss)) for seen, loss in remembered.get(t.CURVE, [])]
        checkpoint = self._checkpoints.path(active.number, curve[-1][0]) if curve else None
        if checkpoint is not None and checkpoint.is_file():
            self._checkpoints.delete(active.number, except_examples=curve[-1][0])
            active.checkpoint = checkpoint
            active.curve, active.seconds = curve, float(remembered.get(t.SECONDS, 0))
            measured = remembered.get(RUNG_OBJECTIVES, {})  # written before the curve
            active.objectives = {name: values[: len(curve)] for name, values in measured.items()}
            active.metrics = dict(remembered.get(METRICS_ATTRIBUTE, {}))

    def _submit(self, active: ActiveTrial) -> None:
        config = self._config
        until = self._rung_after(active.examples)
        job = Job(
            architecture=active.architecture,
            data=self._data,
            learning_rate=active.learning_rate,
            rate_ratio=active.rate_ratio,
            batch_size=config.batch_size,
            seed=active.seed,
            until=until,
            total=self._steps[-1],
            checkpoint=active.checkpoint,
            save=self._checkpoints.path(active.number, until * config.batch_size),
            metrics=self._metrics(active),
            measure_below=self._measure_below(active),
            every_rung=self._every_rung,
            device=config.device,
            precision=config.precision,
            samples=until == self._steps[-1] and active.counts,
            test=self._phase.test,
            losses=self._losses(active),
        )
        if active is self._failures.control:  # one step, whose result is dropped
            job = replace(
                job, until=1, save=None, metrics=(), every_rung=(), samples=False, test=False
            )
        try:
            future = self._executor.submit(train_rung, job)
        except (BrokenExecutor, RuntimeError) as error:
            raise StudyError(
                f"the executor takes no more work ({error}): start again to go on from here"
            ) from error
        self._flights[future] = active
        self._limits.begin(future, self._work(active))

    @property
    def _every_rung(self) -> tuple[str, ...]:
        """Metrics that are taken after each rung: those pruned by, and those the phase wants."""
        pruned_by = self._store.measured_objectives() if self._prunes else []
        return (*pruned_by, *(n for n in self._phase.every_rung if n not in pruned_by))

    def _work(self, active: ActiveTrial) -> float:
        """The work of a trial's next rung."""
        until = self._rung_after(active.examples) * self._config.batch_size
        return work_of(until - active.examples, active.architecture.counts.total_macs)

    def _replace_hung(self) -> None:
        """Replaces workers that hang; their rungs are trained again elsewhere."""
        if self._replace_worker is None:
            return
        at_work = {future for future in self._flights if future.running()}
        for future, limit in self._limits.overdue(time.monotonic(), at_work).items():
            reason = (
                f"no answer within {limit:.0f} s, at least {MARGIN} times what rungs take for "
                "their size: the worker was replaced"
            )
            if self._replace_worker(future, reason):
                self._flights[future].hangs += 1

    def _losses(self, active: ActiveTrial) -> Path | None:
        """Where a sweep keeps the loss of each example: its data are part of what is uncertain."""
        kept = active.labels.get(t.PHASE) in (t.MEASURE, t.HORIZON_CHECK)
        sweep = kept and t.STRUCTURE in active.labels
        return losses_path(self._run_dir, active.number) if sweep else None

    def _metrics(self, active: ActiveTrial) -> tuple[str, ...]:
        """What a trial is measured by; one that only chooses a rate, by the objectives alone."""
        names, objectives = self._config.metrics or (), self._config.objectives
        return tuple(name for name in names if active.counts or name in objectives)

    def _measure_below(self, active: ActiveTrial) -> float:
        """The highest loss with which metrics that are no objective are worth their time."""
        if self._phase.measure_all:
            return math.inf
        return self._store.loss_to_join_front(active.attributes)

    def _land(self, active: ActiveTrial, future: Future[RungResult]) -> None:
        """Takes in a rung: lets the trial go on, finishes it, or has the rung trained again."""
        self._limits.end(future)
        try:
            result = future.result()
        except BrokenExecutor as error:
            self._break(active, error)
            return
        except CheckpointError as error:
            self._tell_failed(self._failures.lost(active, error))
            return
        except AsymnasError:
            raise  # the data or the device is gone, for this candidate and for all others
        except Exception as error:  # whatever a candidate breaks must not end the study
            if active is self._failures.control:
                self._break(active, error)
                return
            failure = f"{type(error).__name__}: {error}".splitlines()[0]
            self._tell_failed(self._failures.failed(active, failure))
            return
        self._tell_failed(self._failures.end_series())
        is_control = active is self._failures.control
        if not is_control:
            self._limits.measured(self._work(active), result.seconds)
        self._failures.trained(active)
        active.seconds += result.seconds
        if self._phase.every_rung:
            active.objectives.setdefault(CPU_SECONDS, []).append(result.cpu_seconds)
        if result.failure and not is_control:
            self._tell_failed([(active, result.failure)])
        elif not is_control:
            self._advance(active, result)
            self._go_on(active)
        self._failures.release()

    def _break(self, active: ActiveTrial, error: Exception) -> None:
        """Takes in a rung whose worker broke, or hung until it was replaced."""
        if active.hangs >= MOST_HANGS and active is not self._failures.control:
            self._tell_failed(self._failures.failed(active, f"{error}, {active.hangs} times"))
            return
        failure = self._failures.broke(active, error, alone=not self._flights)
        if failure is not None:
            self._tell_failed([(active, failure)])

    def _tell_failed(self, failed: Sequence[tuple[ActiveTrial, str]]) -> None:
        """Ends trials that failed, each with its failure."""
        for active, failure in failed:
            kept = {RUNG_OBJECTIVES: active.objectives} if self._phase.every_rung else {}
            attributes = {t.FAILURE: failure, t.SECONDS: active.seconds, **kept}
            self._tell(active, "failed", attributes)

    def _go_on(self, active: ActiveTrial) -> None:
        """Decides what becomes of a trial by its curve: new, continued, ended or left to wait."""
        if active.examples == self._steps[-1] * self._config.batch_size:
            loss = {t.VAL_LOSS: active.curve[-1][1]}
            self._tell(active, "complete", {**active.metrics, **loss})
        elif not active.curve or active.never_pruned:
            self._ready.append(active)
        elif isinstance(self._prune, PausingPruner):
            self._waiting.append(active)
        elif self._prune(*self._store.progress(active)):
            self._tell(active, "pruned", {})
        else:
            self._ready.append(active)

    def _advance(self, active: ActiveTrial, result: RungResult) -> None:
        """Takes a finished rung, saved by its worker, into the trial's curve."""
        seen, before = (
            self._rung_after(active.examples) * self._config.batch_size,
            active.examples,
        )
        active.checkpoint = self._checkpoints.path(active.number, seen)
        active.curve.append((seen, result.metrics[t.VAL_LOSS]))
        active.metrics = {n: v for n, v in result.metrics.items() if n != t.VAL_LOSS}
        for name in dict.fromkeys((*self._store.measured_objectives(), *self._phase.every_rung)):
            if name in result.metrics:
                active.objectives.setdefault(name, []).append(result.metrics[name])
        if result.samples is not None:
            self._show(active, result)
        remembered: dict[str, Any] = {}
        if seen == self._steps[-1] * self._config.batch_size:
            remembered[METRICS_ATTRIBUTE] = active.metrics
        if active.objectives:
            remembered[RUNG_OBJECTIVES] = active.objectives
        seconds = round(active.seconds, 3)
        self._study.remember(
            active.number, {**remembered, t.SECONDS: seconds, t.CURVE: active.curve}
        )
        self._study.report(active.number, seen, result.metrics[t.VAL_LOSS])
        self._checkpoints.delete(active.number, except_examples=seen)
        self._store.note(active)
        self._examples += seen - before

    def _show(self, active: ActiveTrial, result: RungResult) -> None:
        """Shows reconstructions in the dashboard, where nothing so far dominates the trial.

        Before the trial's curve ends, so that a crash cannot lose the picture, and before the trial
        is finished: Optuna takes no artifact of a finished one.
        """
        if result.samples is None:
            return
        if not self._store.would_join_front({**active.attributes, **result.metrics}):
            return
        path = reconstruction_path(self._run_dir, active.number)
        originals, outputs = result.samples
        write_whole(path, reconstruction_png({ORIGINAL: originals, RECONSTRUCTION: outputs}))
        self._study.attach(active.number, path, self._run_dir / DASHBOARD)

    def _tell(self, active: ActiveTrial, state: t.State, attributes: dict[str, Any]) -> None:
        """Finishes a trial and deletes what is kept of trials off the Pareto front."""
        if state == "failed":
            self._study.remember(active.number, attributes)
        row = {**active.attributes, **attributes}
        if (successor := self._store.finish(active, state, row)) is not None:
            self._load(successor)
            self._store.note(successor)
            self._ready.append(successor)
        started = (
            *self._flights.values(),
            *self._ready,
            *self._waiting,
            *self._failures.open,
        )
        self._delete_superseded({active.number for active in started})

    def _delete_superseded(self, started: set[int]) -> None:
        """Deletes weights and pictures of trials that are neither started nor on the front."""
        for trial in self._checkpoints.trials() - self._store.front - started:
            # The weights last: by them a trial is found here.
            reconstruction_path(self._run_dir, trial).unlink(missing_ok=True)
            self._checkpoints.delete(trial)

    def _rung_after(self, examples: int) -> int:
        """Steps at the end of the next rung."""
        return next(step for step in self._steps if step * self._config.batch_size > examples)

    def _late(self) -> bool:
        timeout = self._config.timeout
        return timeout is not None and time.monotonic() - self._began > timeout

    def _snapshot(self) -> Snapshot:
        store = self._store
        seconds, paused = time.monotonic() - self._began, len(self._waiting)
        missing = store.missing - paused  # most of what waits ends where it stands
        newly = self._missing_at_start - missing
        return Snapshot(
            phase=self._phase.name,
            wanted=max(store.wanted, store.finished),
            complete=store.states["complete"],
            pruned=store.states["pruned"],
            failed=store.states["failed"],
            duplicate=store.duplicates,
            running=min(len(self._flights), self._workers),
            paused=paused,
            best_loss=store.best_loss,
            front=len(store.front),
            examples=self._examples,
            seconds=seconds,
            seconds_left=seconds * missing / newly if newly >= FEW else None,
        )
