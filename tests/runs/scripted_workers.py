"""Workers in threads of this process that end, break, hang and answer late, by a clock of its own.

They are workers of the real pool. The clock is the one by which the coordinator replaces those that
hang; it advances only while one does, so that nothing depends on how fast the machine is.
"""

import math
import pickle
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from asymnas.core.errors import CheckpointError, WorkerError
from asymnas.core.files import write_whole
from asymnas.runs.executors.pool import WorkerPool
from asymnas.runs.executors.worker import BROKEN, ERROR, RESULT
from asymnas.runs.time_limits import work_of
from asymnas.training.rung import Job, RungResult, rung_steps, train_rung

from .made_results import Made, made_result

STEP_S = 2.0  # by which the clock advances at a time
LOOK_S = 0.002  # between two looks at whether a worker hangs
STUCK_S = 60.0  # without an answer, a sleeper or a failure: a call is lost
LEAST_S, MARGIN = 600.0, 20.0  # what decision 0028 says of the time that a rung may take
PATIENCE_S = 7_200.0  # of a person who waits for the first rung, which has no limit
ENDS_IDLE = 0.03  # workers that end after they have answered
JUMPS = 0.01  # steps in which the machine sleeps as well
LONGEST_JUMP_S = 100_000.0


class Clock:
    """A clock that advances while a worker sleeps; within a process it jumps forward only.

    Args:
        random: Decides when the machine sleeps. It is the clock's own: others draw in threads.
        now: Where the clock begins.

    Attributes:
        now: Seconds, as `time.monotonic` has them.
        awake: Seconds in which the machine did not sleep.
        impatient: Whether a person ends the run after `PATIENCE_S`.
    """

    def __init__(self, random: Random, now: float) -> None:
        self.now, self.awake, self.impatient = now, 0.0, True
        self._random = random
        self._lock = threading.Lock()
        self._due: dict[threading.Event, float] = {}
        self._began = 0.0

    def sleep(self, woken: threading.Event, seconds: float) -> None:
        """Has an event set after so many seconds of the clock."""
        with self._lock:
            self._due[woken], self._began = self.awake + seconds, self.awake

    def wake(self, woken: threading.Event) -> bool:
        """Sets an event at once; returns whether its time had not come."""
        with self._lock:
            asleep = self._due.pop(woken, None) is not None
        woken.set()
        return asleep

    def wait(
        self,
        futures: Collection[Future[Any]],
        timeout: float | None = None,
        return_when: str = FIRST_COMPLETED,
    ) -> Any:
        """In place of `concurrent.futures.wait`: returns when one is done, or after a step."""
        end = time.monotonic() + STUCK_S
        while time.monotonic() < end:
            if self._due:
                self._step()
                if self._due:
                    return set(), set(futures)
            found = wait(futures, LOOK_S, return_when)
            if found.done:
                return found
        raise AssertionError("a call was lost")

    def _step(self) -> None:
        self.awake += STEP_S
        self.now += STEP_S
        if self._random.random() < JUMPS:
            self.now += self._random.uniform(0, LONGEST_JUMP_S)
        if self.awake - self._began > PATIENCE_S:
            if self.impatient:
                raise KeyboardInterrupt
            raise AssertionError(f"a worker hangs for {PATIENCE_S:.0f} s and is not replaced")
        for woken in [woken for woken, due in self._due.items() if due <= self.awake]:
            self.wake(woken)


class Script:
    """What the workers of one start do with the rungs that they are given.

    Args:
        random: Decides it.
        clock: The workers' and the coordinator's.
        pace: Seconds that a rung takes per unit of its work.
        troubled: The part of the rungs that something happens to, each of them once.

    Attributes:
        begun: The job of every rung that was begun, in order.
        troubles: What happened to those that came to nothing.
        lost: Checkpoints that could not be read.
        wrong: What the pool or the coordinator did that it should not have done.
        ended: Whether the start has ended, and its workers with it.
    """

    def __init__(self, random: Random, clock: Clock, pace: float, troubled: float) -> None:
        self.random, self.clock, self.pace, self.troubled = random, clock, pace, troubled
        self.begun: list[Job] = []
        self.troubles: list[str] = []
        self.wrong: list[str] = []
        self.lost = 0
        self.ended = False
        self._met = set[tuple[str, int]]()

    def trouble(self, job: Job) -> str:
        """What happens to a rung that begins; empty for nothing."""
        self.begun.append(job)
        rung = job.architecture.key(), job.until
        if rung in self._met or self.random.random() >= self.troubled:
            return ""
        self._met.add(rung)
        return self.random.choice(("ends", "breaks", "hangs", "late"))

    def seconds(self, job: Job) -> float:
        """How long a rung takes."""
        steps = rung_steps(job.total * job.batch_size, job.batch_size)
        before = max((step for step in steps if step < job.until), default=0)
        examples = (job.until - before) * job.batch_size
        return self.pace * work_of(examples, job.architecture.counts.total_macs)

    def result(self, job: Job) -> RungResult:
        """What a rung comes to, if its checkpoint can be read."""
        if job.checkpoint is not None and job.checkpoint.read_bytes() != b"made":
            self.lost += 1
            raise CheckpointError(f"{job.checkpoint} is damaged")
        return replace(made_result(job), seconds=self.seconds(job))


