"""What is read off latents, losses and codes, each against an oracle of its own."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from fake_views import Clock, FakeView, Sides, anomalies, classes

from asymnas.training.metrics import METRICS
from asymnas.training.metrics.active_units import active_share
from asymnas.training.metrics.latency import LEAST_PASSES, WARM_UP, median_ms


def of(name, view):
    return METRICS.get(name).of(view)


def standardised(view):
    train, held_out = view.train_latents.double().numpy(), view.latents.double().numpy()
    return [(z - train.mean(0)) / train.std(0) for z in (train, held_out)]


@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_knn_accuracy_against_distances_by_hand(spread):
    view = classes(spread)
    train, held_out = standardised(view)
    right = 0
    for z, label in zip(held_out, view.labels.tolist(), strict=True):
        nearest = np.argsort(((train - z) ** 2).sum(1))[:5]
        votes = np.bincount(view.train_labels.numpy()[nearest], minlength=3)
        right += int(votes.argmax()) == label
    assert of("knn_accuracy", view) == pytest.approx(right / len(held_out), abs=1e-9)


@pytest.mark.parametrize("spread", [0.5, 1.5])
def test_probe_accuracy_against_gradient_descent(spread):
    view = classes(spread)
    train, held_out = (torch.from_numpy(z) for z in standardised(view))
    weights = torch.zeros(5, 3, dtype=torch.float64, requires_grad=True)
    with_one = torch.cat([train, torch.ones(len(train), 1)], 1)
    optimizer = torch.optim.LBFGS([weights], max_iter=500, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        losses = torch.nn.functional.cross_entropy(
            with_one @ weights, view.train_labels, reduction="sum"
        )
        value = losses + weights[:4].square().sum() / 2
        value.backward()
        return value

    optimizer.step(loss)
    guessed = (torch.cat([held_out, torch.ones(len(held_out), 1)], 1) @ weights).argmax(1)
    wanted = float((guessed == view.labels).double().mean())
    assert of("probe_accuracy", view) == pytest.approx(wanted, abs=1 / len(held_out) + 1e-9)


@pytest.mark.parametrize("name", ["knn_accuracy", "probe_accuracy"])
def test_probes_mind_neither_scales_nor_constant_units(name):
    view, factor = classes(1.0), torch.tensor([1e-3, 1.0, 10.0, 1e4])

    def changed(z):
        return torch.cat([z * factor, torch.full((len(z), 1), 3.0)], 1)

    other = FakeView(
        latents=changed(view.latents),
        labels=view.labels,
        train_latents=changed(view.train_latents),
        train_labels=view.train_labels,
    )
    assert of(name, other) == pytest.approx(of(name, view), abs=0.01)


def test_auroc_counts_pairs_in_the_right_order():
    view = anomalies(0.4)
    pairs = list(product(view.losses.tolist(), view.anomaly_losses.tolist()))
    wins = sum(anomaly > other for other, anomaly in pairs) / len(pairs)
    assert of("auroc", view) == pytest.approx(wins)


def test_aupr_is_the_mean_precision_at_each_anomaly():
    view = anomalies(0.4)
    marked = [(loss, False) for loss in view.losses.tolist()]
    marked += [(loss, True) for loss in view.anomaly_losses.tolist()]
    marked.sort(reverse=True)
    found, precisions = 0, []
    for place, (_, anomalous) in enumerate(marked, start=1):
        found += anomalous
        if anomalous:
            precisions.append(found / place)
    assert of("aupr", view) == pytest.approx(np.mean(precisions))


def test_active_units_are_those_with_a_hundredth_of_the_reference_variance():
    generator = torch.Generator().manual_seed(0)
    sd = torch.tensor([1.0, 1.0, 0.5, 0.11, 0.09, 0.0])
    codes = torch.randn(20_000, 6, generator=generator) * sd + 5
    assert active_share(codes, has_prior=True) == pytest.approx(4 / 6)
    assert active_share(codes / 100, has_prior=True) == 0
    for factor in (1e-4, 1.0, 1e4):  # without a prior no scale of the whole matters
        assert active_share(codes * factor, has_prior=False) == pytest.approx(5 / 6)
    assert active_share(torch.full((50, 3), 0.1), has_prior=False) == 0
    assert of("active_units", FakeView(latents=codes)) == pytest.approx(5 / 6)
    view = FakeView(latents=codes, statistics={"kl": torch.zeros(1)})
    assert of("active_units", view) == pytest.approx(4 / 6)


def test_the_parts_of_the_elbo():
    kl = torch.tensor([[[0.0, 1.0], [2.0, 3.0]], [[4.0, 1.0], [0.0, 1.0]]])  # [b, latent, length]
    view = FakeView(statistics={"kl": kl, "distortion": torch.tensor([5.0, 8.0])})
    assert of("kl", view) == pytest.approx((6 + 6) / 2)
    assert of("kl_max", view) == pytest.approx(2.0)
    assert of("distortion", view) == pytest.approx(6.5)
    assert of("rate", view) == pytest.approx(6 / math.log(2))


def test_perplexity_and_rate_of_codes():
    codes = torch.tensor([[0, 1], [2, 3], [0, 1], [2, 3]])
    view = FakeView(statistics={"codes": codes})
    assert of("perplexity", view) == pytest.approx(4)
    assert of("rate", view) == pytest.approx(2 * 2)  # two codes of two bits
    view = FakeView(statistics={"codes": torch.tensor([[7], [7], [7], [9]])})
    assert of("rate", view) == pytest.approx(0.75 * math.log2(4 / 3) + 0.25 * math.log2(4))
    assert of("perplexity", view) == pytest.approx(2 ** of("rate", view))
    one = FakeView(statistics={"codes": torch.full((5, 3), 1_000_000)})
    assert of("perplexity", one) == pytest.approx(1)


@pytest.mark.parametrize(("side", "call"), [("encoder", "encode"), ("decoder", "decode")])
@pytest.mark.parametrize("batch", [1, 64])
def test_latency_is_the_time_of_one_side_on_a_batch(side, call, batch):
    network = Sides(seconds=0.004)
    threads = torch.get_num_threads()
    found = of(f"{side}_latency_{batch}", FakeView(network, inputs=torch.rand(5, 2)))
    assert found == pytest.approx(4)
    timed = [entry for entry in network.calls if entry[0] == call][-LEAST_PASSES:]
    assert timed == [(call, batch, 1)] * LEAST_PASSES
    assert torch.get_num_threads() == threads


def test_latency_is_a_median():
    waits = iter([9.0] * WARM_UP + [0.1, 0.001, 0.002, 0.001, 0.003])
    assert median_ms(lambda x: Clock.sleep(next(waits)), torch.zeros(1)) == pytest.approx(2)
