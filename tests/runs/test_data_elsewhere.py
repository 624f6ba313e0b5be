"""What follows a search up reads the search's own data, from wherever it is started, or stops."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from asymnas import Run
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.core.errors import StudyError
from asymnas.runs.confirmation_plan import open_search, plan_control
from asymnas.runs.execute import execute
from asymnas.runs.plan import SearchPlan, plan_search
from asymnas.runs.study import open_study

from .conftest import small_search
from .made_results import Made


def write(path: Path, n: int = 60, columns: int = 5, seed: int = 0) -> None:
    rows = np.random.default_rng(seed).normal(size=(n, columns))
    np.savetxt(path, rows, delimiter=",", fmt="%.4f")


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> SearchPlan:
    """A search that was run in `work`, every path relative."""
    work = tmp_path_factory.mktemp("place") / "work"
    work.mkdir()
    write(work / "t.csv")
    config = replace(
        small_search(Path("run")),
        dataset="csv:t.csv?header=no",
        data_root="root",
        trials=3,
        latent=2,
        metrics=(),
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(work)
        plan = plan_search(config)
        with execute(plan, executor=Made()):
            pass
    return plan


@pytest.fixture
def work(search: SearchPlan, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the search was run, and its data as they were."""
    place = Path(search.config.run_dir).parent
    monkeypatch.chdir(place)
    yield place
    write(place / "t.csv")
    shutil.rmtree(place / "run" / "sweep", ignore_errors=True)


@pytest.mark.parametrize("spelling", ["{work}/run", "../work/run", "{work}/../work/./run", "link"])
def test_a_confirmation_from_another_directory_reads_the_search_s_data(
    spelling: str, search: SearchPlan, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = work.parent / "other"
    other.mkdir(exist_ok=True)
    write(other / "t.csv", seed=1)  # of the same name and form
    if spelling == "link":
        (other / "link").symlink_to(work / "run")
    monkeypatch.chdir(other)
    confirmation = ConfirmationConfig(run_dir=spelling.format(work=work))
    control = plan_control(confirmation, open_search(confirmation))
    assert torch.equal(control.data.train, search.data.train)
    assert control.config.data_root == str(work / "root")
    assert Path(control.config.run_dir).resolve() == work / "run" / "control"
    assert control.config.data() == search.config.data()


CHANGES = {
    "other rows": ({"seed": 1}, "the content of the training split changed"),
    "fewer rows": ({"n": 50}, r"the training split had 44 examples, now 36"),
    "another form": ({"columns": 4}, r"examples were float32 \[5\], now float32 \[4\]"),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES)
def test_a_confirmation_on_changed_data_stops_before_it_trains(
    change: dict[str, int], said: str, work: Path
) -> None:
    write(work / "t.csv", **change)
    confirmation = ConfirmationConfig(run_dir="run")
    with pytest.raises(StudyError, match=said):
        plan_control(confirmation, open_search(confirmation))
    assert not (work / "run" / "control").exists()


def swept(search: SearchPlan, dataset: str, **settings: int) -> tuple[str, ...]:
    """What the search's report leaves out, where a sweep of other data lies in its directory."""
    config = replace(search.config, dataset=dataset, run_dir="run/sweep", storage="", **settings)
    plan = plan_search(config)
    sweep = SimpleNamespace(
        config=plan.config,
        space=plan.space,
        data=plan.data,
        notes=(),
        purpose="sweep",
        design={"shares": 3},
        remarks={},
    )
    open_study(sweep).close()
    run = Run.open(Path("run"))
    assert (run.sweep is None) == bool(run.left_out)
    return run.left_out


ELSEWHERE = {  # what the other file holds; what is said of it
    "the same": ({}, ""),
    "other rows": (
        {"seed": 1},
        "the content of the training split changed, the content of the validation split changed, "
        "the content of the test split changed",
    ),
    "fewer rows": ({"n": 50}, "there were 60 examples, now 50"),
    "another form": ({"columns": 4}, "examples were float32 [5], now float32 [4]"),
}


@pytest.mark.parametrize(("change", "said"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_report_leaves_out_a_sweep_of_other_data(
    change: dict[str, int], said: str, search: SearchPlan, work: Path, tmp_path: Path
) -> None:
    write(tmp_path / "t.csv", **change)
    left_out = swept(search, f"csv:{tmp_path / 't.csv'}?header=no")
    if not said:
        assert left_out == ()
        return
    assert left_out == (f"The sweep in sweep/ is about something else: {said}.",)


def test_a_sweep_on_other_splits_of_the_same_data_counts(
    search: SearchPlan, work: Path, tmp_path: Path
) -> None:
    assert swept(search, search.config.dataset, split_seed=5) == ()


def test_a_sweep_of_another_source_is_left_out(
    search: SearchPlan, work: Path, tmp_path: Path
) -> None:
    shutil.copy(work / "t.csv", tmp_path / "t.csv")
    (left_out,) = swept(search, f"csv:{tmp_path / 't.csv'}?header=no&drop=0")
    assert "is about something else: dataset csv:" in left_out
