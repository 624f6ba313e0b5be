"""Scaling that is fitted on the training split alone."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asymnas.core.errors import DataError
from asymnas.data.affine import Affine
from asymnas.data.splits import Splits


def varying(train: NDArray[Any]) -> NDArray[np.bool_]:
    """Which columns of `train` `[n, d]` hold more than one value: a mask `[d]`.

    Raises:
        DataError: None does.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mask = (train.min(axis=0) < train.max(axis=0)) & (train.std(axis=0) != 0)
    if not mask.any():
        raise DataError(
            f"every column is constant on the {len(train)} training row(s), so nothing can be "
            "learnt: add columns that vary"
        )
    return np.asarray(mask)


def standardise(rows: Splits) -> Splits:
    """Gives every training column mean 0 and standard deviation 1; float32 `[n, d]`.

    A column that is constant on the training split becomes 0 there: its deviation counts as 1.

    Raises:
        DataError: No column varies, or values are so great that their deviation overflows.
    """
    varying(rows.train)
    return _standardised(rows)


def standardise_channels(signals: Splits) -> Splits:
    """Gives each channel of the training signals mean 0 and standard deviation 1.

    The samples of a channel share one mean and one deviation, so that waveforms keep their form. A
    channel that is constant on the training split becomes 0 there: its deviation counts as 1.

    Args:
        signals: `[n, channels, length]`.

    Returns:
        The same as float32.

    Raises:
        DataError: No channel varies, or values are so great that their deviation overflows.
    """
    train = signals.train
    if (train.min(axis=(0, 2)) == train.max(axis=(0, 2))).all():
        raise DataError("every channel is constant on the training signals: nothing to learn")
    scaler = standard_scaler(train.swapaxes(1, 2).reshape(-1, train.shape[1]))
    return _changed(signals, Affine(scaler.mean_[:, None], scaler.scale_[:, None]))


def to_unit_range(images: Splits) -> Splits:
    """Maps the training split's least and greatest value to 0 and 1; float32.

    Raises:
        DataError: All training values are equal, or so great that their range overflows.
    """
    low, high = float(images.train.min()), float(images.train.max())
    if not low < high:
        raise DataError(
            f"every value of the training images is {low:g}: nothing can be learnt; add others"
        )
    scale = high - low
    _check_overflow(np.array([scale]), images.train)
    return _changed(images, Affine(np.array(low), np.array(scale)))


def value_range(train: NDArray[Any]) -> float:
    """Greatest minus least value of the training split."""
    return float(train.max() - train.min())


def standard_scaler(train: NDArray[Any]) -> Any:
    """scikit-learn's `StandardScaler`, fitted on the training rows `[n, d]`.

    Raises:
        DataError: Values are so great that their deviation overflows.
    """
    from sklearn.preprocessing import StandardScaler

    with np.errstate(over="ignore", invalid="ignore"):
        scaler = StandardScaler().fit(train)
    _check_overflow(scaler.scale_, train)
    return scaler


def _standardised(rows: Splits) -> Splits:
    scaler = standard_scaler(rows.train)
    return _changed(rows, Affine(scaler.mean_, scaler.scale_))


def _changed(examples: Splits, affine: Affine) -> Splits:
    """The examples as float32, with a record of how they were changed."""
    return replace(examples.map(affine.apply), scalings=(*examples.scalings, affine))


def _check_overflow(scale: NDArray[Any], train: NDArray[Any]) -> None:
    if not np.isfinite(scale).all():
        raise DataError(
            f"values up to {np.abs(train).max():.1e} are too great to scale: divide them first"
        )


def full_scale(greatest: int) -> tuple[int, str]:
    """What becomes 1 of whole numbers from 0, by the greatest of all, and a note of it.

    The greatest itself up to 63 (classes, 4 bits), else the full scale of 8, 10, 12, 14 or 16 bits.
    """
    depths = [2**bits - 1 for bits in (8, 10, 12, 14, 16)]
    full = greatest if greatest < 64 else next(depth for depth in depths if depth >= greatest)
    return full, f"whole numbers up to {greatest}: read as value / {full}"
