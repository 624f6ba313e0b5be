"""Measuring a network on a split: what a view holds, what it costs, what a study can have."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from problems import space_of
from torch import nn

from asymnas.core.config import DataSpec
from asymnas.core.errors import ConfigError, UnknownNameError
from asymnas.data.base import Dataset, load_dataset, normal
from asymnas.data.splits import PerSplit
from asymnas.networks.architecture import unsupported_reason
from asymnas.networks.families import Problem
from asymnas.networks.kinds import KINDS, Autoencoder, Validation, kind_of
from asymnas.training.evaluation import evaluate
from asymnas.training.measurement import (
    MOST_LATENTS,
    MOST_TRAIN,
    TrainedNetwork,
    measure,
    metric_facts,
    resolve_metrics,
)
from asymnas.training.metrics import METRICS, Facts

D = 12
every_kind = pytest.mark.parametrize("kind", KINDS.names())


def rows(n, seed):
    return torch.randn(n, D, generator=torch.Generator().manual_seed(seed))


def dataset(n_train=400, n_held_out=300, anomalous=0.1):
    sizes = (n_train, n_held_out, n_held_out)
    generator = torch.Generator().manual_seed(7)
    splits = [rows(n, seed) for seed, n in enumerate(sizes)]
    anomalies = [torch.rand(n, generator=generator) < anomalous for n in sizes]
    anomalies[0][:] = False
    return Dataset(
        train=splits[0],
        validation=splits[1] + 3.0 * anomalies[1][:, None],
        test=splits[2],
        labels=PerSplit(*((s[:, 0] > 0).long() for s in splits)),
        anomalies=PerSplit(*anomalies),
        data_range=6.0,
    )


def network(seed=0):
    torch.manual_seed(seed)
    return Autoencoder(nn.Linear(D, 5), nn.Identity(), nn.Linear(5, D))


def view_of(data, split="validation", model=None, kind="plain"):
    model = (model or network()).eval()
    losses = []
    evaluate(model, normal(data, split), kind=kind, watch=lambda x, o, loss: losses.append(loss))
    model.eval()
    return TrainedNetwork(model, data, split, kind, torch.cat(losses))


@torch.no_grad()
@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_view_holds_what_it_says(split):
    data, model = dataset(), network()
    usual = ~getattr(data.anomalies, split)
    x = getattr(data, split)
    view = view_of(data, split, model)
    torch.testing.assert_close(view.latents, model.encode(x[usual]))
    torch.testing.assert_close(view.train_latents, model.encode(data.train))
    assert torch.equal(view.labels, getattr(data.labels, split)[usual])
    assert torch.equal(view.train_labels, data.labels.train)
    for losses, chosen in ((view.losses, usual), (view.anomaly_losses, ~usual)):
        wanted = (model(x[chosen]) - x[chosen]).square().mean(1)
        torch.testing.assert_close(losses, wanted)
    assert torch.equal(view.inputs, x[usual][:64])
    assert view.statistics == {}


def test_what_no_metric_asks_for_is_not_worked_out():
    model, calls = network(), []
    view = view_of(dataset(), model=model)
    model.encoder.register_forward_hook(lambda m, inputs, output: calls.append(len(output)))
    assert calls == []
    first = view.latents
    once = [*calls]
    assert [n for n in once if n > 1] == [len(first)]
    assert view.latents is first
    assert calls == once


@torch.no_grad()
def test_of_a_large_split_an_even_part_is_looked_at():
    data, model = dataset(MOST_TRAIN + 1_000, MOST_LATENTS + 5_000, anomalous=0.01), network()
    view = view_of(data, model=model)
    usual = data.validation[~data.anomalies.validation]
    places = np.round(np.linspace(0, len(usual) - 1, MOST_LATENTS)).astype(int)
    torch.testing.assert_close(view.latents, model.encode(usual[places]))
    assert torch.equal(view.labels, data.labels.validation[~data.anomalies.validation][places])
    assert len(view.train_latents) == len(view.train_labels) == MOST_TRAIN
    assert len(view.losses) == len(usual)


@torch.no_grad()
def test_measure_takes_both_sorts_in_the_order_they_are_asked_for():
    data, model = dataset(), network()
    names = ("psnr", "auroc", "knn_accuracy", "mse", "decoder_latency_1", "active_units")
    found = measure(model, data, "validation", names, kind="plain")
    assert tuple(found.metrics) == names
    assert model.training
    assert not model.head._forward_hooks
    assert found.metrics["mse"] == pytest.approx(found.loss, rel=1e-6)
    view = view_of(data, model=model)
    assert found.metrics["auroc"] == METRICS.get("auroc").of(view) > 0.9
    assert found.metrics["knn_accuracy"] == METRICS.get("knn_accuracy").of(view)
    assert found.collapsed == found.diverged == ""


def test_what_does_not_depend_on_the_split_is_not_measured_again_on_the_test_split():
    names = ("mse", "encoder_latency_64")
    assert tuple(measure(network(), dataset(), "test", names, kind="plain").metrics) == ("mse",)


def test_the_loss_is_that_of_evaluate_and_a_diverged_network_is_not_measured():
    data, model = dataset(), network()
    found = measure(model, data, "validation", ("active_units",), kind="denoising")
    assert found.loss == evaluate(model, normal(data, "validation"), kind="denoising").loss
    nn.init.constant_(model.decoder.bias, float("nan"))
    found = measure(model, data, "validation", ("auroc", "knn_accuracy"), kind="plain")
    assert found.metrics == {}
    assert found.diverged == "diverged: validation loss not finite"


def test_collapses_are_seen():
    data, model = dataset(), network()
    assert measure(model, data, "validation", (), kind="plain").collapsed == ""
    nn.init.constant_(model.decoder.weight, 1e-4)
    assert "output" in measure(model, data, "validation", (), kind="plain").collapsed
    nn.init.zeros_(model.encoder.weight)
    assert "latent" in measure(model, data, "validation", (), kind="plain").collapsed


def test_a_masked_network_is_judged_by_its_own_output():
    problem = Problem(shape=(1, 8, 8), latent=4, bottleneck="spatial")
    space = space_of("transformer", problem, kind="masked", budget=10_000)
    model, data = space.sample(0).architecture.build(0), load_dataset(DataSpec(name="digits"))
    for parameter in model.decoder.parameters():
        nn.init.zeros_(parameter)
    found = measure(model, data, "validation", ("mse",), kind="masked")
    assert "output is nearly the same" in found.collapsed


def digits_of_kind(kind):
    """Digits, and an untrained network of a kind with the names of its metrics."""
    data = load_dataset(DataSpec(name="digits"))
    for family, bottleneck in (("conv2d", "dense"), ("transformer", "spatial")):
        problem = Problem(shape=(1, 8, 8), latent=4, bottleneck=bottleneck)
        if unsupported_reason(family, family, problem, kind) is None:
            break
    architecture = space_of(family, problem, kind=kind, budget=10_000).sample(1).architecture
    names = resolve_metrics(("val_loss", "total_params"), metric_facts(data, architecture))
    return data, architecture, names


@every_kind
def test_every_kind_is_measured_by_all_it_allows_and_has_not_collapsed_untrained(kind):
    data, architecture, names = digits_of_kind(kind)
    found = measure(architecture.build(0), data, "validation", names, kind=kind)
    assert set(found.metrics) == set(names)
    assert np.isfinite(list(found.metrics.values())).all()
    assert {"mse", "mae", "psnr", "active_units", "knn_accuracy"} <= set(names)
    assert ("kl" in names) == (kind == "variational")
    assert ("perplexity" in names) == (kind in ("vq", "fsq"))
    assert ("checkerboard" in names) == (architecture.encoder_family == "conv2d")
    assert not {"lpips", "ssim", "auroc"} & set(names)


@every_kind
@pytest.mark.parametrize("held", [0, 7_000, 2**25])
def test_metrics_that_wait_for_the_loss_are_those_taken_at_once(kind, held, monkeypatch):
    monkeypatch.setattr("asymnas.training.evaluation.EVALUATION_BATCH", 50)  # 3,200 values a chunk
    monkeypatch.setattr("asymnas.training.measurement.MOST_OUTPUTS", held)
    data, architecture, names = digits_of_kind(kind)
    names, model = tuple(n for n in names if "latency" not in n), architecture.build(0)
    at_once = measure(model, data, "validation", names, kind=kind)
    waited = measure(model, data, "validation", names, kind=kind, highest_loss=at_once.loss)
    assert (waited.metrics, waited.loss) == (at_once.metrics, at_once.loss)
    assert model.training
    less = measure(model, data, "validation", names, kind=kind, highest_loss=0.99 * at_once.loss)
    assert (less.metrics, less.loss) == ({}, at_once.loss)


@torch.no_grad()
@every_kind
def test_latents_are_those_of_clean_examples_whatever_the_kind_encodes(kind):
    data, architecture, names = digits_of_kind(kind)
    model = architecture.build(0)
    found = measure(model, data, "validation", names, kind=kind)
    view = view_of(data, model=model, kind=kind)
    for name in ("active_units", "knn_accuracy", "probe_accuracy"):
        assert found.metrics[name] == METRICS.get(name).of(view)


def test_what_a_kind_makes_of_a_code_is_no_latent():
    usual = kind_of("plain")

    def validate(model, x, generator, progress=1.0):
        output = model.decode(model.bottleneck(torch.zeros_like(model.encoder(x))))
        return Validation(output, (output - x).square().mean(1))

    with KINDS.temporary():
        KINDS.register("erased")(lambda: replace(usual, validate=validate))
        found = measure(network(), dataset(), "validation", (), kind="erased")
    assert "latent is constant" not in found.collapsed


@pytest.mark.parametrize(("kind", "passes"), [("plain", 1), ("denoising", 2)])
def test_an_example_is_encoded_again_only_if_it_was_not_clean(kind, passes):
    data, model, calls = dataset(), network(), []
    model.encoder.register_forward_hook(lambda m, inputs, output: calls.append(len(output)))
    measure(model, data, "validation", (), kind=kind)
    one = 1  # tells how many values a latent has
    assert sum(calls) == passes * int((~data.anomalies.validation).sum()) + one


def test_facts_of_data():
    data = dataset()
    architecture = space_of("dense", Problem(shape=(D,), latent=3), budget=3_000).sample(0)

    def of(data):
        return metric_facts(data, architecture.architecture)

    assert of(data) == Facts(shape=(D,), labels=True, anomalies=True)
    assert not of(replace(data, labels=None)).labels
    one_class = data.labels._replace(train=torch.full((400,), 3))
    assert not of(replace(data, labels=one_class)).labels
    assert not of(replace(data, anomalies=None)).anomalies
    none = torch.zeros(300, dtype=torch.bool)
    assert not of(replace(data, anomalies=data.anomalies._replace(test=none))).anomalies


def test_a_study_has_all_it_can_measure_or_what_it_asks_for():
    facts = Facts(shape=(3, 64, 64), labels=True)
    full = resolve_metrics(("val_loss",), facts)
    assert {"ssim", "probe_accuracy", "encoder_latency_1"} <= set(full)
    assert not {"lpips", "kl", "auroc", "checkerboard"} & set(full)
    assert list(full) == sorted(full)
    assert resolve_metrics(("ssim", "total_params"), facts, ("mse",)) == ("mse", "ssim")
    assert resolve_metrics(("val_loss",), facts, ()) == ()


@pytest.mark.parametrize(
    ("objectives", "wanted", "said"),
    [
        (("probe_accuracy",), None, "probe_accuracy cannot be measured here: it needs labels"),
        (("val_loss", "kl"), (), "kl cannot be measured here: it needs a latent"),
        (("val_loss",), ("mse", "auroc"), "auroc cannot be measured here: it needs anomalies"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_what_it_needs(objectives, wanted, said):
    with pytest.raises(ConfigError, match=said):
        resolve_metrics(objectives, Facts(shape=(7,)), wanted)


def test_an_unknown_metric_is_refused():
    with pytest.raises(UnknownNameError, match="metric"):
        resolve_metrics(("val_loss",), Facts(shape=(7,)), ("beauty",))
