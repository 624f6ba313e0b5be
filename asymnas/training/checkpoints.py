"""Checkpoints as files: written whole by the worker, verified when read.

A checkpoint is what `torch.save` writes, a zip archive. Its CRC-32 sums are verified before it is
used, because `torch.load` does not verify them: a flipped bit would pass as another weight.
"""

import pickle
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from asymnas.core.errors import CheckpointError
from asymnas.core.files import whole_file
from asymnas.networks.kinds import Autoencoder
from asymnas.training.optimizer import AdamW

FIELDS = {"model", "optimizer", "step"}


def write_checkpoint(path: Path, model: Autoencoder, optimizer: AdamW, step: int) -> None:
    """Writes a model in training whole or not at all, synced to disk.

    Args:
        path: The file; its folder is made if missing.
        model: On any device.
        optimizer: The model's.
        step: Steps taken.

    Raises:
        OSError: The file cannot be written.
    """
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    with whole_file(path) as file:
        torch.save(state, file)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a checkpoint, its tensors on the CPU.

    Returns:
        `model` and `optimizer`, the state dicts of both, and `step`.

    Raises:
        CheckpointError: It is missing, cut short or damaged.
        OSError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            with zipfile.ZipFile(file) as archive:
                damaged = archive.testzip()
            if damaged is not None:
                raise CheckpointError(f"the checkpoint {path} is damaged in its record {damaged}")
            file.seek(0)
            saved: Any = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"the checkpoint {path} is missing") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise CheckpointError(f"the checkpoint {path} is damaged: {error}") from error
    except (pickle.UnpicklingError, RuntimeError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"the checkpoint {path} cannot be read: {reason}") from error
    if not isinstance(saved, dict) or set(saved) != FIELDS:
        raise CheckpointError(f"the checkpoint {path} does not hold {', '.join(sorted(FIELDS))}")
    return saved


def load_weights(model: Autoencoder, path: Path) -> Autoencoder:
    """Gives a freshly built model the weights of a checkpoint.

    Raises:
        CheckpointError: The checkpoint is missing, cut short or damaged, or of another network.
        OSError: The file cannot be read.
    """
    with _fits(path):
        model.load_state_dict(read_checkpoint(path)["model"])
    return model


def resume(path: Path, model: Autoencoder, optimizer: AdamW) -> int:
    """Gives a freshly built model and its optimizer their state; returns the steps taken.

    Raises:
        CheckpointError: The checkpoint is missing, cut short or damaged, or of another network.
        OSError: The file cannot be read.
    """
    saved = read_checkpoint(path)
    with _fits(path):
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        return int(saved["step"])


@contextmanager
def _fits(path: Path) -> Iterator[None]:
    """Turns what torch raises for the state of something else into one line."""
    try:
        yield
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise CheckpointError(f"the checkpoint {path} is of another network: {reason}") from error
