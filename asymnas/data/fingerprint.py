"""What identifies the content of a data set, so that a continued run notices that it changed."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from asymnas.data.base import CHUNK, Dataset
from asymnas.data.examples import Examples, Indexed
from asymnas.data.images.stored import StoredRows
from asymnas.data.splits import NAMES, RULE

TOLERANCE = 1e-6  # relative to the spread of the values; other machines round differently


def fingerprint(data: Dataset) -> dict[str, Any]:
    """Describes a data set in a few JSON values; `changes` compares two such descriptions.

    Whole numbers (uint8 examples, labels, anomalies) are described by a digest of all values in
    their order. float32 examples, whose last digits depend on the processor, are described by
    their mean, their standard deviation and a projection on fixed weights, which depends on the
    order of rows and columns. Images that are not held in memory are described by the names, sizes
    and times of modification of their files, and by their order.

    Returns:
        `rule`, the version of the rule that assigns examples to splits, and for each of `train`,
        `validation` and `test` a dictionary of `examples`, `shape`, `dtype`, `content`, `labels`,
        `anomalies` and `groups`; the last three are `None` where the data set has none.
    """
    described: dict[str, Any] = {"rule": RULE}
    for split in NAMES:
        examples: Examples = getattr(data, split)
        labels = None if data.labels is None else getattr(data.labels, split)
        anomalies = None if data.anomalies is None else getattr(data.anomalies, split)
        groups = None if data.groups is None else getattr(data.groups, split)
        described[split] = {
            "examples": len(examples),
            "shape": list(examples.shape[1:]),
            "dtype": str(examples.dtype).removeprefix("torch."),
            "content": _content(examples),
            "labels": None if labels is None else _digest(labels),
            "anomalies": None if anomalies is None else _digest(anomalies),
            "groups": None if groups is None else _digest(groups),
        }
    return described


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Says what differs between two fingerprints, one phrase per difference; empty if nothing.

    Args:
        before: An earlier fingerprint, perhaps read back from JSON.
        now: A later one.
    """
    phrases = []
    if before["rule"] != now["rule"]:
        phrases.append(
            f"the rule that assigns examples to splits had version {before['rule']}, now "
            f"{now['rule']}"
        )
    other_form = _other_form(before, now)
    phrases += other_form
    for split, name in NAMES.items():
        old, new = before[split], now[split]
        if old["examples"] != new["examples"]:
            phrases.append(
                f"the {name} split had {old['examples']:,} examples, now {new['examples']:,}"
            )
        elif other_form:
            continue
        elif not _same_content(old["content"], new["content"]):
            phrases.append(f"the content of the {name} split changed")
        else:
            phrases += [
                f"the {what} of the {name} split changed"
                for what in ("labels", "anomalies")
                if old[what] != new[what]
            ]
            if old.get("groups", new["groups"]) != new["groups"]:  # unknown to 0.1
                phrases.append(f"the groups of the {name} split changed")
    return phrases


def changes_of_whole(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """As `changes`, but of what does not depend on how the data are split."""
    totals = [sum(data[split]["examples"] for split in NAMES) for data in (before, now)]
    phrases = _other_form(before, now)
    if totals[0] != totals[1] and before["rule"] == now["rule"]:
        phrases.append(f"there were {totals[0]:,} examples, now {totals[1]:,}")
    return phrases


def _other_form(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A phrase if an example has another shape or type."""
    old, new = before["train"], now["train"]
    if (old["shape"], old["dtype"]) == (new["shape"], new["dtype"]):
        return []
    return [f"examples were {old['dtype']} {old['shape']}, now {new['dtype']} {new['shape']}"]


def _content(examples: Examples) -> str | dict[str, float]:
    """All values of a split in their order, `[n, *shape]`, as a digest or a few numbers."""
    if isinstance(examples, Indexed) and isinstance(examples.source, StoredRows):
        return _digest(examples.order, prefix=examples.source.state)
    if examples.dtype == torch.uint8:
        digest = blake2b(digest_size=16)
        for chunk in examples.split(CHUNK):
            digest.update(chunk.contiguous().numpy().data)
        return digest.hexdigest()
    return _projected(examples)


def _digest(values: Tensor, prefix: str = "") -> str:
    """A digest of whole numbers or truth values, `[n]`."""
    digest = blake2b(prefix.encode(), digest_size=16)
    digest.update(values.contiguous().numpy().astype("<i8").data)
    return digest.hexdigest()


def _projected(examples: Examples) -> dict[str, float]:
    """Mean, standard deviation and a projection of float32 examples `[n, *shape]`."""
    rows, columns = len(examples), examples.shape[1:].numel()
    of_columns = _weights(0, columns, 2_246_822_519)
    total, squares, projection, start = 0.0, 0.0, 0.0, 0
    for chunk in examples.split(CHUNK):
        values = chunk.reshape(len(chunk), columns).double()
        total += float(values.sum())
        squares += float(values.square().sum())
        of_rows = _weights(start, start + len(chunk), 2_654_435_769)
        projection += float(of_rows @ (values @ of_columns))
        start += len(chunk)
    mean = total / (rows * columns)
    return {
        "mean": mean,
        "deviation": max(squares / (rows * columns) - mean**2, 0.0) ** 0.5,
        "projection": projection / (rows * columns) ** 0.5,
    }


def _weights(start: int, stop: int, factor: int) -> Tensor:
    """Fixed numbers evenly spread from -0.5 to 0.5, the same on every machine; float64."""
    return (torch.arange(start, stop) * factor % 2**32).double() / 2**32 - 0.5


def _same_content(old: Any, new: Any) -> bool:
    """Whether digests are equal, or numbers are up to rounding."""
    if isinstance(old, str) or isinstance(new, str):
        return bool(old == new)
    tolerance = TOLERANCE * (abs(new["mean"]) + new["deviation"])
    return all(abs(old[name] - new[name]) <= tolerance for name in new)
