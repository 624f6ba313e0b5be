"""Every family with every kind on every sort of data: from the search to the network reloaded."""

from concurrent.futures import Executor
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from asymnas import StudyConfig, find_best_architecture, run_search
from asymnas.core import columns as t
from asymnas.core.config import DataSpec
from asymnas.core.errors import ConfigError
from asymnas.data.base import load_dataset, normal
from asymnas.networks.architecture import unsupported_reason
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.kinds import KINDS, kind_of
from asymnas.runs.directory import REPORT, SUMMARY
from asymnas.runs.plan import default_family, plan_search
from asymnas.training.evaluation import evaluate

from .conftest import executed

pytestmark = pytest.mark.usefixtures("in_memory")

SORTS = ("digits", "signals", "breast-cancer-anomalies", "csv", "npz")  # images, signals, tables
OTHERS = ("photos", "wine", "breast-cancer", "deep-generator", "linear-generator")
NATURAL = {
    "conv2d": "digits",
    "conv1d": "signals",
    "dense": "breast-cancer-anomalies",
    "transformer": "digits",
}
MADE = ("csv", "npz")
SPECS = (*KINDS.names(), "plain:loss=l1", "variational:likelihood=bernoulli,beta=0.5")


@lru_cache
def _shape(dataset: str) -> tuple[int, ...]:
    return load_dataset(DataSpec(name=dataset)).shape


def _made(directory: Path, sort: str) -> str:
    """Data of the user's own: a table with gaps and words, or small images of two channels."""
    rng = np.random.default_rng(0)
    if sort == "csv":
        table = pd.DataFrame(rng.normal(size=(90, 5)).cumsum(1), columns=list("abcde"))
        table["word"] = rng.choice(["red", "green", "blue"], 90)
        table.loc[::9, "c"] = np.nan
        table["class"] = rng.integers(0, 3, 90)
        table.to_csv(directory / "own.csv", index=False)
        return f"csv:{directory / 'own.csv'}?label=class"
    ramp = np.linspace(0, 1, 12 * 10).reshape(12, 10)
    images = ramp * rng.uniform(0.2, 1, (90, 2, 1, 1))
    np.savez(directory / "own.npz", images=images.astype(np.float32))
    return f"npz:{directory / 'own.npz'}"


def _bottleneck(family: str, shape: tuple[int, ...], kind: str) -> str | None:
    """The first bottleneck that the combination takes."""
    for bottleneck in ("dense", "spatial"):
        if (
            unsupported_reason(
                family, family, Problem(shape=shape, latent=4, bottleneck=bottleneck), kind
            )
            is None
        ):
            return bottleneck
    return None


def _config(tmp_path: Path, dataset: str, family: str, kind: str) -> StudyConfig:
    return StudyConfig(
        dataset=dataset,
        family=family,
        kind=kind,
        latent=4,
        budget=12_000,
        trials=3,
        examples=1_600,
        batch_size=32,
        pruner="none",
        workers=1,
        precision="fp32",
        run_dir=str(tmp_path / "run"),
    )


def _unsuited(config: StudyConfig) -> bool:
    """Whether the data cannot be what the kind needs; then a run must end before it starts."""
    if not kind_of(config.kind).unit_interval:
        return False
    data = load_dataset(config.data())
    return data.train.dtype != torch.uint8 and not all(
        chunk.min() >= 0 and chunk.max() <= 1
        for split in (data.train, data.validation, data.test)
        for chunk in split.split(1_000)
    )


def _refusal(config: StudyConfig, shape: tuple[int, ...]) -> str:
    """What a run that cannot be must say before it starts; empty if it can be."""
    family, kind = str(config.family), config.kind
    problem = Problem(shape=shape, latent=config.latent, bottleneck=config.bottleneck or "dense")
    if unsupported_reason(family, family, problem, kind):
        return family
    return "values from 0 to 1" if _unsuited(config) else ""


def _chosen() -> dict[tuple[str, str], bool]:
    """Two kinds or more of each family and each kind once; `True` for the first of a family.

    These first ones are not slow, or run in CI. All others differ from the chosen ones in a pair
    that the contract tests of kinds and families cover.
    """
    families = FAMILIES.names()
    pairs = [(kind, families[i % len(families)]) for i, kind in enumerate(KINDS.names())]
    pairs += [("masked", "transformer"), ("plain", "conv2d")]
    seen: set[str] = set()
    first = {}
    for kind, family in pairs:
        takes = kind != "masked" or family == "transformer"
        first[kind, family] = takes and family not in seen
        seen |= {family} if takes else set()
    return first


CHOSEN = _chosen()


def _marks(kind: str, family: str, dataset: str) -> list[pytest.MarkDecorator]:
    """One pair is fast, CI runs the first of each other family, the rest is slow."""
    if not CHOSEN.get((kind, family)) or NATURAL[family] != dataset:
        return [pytest.mark.slow]
    return [] if family == "dense" else [pytest.mark.slow, pytest.mark.essential]


def _cases() -> list[Any]:
    """Every kind with every family on each sort of data, and other data sets."""
    cases = [
        pytest.param(kind, family, dataset, marks=_marks(kind, family, dataset))
        for kind, family, dataset in product(SPECS, FAMILIES.names(), SORTS)
    ]
    return cases + [
        pytest.param("plain", None, dataset, marks=pytest.mark.slow) for dataset in OTHERS
    ]


@pytest.mark.parametrize(("kind", "family", "dataset"), _cases())
def test_a_search_ends_in_a_network(
    tmp_path: Path, in_process: Executor, kind: str, family: str | None, dataset: str
) -> None:
    """From the search to the report and the best network reloaded, or refused before it starts."""
    named = _made(tmp_path, dataset) if dataset in MADE else dataset
    shape = _shape(named)
    family = family or default_family(shape)
    config = _config(tmp_path, named, family, kind)
    config = replace(config, bottleneck=_bottleneck(family, shape, kind) or "dense")
    if said := _refusal(config, shape):
        with pytest.raises(ConfigError, match=said):
            plan_search(config)
        return
    published = CHOSEN.get((kind, family), True)
    if published:
        run = run_search(config, executor=in_process)
    else:
        run, _ = executed(plan_search(config), in_process)
    states = run.table[t.STATE].value_counts().to_dict()
    assert sum(states.values()) >= 3
    assert states.get("complete", 0) >= 1, run.table[[t.STATE, t.FAILURE]].to_string()
    directory = Path(config.run_dir)
    if published:
        for name in (SUMMARY, REPORT, "trials.csv", "best/weights.safetensors"):
            assert (directory / name).exists()
    best = find_best_architecture(directory)
    assert best.architecture.kind == config.kind
    data = load_dataset(config.data())
    model = best.load()
    found = evaluate(model, normal(data, "validation"), kind=config.kind)
    assert found.loss == pytest.approx(best.values["val_loss"], rel=1e-4)
    x = torch.rand(3, *shape)
    assert torch.equal(find_best_architecture(directory).load()(x), model(x))
    assert model.decode(model.encode(x)).shape == x.shape


def test_the_natural_data_are_of_every_family() -> None:
    assert set(NATURAL) == set(FAMILIES.names())
