"""A small sweep that is killed, or fails, at each of its writes: nothing is lost or done twice.

What a phase trains follows from the table of the phases before, so a trial that was lost, or
trained twice, would change all that comes after it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asymnas.core import columns as t
from asymnas.runs.sweep_plan import plan_sweep
from asymnas.training.machine_failures import machine_failure
from asymnas.training.rung import Job, RungResult

from .kill_points import Whole, check, whole_of
from .made_results import Made
from .test_sweep_plan import made_sweep, sweep_of

pytestmark = pytest.mark.usefixtures("in_memory")

SWEEPS: dict[str, dict[str, Any]] = {
    "structures": {"screen": 2, "seeds": 1, "study": {"examples": 128}},
    "rates": {"screen": 1, "rates": 3, "seeds": 1, "study": {"examples": 64}},
}
PHASES = {"structures": [t.SCREENING, t.MEASURE], "rates": [t.TUNING, t.MEASURE]}
KINDS = ("killed", "full", "broken")
SOME = 6  # points of each kind of fault and sweep, in the tests that are always run


def with_losses(job: Job) -> RungResult:
    """A made result, and the loss of each example where it is kept.

    A disk that fails is the machine's doing and not the candidate's, as where training writes.
    """
    result = made_sweep(job)
    if job.losses is not None and job.last:
        try:
            job.losses.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise machine_failure(error) or error from error
        with job.losses.open("wb") as file:
            np.savez(file, np.full(5, result.metrics[t.VAL_LOSS], dtype=np.float32))
    return result


@pytest.fixture(scope="module", params=SWEEPS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp(request.param)
    plan = plan_sweep(sweep_of(folder / "plan", **SWEEPS[request.param]))
    whole = whole_of(plan, lambda: Made(with_losses), folder)
    assert list(whole.table[t.PHASE].drop_duplicates()) == PHASES[request.param]
    assert any(name.startswith("losses/trial_") for name in whole.files)
    assert len(whole.writes) > 300
    return whole


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.slow
def test_a_sweep_ends_as_if_nothing_had_happened_at_any_write(
    kind: str, whole: Whole, tmp_path: Path
) -> None:
    check(kind, whole, range(1, len(whole.writes) + 1), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.slow
@pytest.mark.essential
def test_a_sweep_ends_as_if_nothing_had_happened_at_some_writes(
    kind: str, whole: Whole, tmp_path: Path
) -> None:
    """Spread over the whole of it, other ones for each kind."""
    offset, writes = KINDS.index(kind) + 1, len(whole.writes)
    check(kind, whole, range(13 * offset, writes, writes // SOME), tmp_path)
