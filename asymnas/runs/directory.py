"""Names in a run directory, and where the runs that belong to one question lie.

A search's directory holds beside its own files the runs that follow it up, each a run directory of
its own: `sweep`, `control` (the symmetric search), `confirmation` and, in `repeats`, more searches
of both kinds.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asymnas.core.errors import DamageError, DataError, StudyError
from asymnas.core.files import DATABASE, RUN_FOLDERS, STORAGE, whole_file, write_whole
from asymnas.core.text import one_line
from asymnas.data.preprocessing import Preprocessing
from asymnas.networks.architecture import Architecture
from asymnas.networks.kinds import Autoencoder
from asymnas.training.checkpoints import load_weights

REPORT = "report.html"
SUMMARY = "summary.json"
CONFIRMATION = "confirmation.json"

SWEEP_DIR = "sweep"
CONTROL_DIR = "control"
CONFIRMATION_DIR = "confirmation"
REPEATS_DIR = "repeats"  # further searches of a confirmation, each with its own control

#: What a run writes, and clears when it starts over.
OWNED = (
    "trials.csv",
    SUMMARY,
    REPORT,
    *RUN_FOLDERS,
    "workers.log",
    CONFIRMATION,
)

#: Runs in a search's directory that are about this search and no other: a fresh one has none yet.
DERIVED = (CONTROL_DIR, CONFIRMATION_DIR, REPEATS_DIR)


def storage_of(directory: Path) -> tuple[str, str | None]:
    """The storage URL and the study's name of a run directory.

    Raises:
        StudyError: No run is there, or the file that names its storage is damaged.
    """
    elsewhere = directory / STORAGE
    if elsewhere.is_file():
        try:
            values = json.loads(elsewhere.read_text())
            return values["storage"], values["study"]
        except (ValueError, KeyError, TypeError) as error:
            raise StudyError(
                f"{elsewhere} is damaged: it names no storage and study; put a copy of it in its "
                "place, or run the command that began the run again"
            ) from error
    if not (directory / DATABASE).is_file():
        raise StudyError(f"{directory} holds no run: it has no {DATABASE}; start one with a search")
    return f"sqlite:///{directory / DATABASE}", None


CHECKPOINTS = Path("artifacts") / "checkpoints"
RECONSTRUCTIONS = Path("artifacts") / "reconstructions"
PREPARED = Path("artifacts") / "prepared"  # the data as workers map them, while the run goes on
LOSSES = Path("losses")
GROUPS = "groups.npz"
PREPROCESSING = Path("best") / "preprocessing.json"
DASHBOARD = Path("artifacts") / "dashboard"  # Optuna's artifact store, named by its own ids


class Checkpoints:
    """Names of the checkpoints in a run directory, by trial and examples seen; workers write them.

    Args:
        run_dir: The run's directory.
    """

    def __init__(self, run_dir: Path) -> None:
        self._folder = run_dir / CHECKPOINTS

    def path(self, trial: int, examples: int) -> Path:
        """Where a trial's checkpoint after that many examples lies, or will lie."""
        return self._folder / f"trial_{trial:05d}_{examples}.pt"

    def delete(self, trial: int, *, except_examples: int | None = None) -> None:
        """Deletes a trial's checkpoints: all, or all but the one after that many examples."""
        kept = None if except_examples is None else self.path(trial, except_examples)
        for path in self._folder.glob(f"trial_{trial:05d}_*.pt"):
            if path != kept:
                path.unlink(missing_ok=True)

    def trials(self) -> set[int]:
        """Numbers of the trials that have a checkpoint."""
        return {int(path.name.split("_")[1]) for path in self._folder.glob("trial_*_*.pt")}


def losses_path(run_dir: Path, trial: int) -> Path:
    """Where the validation loss of each example lies, for a run of a sweep that counts."""
    return run_dir / LOSSES / f"trial_{trial:05d}.npz"


def write_example_groups(run_dir: Path, groups: NDArray[np.int64] | None) -> None:
    """Keeps which of the examples, in the order of their losses, belong together `[n]`."""
    if groups is not None:
        with whole_file(run_dir / LOSSES / GROUPS) as file:
            np.savez(file, groups)


def example_groups(run_dir: Path) -> NDArray[np.int64] | None:
    """What `write_example_groups` kept; `None` where it kept nothing.

    Raises:
        DamageError: The file is damaged.
    """
    path = run_dir / LOSSES / GROUPS
    if path.exists():
        return _array(path)
    earlier = path.with_suffix(".npy")
    return _array(earlier) if earlier.exists() else None


def example_losses(run_dir: Path) -> dict[int, NDArray[np.float32]]:
    """The validation losses `[n]` of the runs that kept them, by trial.

    Raises:
        DamageError: One of the files is damaged.
    """
    paths = sorted((run_dir / LOSSES).glob("trial_*.np[yz]"))  # `.npy` in runs of earlier versions
    return {int(path.stem.removeprefix("trial_")): _array(path) for path in paths}


def _array(path: Path) -> NDArray[Any]:
    """The one array of a file; that of an archive, by its checksum, as it was written."""
    try:
        with path.open("rb") as file:
            loaded = np.load(file)
            if isinstance(loaded, np.ndarray):
                return loaded
            (name,) = loaded.files
            array: NDArray[Any] = loaded[name]
            return array
    except Exception as error:  # what NumPy and zipfile make of damaged bytes: of any type
        raise DamageError(
            f"{path} is damaged ({one_line(error)}): put a copy of it in its place, or delete it "
            "to go without its part of the spread over examples"
        ) from error


def reconstruction_path(run_dir: Path, trial: int) -> Path:
    """Where the picture of a trial's reconstructions lies."""
    return run_dir / RECONSTRUCTIONS / f"trial_{trial:05d}.png"


def write_preprocessing(run_dir: Path, preprocessing: Preprocessing) -> None:
    """Keeps what new examples go through before a network of the run takes them."""
    write_whole(run_dir / PREPROCESSING, preprocessing.to_text() + "\n")


def holds_preprocessing(run_dir: Path) -> bool:
    """Whether `write_preprocessing` kept something there; runs of earlier versions did not."""
    return (run_dir / PREPROCESSING).is_file()


def read_preprocessing(run_dir: Path) -> Preprocessing:
    """What `write_preprocessing` kept.

    Raises:
        StudyError: Nothing is there, as in runs of earlier versions, or it is damaged.
    """
    path = run_dir / PREPROCESSING
    again = "continue the run with its data, by the command that began it, and it is written"
    try:
        return Preprocessing.from_text(path.read_text())
    except FileNotFoundError as error:
        raise StudyError(
            f"{run_dir} holds no {PREPROCESSING}, as runs of earlier versions do not, so new "
            f"examples cannot be prepared: {again}; load() gives the network alone"
        ) from error
    except (OSError, UnicodeError, DataError) as error:
        raise StudyError(f"{path} cannot be read: {error}; {again} anew") from error


def load_trained(
    run_dir: Path, trial: int, examples: int, architecture: Architecture
) -> Autoencoder:
    """Builds a trial's architecture with the weights it was trained to, in evaluation mode.

    Raises:
        StudyError: The run has kept no weights of that trial: it is not on the front.
        CheckpointError: The weights are damaged.
    """
    checkpoint = Checkpoints(run_dir).path(trial, examples)
    if not checkpoint.is_file():
        raise StudyError(
            f"{run_dir} holds no weights of trial {trial}: a run keeps those of its front; build() "
            "gives the architecture with fresh weights"
        )
    return load_weights(architecture.build(), checkpoint).eval()
