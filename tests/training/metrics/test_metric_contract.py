"""What holds of every registered metric: finite, deterministic, better in its direction."""

import math

import pytest
import torch
from fake_views import FakeView, Sides, anomalies, classes
from torch import nn

from asymnas.networks.initial_weights import initialise
from asymnas.networks.layers import as_upsampling
from asymnas.networks.upsampling.pixel_shuffle import SubpixelConv
from asymnas.training.metrics import METRICS, ExampleMetric, Facts, NetworkMetric

ALL = Facts(
    shape=(1, 48, 48),
    labels=True,
    anomalies=True,
    statistics=frozenset({"kl", "distortion", "codes"}),
    upsamples=True,
)
NONE = Facts(shape=(7,))
NEEDS = {
    "labels": ("knn_accuracy", "probe_accuracy"),
    "anomalies": ("auroc", "aupr"),
    "images": ("ssim", "lpips"),
    "a distribution": ("kl", "kl_max", "distortion"),
    "quantised": ("perplexity", "rate"),
    "upsamples": ("checkerboard",),
}
WEIGHTS = ("lpips",)  # needs weights that are downloaded: see test_lpips

EXAMPLE = [n for n in METRICS.names() if isinstance(METRICS.get(n), ExampleMetric)]
NETWORK = [n for n in METRICS.names() if isinstance(METRICS.get(n), NetworkMetric)]
every_metric = pytest.mark.parametrize("name", METRICS.names())
every_example_metric = pytest.mark.parametrize("name", [n for n in EXAMPLE if n not in WEIGHTS])
every_network_metric = pytest.mark.parametrize("name", NETWORK)


def noisy(noise, data_range=1.0, n=6, shape=(1, 16, 16)):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(n, *shape, generator=generator)
    output = x + noise * torch.randn(n, *shape, generator=generator)
    return x * data_range, output * data_range, data_range


def upsampling(rippling: bool) -> FakeView:
    torch.manual_seed(0)
    layer = SubpixelConv(3, 5, 3)
    if not rippling:
        initialise(layer)
    network = Sides(nn.Sequential(nn.SiLU(), as_upsampling(layer)))
    return FakeView(network, inputs=torch.rand(4, 3, 6, 6))


def timed(seconds: float) -> FakeView:
    return FakeView(Sides(seconds=seconds), inputs=torch.rand(3, 2))


def with_kl(size: float) -> FakeView:
    return FakeView(statistics={"kl": torch.rand(9, 4) * size, "distortion": torch.rand(9) * size})


def with_codes(size: int) -> FakeView:
    return FakeView(statistics={"codes": torch.arange(60).view(20, 3) % size})


def units(active: int) -> FakeView:
    return FakeView(latents=torch.randn(30, 8) * (torch.arange(8) < active))


#: A better network and a worse one, by metric.
PAIRS = {
    "active_units": (units(7), units(3)),
    "aupr": (anomalies(0.8), anomalies(0.2)),
    "auroc": (anomalies(0.8), anomalies(0.2)),
    "checkerboard": (upsampling(False), upsampling(True)),
    "distortion": (with_kl(1.0), with_kl(2.0)),
    "kl": (with_kl(1.0), with_kl(2.0)),
    "kl_max": (with_kl(1.0), with_kl(2.0)),
    "knn_accuracy": (classes(0.1), classes(3.0)),
    "perplexity": (with_codes(16), with_codes(4)),
    "probe_accuracy": (classes(0.1), classes(3.0)),
    "rate": (with_codes(4), with_codes(16)),
    **{
        f"{side}_latency_{batch}": (timed(1e-4), timed(2e-3))
        for side in ("encoder", "decoder")
        for batch in (1, 64)
    },
}


@every_metric
def test_says_what_it_is_in_a_line(name):
    metric = METRICS.get(name)
    assert 10 < len(metric.description) < 90
    assert "\n" not in metric.description
    assert metric.description[0].islower() or metric.description[:2].isupper()


@every_metric
def test_what_it_lacks_is_said_before_anything_trains(name):
    metric = METRICS.get(name)
    needed = [what for what, names in NEEDS.items() if name in names]
    if not needed:
        assert metric.unsupported_reason(NONE) is None
        return
    assert needed[0].split()[-1] in metric.unsupported_reason(NONE)
    assert metric.unsupported_reason(NONE).startswith("it needs")
    if name not in WEIGHTS:
        assert metric.unsupported_reason(ALL) is None


@every_network_metric
def test_a_better_network_scores_better(name):
    metric = METRICS.get(name)
    better, worse = (metric.of(view) for view in PAIRS[name])
    assert isinstance(better, float)
    assert math.isfinite(better)
    assert math.isfinite(worse)
    assert better > worse if metric.maximize else better < worse


@every_metric
def test_a_ceiling_is_above_what_is_scored(name):
    metric = METRICS.get(name)
    if metric.ceiling is None:
        return
    assert metric.maximize
    if isinstance(metric, NetworkMetric):
        assert all(metric.of(view) <= metric.ceiling for view in PAIRS[name])
    else:
        assert bool((metric.of(*noisy(0.1)) <= metric.ceiling).all())


@every_network_metric
def test_the_same_network_scores_the_same(name):
    if "latency" in name:
        pytest.skip("a time")
    metric = METRICS.get(name)
    assert metric.of(PAIRS[name][1]) == metric.of(PAIRS[name][1])


@every_example_metric
def test_one_number_an_example_whatever_else_is_in_the_batch(name):
    of = METRICS.get(name).of
    x, output, data_range = noisy(0.1)
    values = of(x, output, data_range)
    assert values.shape == (6,)
    assert values.dtype == torch.float32
    for i in range(6):
        alone = of(x[i : i + 1], output[i : i + 1], data_range)
        torch.testing.assert_close(alone, values[i : i + 1])
    assert len(set(values.tolist())) == 6


@every_example_metric
def test_less_noise_is_better_and_none_the_best(name):
    metric = METRICS.get(name)
    sign = -1 if metric.maximize else 1
    means = [sign * float(metric.of(*noisy(noise)).mean()) for noise in (0.0, 0.01, 0.1, 0.5)]
    assert means == sorted(means)
    assert len(set(means)) == 4
    assert all(math.isfinite(mean) for mean in means)


@every_example_metric
def test_better_is_the_same_direction_for_another_range(name):
    metric = METRICS.get(name)
    sign = -1 if metric.maximize else 1
    means = [sign * float(metric.of(*noisy(noise, 8.0)).mean()) for noise in (0.01, 0.1, 0.5)]
    assert means == sorted(means)
