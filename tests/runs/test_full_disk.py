"""A disk that is full ends a run with one line; with room made, it goes on as if there had been."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .conftest import Command


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A file system of its own, of the size it is called with; it keeps its files."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = False

    def resized(size: str) -> Path:
        nonlocal mounted
        options = f"{'remount,' if mounted else ''}size={size}"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True
        )
        if done.returncode:
            pytest.skip("file systems cannot be mounted here")
        mounted = True
        return place

    yield resized
    if mounted:
        subprocess.run(["umount", str(place)], check=True)


def table(run_dir: Path) -> pd.DataFrame:
    return pd.read_csv(run_dir / "trials.csv").drop(columns="seconds")


@pytest.mark.slow
def test_a_run_on_a_full_disk_says_so_and_goes_on(
    disk: Callable[[str], Path], search: Callable[..., Command], tmp_path: Path
) -> None:
    np.savetxt(tmp_path / "t.csv", np.random.default_rng(0).normal(size=(200, 30)), delimiter=",")
    settings = "--workers 1 --trials 6 --examples 3000 --budget 20k --latent 4 --metrics mse"
    arguments = ("--dataset", "csv:t.csv", "--precision", "fp32", *settings.split(), "--run-dir")
    # the study's own tables do not fit, then its trials, then checkpoints, then results
    for size in ("100k", "300k", "600k", "1m"):
        run_dir = disk(size) / "run"
        code, out, err = search(*arguments, str(run_dir)).finish()
        assert code == 1, (size, out, err)
        last = err.strip().splitlines()[-1]
        assert last.startswith("error: "), (size, err)
        assert "Traceback" not in out + err, (size, err)
        print(size, last)
    disk("50m")
    code, out, err = search(*arguments, str(run_dir)).finish()
    assert code == 0, err
    code, out, err = search(*arguments, str(tmp_path / "uninterrupted")).finish()
    assert code == 0, err
    pd.testing.assert_frame_equal(table(run_dir), table(tmp_path / "uninterrupted"))
