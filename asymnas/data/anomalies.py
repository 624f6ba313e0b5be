"""One class of a labelled data set as its anomalies: `NAME?anomaly=CLASS`."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import Dataset, PerSplit, without_options
from asymnas.data.examples import Examples
from asymnas.data.scaling import standardise, value_range
from asymnas.data.splits import Splits


def named_class(spec: DataSpec) -> tuple[DataSpec, str]:
    """Takes the class off `NAME?anomaly=CLASS`; empty where none is named.

    Names with a colon are left alone: what follows it may have options of its own.

    Raises:
        DataError: Another option, or one without a value.
    """
    if ":" in spec.name:
        return spec, ""
    spec, options = without_options(spec, ("anomaly",), takes="", value="CLASS")
    return spec, options.get("anomaly", "")


def hold_out(data: Dataset, name: str, given: str) -> Dataset:
    """Makes one class the anomalies: nothing trains on it, the held-out splits keep it.

    What was standardised is so anew, on the training rows that are left.

    Args:
        data: A data set with labels and without anomalies.
        name: What it is called.
        given: The class's id, as a person wrote it.

    Raises:
        DataError: No labels, anomalies already, no such class, or nothing left to train on.
    """
    if data.anomalies is not None:
        raise DataError(f"{name} has anomalies of its own: leave out ?anomaly={given}")
    if data.labels is None:
        raise DataError(
            f"{name} has no labels, so that no class can be its anomalies: leave out "
            f"?anomaly={given}, or take a data set with labels"
        )
    classes = [str(label) for label in sorted(set(torch.cat(list(data.labels)).tolist()))]
    if given not in classes:
        raise DataError(f"{name} has no class {given!r}: it has {', '.join(classes)}")
    odd = PerSplit(*(labels == int(given) for labels in data.labels))
    usual = ~odd.train
    rest = replace(
        data,
        train=_taken(data.train, usual),
        labels=data.labels._replace(train=data.labels.train[usual]),
        anomalies=odd._replace(train=odd.train[usual]),
        notes=(
            *data.notes,
            f"class {given} as anomalies: {int(odd.train.sum()):,} training examples left out, "
            f"{int(odd.validation.sum()):,} to validate, {int(odd.test.sum()):,} to test",
        ),
    )
    return _standardised(rest) if len(data.shape) == 1 else rest


def _taken(examples: Examples, mask: Tensor) -> Examples:
    if not mask.any():
        raise DataError("no class would be left to train on: name another one")
    return examples[mask]


def _standardised(data: Dataset) -> Dataset:
    """Rows with mean 0 and standard deviation 1 on the training split."""
    parts: list[Any] = [data.train, data.validation, data.test]
    rows = standardise(Splits(*(part.numpy().astype("float64") for part in parts)))
    train, validation, test = (torch.from_numpy(part) for part in rows)
    span = value_range(rows.train)
    return replace(data, train=train, validation=validation, test=test, data_range=span)
