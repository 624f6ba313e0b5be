"""Steps that are recorded and replayed do what steps taken one by one do."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import pytest
import torch
from test_rung import job_of, job_of_kind

from asymnas.networks.kinds import KINDS, kind_of
from asymnas.training.rung import train_rung
from asymnas.training.steps import EAGER_STEPS, recording

STEPS = 40


@dataclass
class Recorder:
    """Plays the part of a CUDA graph on a CPU: what it records runs when it is replayed."""

    refuses: bool = False
    recorded: int = 0
    replayed: int = 0

    def __call__(
        self, function: Callable[[], None], generator: torch.Generator
    ) -> Callable[[], None]:
        self.recorded += 1
        if self.refuses:
            raise RuntimeError("operation not permitted when stream is capturing")

        def replay() -> None:
            self.replayed += 1
            function()

        return replay


def trained(job, monkeypatch, recorder=None):
    """Losses of a job; a rate held in fp32 changes their last digits."""
    with monkeypatch.context() as patch:
        patch.setattr("asymnas.training.rung.recording", lambda device: nullcontext(recorder))
        return pytest.approx(train_rung(job).metrics, rel=1e-4)


@pytest.mark.parametrize("kind", KINDS.names())
def test_replayed_steps_are_the_steps(kind, monkeypatch):
    job, recorder = job_of_kind(kind), Recorder()
    assert trained(job, monkeypatch, recorder) == trained(job, monkeypatch).expected
    steady = STEPS - max(EAGER_STEPS, kind_of(kind).steady_from * STEPS)
    assert (recorder.recorded, recorder.replayed) == (1, steady)


def test_each_side_keeps_its_rate(monkeypatch):
    job = job_of(rate_ratio=4.0)
    assert trained(job, monkeypatch, Recorder()) == trained(job, monkeypatch).expected


def test_a_step_that_cannot_be_recorded_is_taken_by_itself(monkeypatch):
    job, recorder = job_of_kind("denoising"), Recorder(refuses=True)
    assert trained(job, monkeypatch, recorder) == trained(job, monkeypatch).expected
    assert (recorder.recorded, recorder.replayed) == (1, 0)


def test_nothing_is_recorded_on_a_cpu():
    with recording(torch.device("cpu")) as record:
        assert record is None