class ScriptedWorker:
    """A worker of the pool, in this process.

    Args:
        script: What it does.
    """

    queues = False

    def __init__(self, script: Script) -> None:
        self._script, self._clock = script, script.clock
        self._made = Made(script.result, write=write_whole)
        self._woken = threading.Event()
        self._killed = self.has_ended = False
        self._began = self._limit = 0.0

    def wait_until_started(self) -> None:
        """It is ready at once."""

    def exchange(self, call: bytes) -> bytes:
        """Answers a call, sooner or later or never.

        One that answers late has written its checkpoint before. If it is replaced meanwhile it
        answers all the same, as where the answer and the end of the patience with it cross.
        """
        _, (job,), _ = pickle.loads(call)
        trouble = self._script.trouble(job)
        if trouble == "ends":
            self._script.troubles.append("a worker ends")
            raise EOFError("it ended")
        if trouble == "breaks":
            self._script.troubles.append("a worker breaks")
            return pickle.dumps((BROKEN, WorkerError("its device failed")))
        answer = None if trouble == "hangs" else self._answer(job)
        if trouble:
            self._limit = max(LEAST_S, MARGIN * self._script.seconds(job))
            late = trouble == "late"
            self._sleep(self._script.random.uniform(0, 2 * self._limit) if late else math.inf)
        if answer is None:
            raise EOFError("it was killed")
        if not self._killed:  # otherwise another one is at work, and draws
            self._clock.impatient &= answer[0] != RESULT
            self.has_ended = self._script.troubled > 0 and self._script.random.random() < ENDS_IDLE
        return pickle.dumps(answer)

    def kill(self) -> None:
        """Ends it."""
        self._killed = True
        asleep = self._clock.wake(self._woken)
        if self._script.ended:
            return
        waited = self._clock.awake - self._began
        if not asleep:
            self._script.wrong.append("a worker was replaced that does not hang")
        elif not self._limit < waited <= self._limit + 2 * STEP_S:
            self._script.wrong.append(f"replaced after {waited} s, the limit is {self._limit} s")
        self._script.troubles.append(f"a worker hangs for {waited:.0f} s")

    def end(self) -> None:
        """Nothing is left to end."""

    def reason(self, error: Exception) -> str:
        """What it raised."""
        return f"a worker ended: {error}"

    def _answer(self, job: Job) -> tuple[str, Any]:
        future = self._made.submit(train_rung, job)
        error = future.exception()
        return (RESULT, future.result()) if error is None else (ERROR, error)

    def _sleep(self, seconds: float) -> None:
        self._began = self._clock.awake
        self._clock.sleep(self._woken, seconds)
        if self._killed:  # meanwhile
            self._clock.wake(self._woken)
        self._woken.wait()
        self._woken.clear()


@contextmanager
def scripted(script: Script, workers: int, wall: Random) -> Iterator[WorkerPool]:
    """Workers that follow a script; within the context the run goes by their clock.

    Args:
        script: What they do.
        workers: How many there are. One call at a time is in flight: their number decides who
            takes it where one of them has failed on it.
        wall: Decides the time of day when a trial begins, which jumps back and forth.
    """

    def now() -> datetime:
        return datetime(2026, 1, 1) + timedelta(days=wall.uniform(-1_000, 1_000))

    with pytest.MonkeyPatch.context() as patched:
        monotonic = SimpleNamespace(monotonic=lambda: script.clock.now)
        patched.setattr("asymnas.runs.coordinator.time", monotonic)
        patched.setattr("asymnas.runs.execute.time", monotonic)
        patched.setattr("asymnas.runs.coordinator.wait", script.clock.wait)
        patched.setattr("asymnas.runs.study.draft.datetime", SimpleNamespace(now=now))
        patched.setattr("asymnas.runs.executors.tasks.FIRST_PAUSE", 0.0)
        pool = WorkerPool([lambda: ScriptedWorker(script)] * workers, name="worker")
        try:
            yield pool
        finally:
            script.ended = True
            pool.shutdown(cancel_futures=True)
