"""A run's network is applied to new examples in their own units, by what was fitted in training."""

import json
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from asymnas import Architecture, Run, StudyConfig, run_search
from asymnas.core.budget import Budget
from asymnas.core.config import DataSpec
from asymnas.core.errors import StudyError
from asymnas.data.base import load_dataset, normal, preprocessing_of
from asymnas.data.splits import draw
from asymnas.networks.families import Problem
from asymnas.runs.directory import PREPROCESSING, Checkpoints, write_preprocessing
from asymnas.runs.run import TrainedArchitecture
from asymnas.space.space import Space
from asymnas.training.checkpoints import write_checkpoint
from asymnas.training.evaluation import evaluate
from asymnas.training.optimizer import AdamW

RNG = np.random.default_rng(0)

#: Raw examples by the name of their array, each with the family that takes them.
SORTS: Mapping[str, tuple[str, str, NDArray[Any]]] = {
    "rows": ("dense", "data", RNG.normal(size=(60, 6)) * 40 + 7),
    "images of bytes": ("conv2d", "data", RNG.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)),
    "images of floats": ("transformer", "data", RNG.normal(size=(40, 8, 8)) * 40 + 1000),
    "signals": ("conv1d", "signals", RNG.normal(size=(40, 2, 16)) * 3 - 50),
}


def made(directory: Path, family: str, key: str, raw: NDArray[Any]) -> TrainedArchitecture:
    """A network with fresh weights, in a run directory as training leaves it."""
    np.savez(directory / "a.npz", **{key: raw})
    data = load_dataset(DataSpec(name=f"npz:{directory / 'a.npz'}"))
    space = Space(
        encoder_family=family,
        decoder_family=family,
        problem=Problem(shape=data.shape, latent=4, bottleneck="dense"),
        kind="plain",
        budget=Budget(total_params=8_000),
        learning_rates=(1e-3, 1e-2),
    )
    architecture = space.sample(0).architecture
    model = architecture.build(0)
    optimizer = AdamW([list(model.parameters())], [1e-3], 0.01)
    write_checkpoint(Checkpoints(directory).path(3, 64), model, optimizer, 1)
    write_preprocessing(directory, preprocessing_of(data))
    loss = evaluate(model, normal(data, "validation"), kind="plain").loss
    return TrainedArchitecture(
        architecture=architecture,
        trial=3,
        values={"val_loss": loss},
        learning_rate=1e-3,
        run_dir=directory,
        examples=64,
    )


@pytest.fixture(params=list(SORTS), scope="module")
def best(request: pytest.FixtureRequest, tmp_path_factory: Any) -> tuple[TrainedArchitecture, Any]:
    """A made network of each sort of data, and the raw examples of its validation split."""
    raw = SORTS[request.param][2]
    directory = tmp_path_factory.mktemp("made")
    return made(directory, *SORTS[request.param]), raw[draw(len(raw), 0).validation]


def test_the_loss_of_raw_examples_is_the_reported_one(
    best: tuple[TrainedArchitecture, Any],
) -> None:
    network, raw = best
    prepared = network.preprocessing.prepare(raw)
    again = evaluate(network.load(), prepared, kind="plain").loss
    assert again == pytest.approx(network.values["val_loss"], rel=1e-7)


def test_new_examples_are_encoded_and_reconstructed_as_they_are(
    best: tuple[TrainedArchitecture, Any],
) -> None:
    network, raw = best
    codes, back = network.encode(raw), network.reconstruct(raw)
    assert codes.shape == (len(raw), 4)
    assert (back.shape, back.dtype == np.uint8) == (raw.shape, raw.dtype == np.uint8)
    x = network.preprocessing.prepare(raw)
    seen = x.float() / 255 if x.dtype == torch.uint8 else x
    with torch.no_grad():
        np.testing.assert_allclose(codes, network.load().encode(seen), rtol=1e-5, atol=1e-6)
        outputs = network.load()(seen).numpy()
    np.testing.assert_array_equal(network.preprocessing.restore(outputs, raw), back)
    one = network.encode(raw[:1])
    np.testing.assert_allclose(one, codes[:1], rtol=1e-4, atol=1e-5)


def test_without_preprocessing_or_with_a_damaged_one_a_line_says_what_to_do(tmp_path: Path) -> None:
    network = made(tmp_path, *SORTS["rows"])
    (tmp_path / PREPROCESSING).write_text("{")
    with pytest.raises(StudyError, match=r"damaged.*continue the run with its data") as caught:
        network.encode(SORTS["rows"][2])
    assert "\n" not in str(caught.value)
    (tmp_path / PREPROCESSING).unlink()
    with pytest.raises(StudyError, match=r"holds no best/preprocessing\.json.*earlier versions"):
        replace(network).reconstruct(SORTS["rows"][2])


def reported_again(run: Run, raw: Any) -> None:
    """The best loss of a run follows from best/ and the raw examples of its validation split."""
    folder, entry = run.directory / "best", run.summary["best"]
    architecture = Architecture.from_dict(json.loads((folder / "architecture.json").read_text()))
    model = architecture.build()
    model.load_state_dict(load_file(folder / "weights.safetensors"))
    rows = draw(len(raw), 0).validation
    held_out = raw.iloc[rows] if isinstance(raw, pd.DataFrame) else raw[rows]
    for examples in (
        normal(load_dataset(StudyConfig.from_dict(run.config).data()), "validation"),
        run.best.preprocessing.prepare(held_out),
    ):
        loss = evaluate(model, examples, kind=architecture.kind).loss
        assert loss == pytest.approx(entry["values"]["val_loss"], rel=5e-7)  # seven digits
    assert run.best.reconstruct(held_out).shape == held_out.shape


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "variational", "denoising", "vq", "fsq"])
@pytest.mark.parametrize(
    ("sort", "family"),
    [
        ("rows", "dense"),
        ("table", "dense"),
        *(("images of bytes", f) for f in ("dense", "conv2d", "transformer", "any")),
        *(("images of floats", f) for f in ("dense", "conv2d", "transformer", "any")),
        *(("signals", f) for f in ("dense", "conv1d", "transformer", "any")),
    ],
)
def test_what_a_run_reports_follows_from_what_it_keeps(
    tmp_path: Path, in_process: Executor, sort: str, family: str, kind: str
) -> None:
    raw: Any
    if sort == "table":
        rng, path = np.random.default_rng(1), tmp_path / "a.csv"
        towns = rng.choice(["Ulm", "Bonn", "Köln"], 90)
        frame = pd.DataFrame({"a": rng.normal(50, 9, 90), "b": rng.normal(size=90), "town": towns})
        gaps = rng.random(frame.shape) < 0.1
        frame.mask(gaps).dropna(how="all").to_csv(path, index=False)
        raw = pd.read_csv(path)
    else:
        _, key, raw = SORTS[sort]
        np.savez(path := tmp_path / "a.npz", **{key: raw})
    config = StudyConfig(
        dataset=f"{'csv' if sort == 'table' else 'npz'}:{path}",
        family=family,
        kind=kind,
        latent=4,
        budget=8_000,
        trials=2,
        examples=1_000,
        precision="fp32",
        metrics=(),
        run_dir=str(tmp_path / "run"),
    )
    reported_again(run_search(config, executor=in_process), raw)
