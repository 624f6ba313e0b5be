"""On a GPU: the same learning as on the CPU, resumable, and readable anywhere."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_rung import DIGITS, METRICS, RUNGS, job_of, job_of_kind

from asymnas import Run, StudyConfig, find_best_architecture, run_search
from asymnas.networks.families import FAMILIES
from asymnas.networks.kinds import KINDS
from asymnas.training.checkpoints import load_weights, read_checkpoint
from asymnas.training.evaluation import evaluate
from asymnas.training.loaded_data import loaded_dataset
from asymnas.training.metrics import METRICS as ALL_METRICS
from asymnas.training.rung import train_rung

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


@pytest.mark.parametrize("family", FAMILIES.names())
def test_a_family_learns_as_on_the_cpu(family):
    there, here = (train_rung(job_of(family, device=device)) for device in ("cuda", "cpu"))
    assert there.metrics["val_loss"] == pytest.approx(here.metrics["val_loss"], rel=0.05)
    assert not there.failure


@pytest.mark.parametrize("kind", KINDS.names())
def test_a_kind_trains_and_is_measured(kind):
    result = train_rung(job_of_kind(kind, device="cuda", metrics=METRICS, samples=True, test=True))
    assert all(np.isfinite(list(result.metrics.values())))
    assert {*METRICS, "val_loss", "train_loss", "test_loss"} <= result.metrics.keys()
    clean, output = result.samples
    assert clean.shape == output.shape


def test_rungs_give_what_training_straight_through_gives(tmp_path):
    whole_file, file = tmp_path / "whole.pt", None
    job = job_of(device="cuda", save=whole_file)
    whole = train_rung(job)
    for until in RUNGS:
        before, file = file, tmp_path / f"{until}.pt"
        result = train_rung(replace(job, until=until, checkpoint=before, save=file))
    assert result.metrics["val_loss"] == pytest.approx(whole.metrics["val_loss"], rel=1e-3)
    assert read_checkpoint(file)["step"] == read_checkpoint(whole_file)["step"]


def test_weights_are_read_on_a_cpu(tmp_path):
    file = tmp_path / "rung.pt"
    job = job_of(device="cuda", save=file, losses=tmp_path / "losses.npy")
    result = train_rung(job)
    data = loaded_dataset(DIGITS, "cpu")
    model = job.architecture.build(9)
    load_weights(model, file)
    assert evaluate(model, data.validation, kind="plain").loss == pytest.approx(
        result.metrics["val_loss"], rel=1e-3
    )
    losses = np.load(tmp_path / "losses.npy")
    assert losses.shape == (len(data.validation),)
    assert losses.mean() == pytest.approx(result.metrics["val_loss"], rel=1e-4)


def test_bf16_learns():
    exact, reduced = (train_rung(job_of(device="cuda", precision=p)) for p in ("fp32", "bf16"))
    assert reduced.metrics["val_loss"] == pytest.approx(exact.metrics["val_loss"], rel=0.1)


def test_a_number_stands_for_one_device():
    assert not train_rung(job_of(device="cuda:0")).failure


def test_a_search_from_candidates_to_the_network(tmp_path):
    """Two workers share the GPU; every metric that fits is asked for."""
    names = [n for n in ALL_METRICS.names() if n.startswith(("decoder_latency", "encoder_latency"))]
    config = StudyConfig(
        dataset="digits",
        budget=10_000,
        trials=6,
        examples=3_000,
        workers=2,
        device="cuda",
        metrics=("mse", *names[:2]),
        run_dir=str(tmp_path / "run"),
    )
    run_search(config)
    run = Run.open(tmp_path / "run")
    assert len(run.table) == 6
    assert (run.table["state"] != "failed").all()
    best = find_best_architecture(tmp_path / "run")
    model = best.load()
    assert next(model.parameters()).device.type == "cpu"
    data = loaded_dataset(config.data(), "cpu")
    assert evaluate(model, data.validation, kind="plain").loss == pytest.approx(
        run.table["val_loss"].min(), rel=1e-3
    )
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000
