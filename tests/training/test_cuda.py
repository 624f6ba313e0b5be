"""On a GPU: the same learning as on the CPU, resumable, and readable anywhere."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_rung import DIGITS, METRICS, RUNGS, job_of, job_of_kind
from torch import nn

from asymnas import Run, StudyConfig, find_best_architecture, run_search
from asymnas.networks.families import FAMILIES
from asymnas.networks.kinds import KINDS
from asymnas.training.checkpoints import load_weights, read_checkpoint
from asymnas.training.evaluation import evaluate
from asymnas.training.loaded_data import loaded_dataset
from asymnas.training.metrics import METRICS as ALL_METRICS
from asymnas.training.optimizer import AdamW
from asymnas.training.rung import train_rung
from asymnas.training.steps import Steps, cuda_graph, recording

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


def trained_without_a_graph(job, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("asymnas.training.rung.recording", lambda device: nullcontext())
        return train_rung(job)


@pytest.fixture
def graphs(monkeypatch):
    """The graphs that were made."""
    made = []

    def noted(*given):
        made.append(cuda_graph(*given))
        return made[-1]

    monkeypatch.setattr("asymnas.training.steps.cuda_graph", noted)
    return made


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("family", FAMILIES.names())
def test_replayed_steps_of_a_family_are_the_steps(family, precision, graphs, monkeypatch):
    job = job_of(family, device="cuda", precision=precision)
    replayed, plain = train_rung(job), trained_without_a_graph(job, monkeypatch)
    assert len(graphs) == 1
    expected = plain.metrics["val_loss"]
    assert replayed.metrics["val_loss"] == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("kind", KINDS.names())
def test_replayed_steps_of_a_kind_are_the_steps(kind, graphs, monkeypatch):
    job = job_of_kind(kind, device="cuda")
    replayed, plain = train_rung(job), trained_without_a_graph(job, monkeypatch)
    assert len(graphs) == 1
    expected = plain.metrics["val_loss"]
    assert replayed.metrics["val_loss"] == pytest.approx(expected, rel=0.01)


def test_the_draws_of_replayed_steps_are_those_of_the_steps():
    """What is drawn, seed by seed, and not only what becomes of it."""
    device, drawn = torch.device("cuda"), {}
    for name in ("replayed", "plain"):
        parameter = nn.Parameter(torch.zeros(4, device=device))
        optimizer = AdamW([[parameter]], [0.0], 0.0)
        seen = torch.zeros(4, device=device)

        def loss(x, generator, progress, seen=seen, parameter=parameter):
            seen.copy_(torch.randn(4, generator=generator, device=x.device))
            return (x * parameter).sum()

        with recording(device) as record:
            steps = Steps(loss, optimizer, "fp32", device, record if name[0] == "r" else None)
            x = torch.ones(4, device=device)
            drawn[name] = []
            for seed in range(8):
                steps.take(x, seed, [0.0], 0.0, steady=True)
                drawn[name].append(seen.tolist())
    assert drawn["replayed"] == drawn["plain"]


def test_a_step_that_waits_for_the_device_is_taken_by_itself(graphs):
    device, parameter = torch.device("cuda"), nn.Parameter(torch.ones(3, device="cuda"))
    optimizer = AdamW([[parameter]], [0.1], 0.0)

    def waiting(x, generator, progress):
        drawn = torch.rand(3, generator=generator, device=x.device)
        return (parameter * x).sum() * max(1.0, drawn.sum().item())

    with recording(device) as record:
        steps = Steps(waiting, optimizer, "fp32", device, record)
        for seed in range(8):
            loss = steps.take(torch.ones(3, device=device), seed, [0.1], 0.0, steady=True)
    assert loss.item() < 2.4  # of 3 or more
    assert not graphs
    assert not train_rung(job_of(device="cuda")).failure  # the next network is recorded
    assert len(graphs) == 1


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
    losses = np.load(tmp_path / "losses.npy")["arr_0"]
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
