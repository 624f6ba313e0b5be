"""Evaluation: averages over a whole split, on the very same draws for every candidate."""

import numpy as np
import pytest
import torch
from torch import nn

from asymnas.networks.kinds import KINDS, Autoencoder, kind_of
from asymnas.training.evaluation import EVALUATION_BATCH, SAMPLES, evaluate, inputs_of, reconstruct

IMAGE = (1, 8, 8)
METRICS = ("mae", "mse", "psnr")
LATENT = 4  # channels, where a kind has something between the sides
every_kind = pytest.mark.parametrize("kind", KINDS.names())


class Pixels(nn.Conv2d):
    """One by one; each pixel is a token, so that every kind takes it."""

    tokens = 64

    def forward(self, x, keep=None):
        if keep is not None:
            x = x * self.spread(torch.zeros(len(x), 64, device=x.device).scatter(1, keep, 1.0))
        return super().forward(x)

    def spread(self, of_tokens):
        return of_tokens.unflatten(1, IMAGE)


def identity() -> Autoencoder:
    """Gives back what it sees."""
    scale = Pixels(1, 1, 1, bias=False)
    nn.init.ones_(scale.weight)
    return Autoencoder(scale, nn.Identity(), nn.Identity())


def network(kind: str) -> Autoencoder:
    """What the kind puts between the sides and after them; `identity` if that is nothing."""
    entry = kind_of(kind)
    if isinstance(entry.bottleneck(LATENT), nn.Identity):
        return identity()
    torch.manual_seed(0)
    encoder, decoder = Pixels(1, entry.code_size(LATENT), 1), nn.Conv2d(LATENT, 1, 1)
    return Autoencoder(encoder, entry.bottleneck(LATENT), decoder, entry.head())


def untrained() -> Autoencoder:
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.Linear(5, 64), nn.Unflatten(1, IMAGE))
    return Autoencoder(nn.Sequential(nn.Flatten(), nn.Linear(64, 5)), nn.Identity(), decoder)


def images(n, seed=0):
    return torch.rand(n, *IMAGE, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_scores_are_means_over_the_whole_split(dtype):
    raw = (images(2 * EVALUATION_BATCH + 203) * 256).to(torch.uint8)
    stored = raw if dtype == torch.uint8 else raw / 255 * 4
    model = untrained()
    found = evaluate(model, stored, ("mse", "psnr"), kind="plain", data_range=4.0)
    x = (raw / 255 if dtype == torch.uint8 else stored).double()
    with torch.no_grad():
        output = model(x.float()).double()
    errors = [float(((x[i] - output[i]) ** 2).mean()) for i in range(len(x))]
    assert found.loss == pytest.approx(np.mean(errors), rel=1e-5)
    assert found.metrics["mse"] == pytest.approx(np.mean(errors), rel=1e-5)
    psnr = np.mean(10 * np.log10(16 / np.array(errors)))
    assert found.metrics["psnr"] == pytest.approx(psnr, rel=1e-5)
    assert list(found.metrics) == ["mse", "psnr"]
    assert model.training


@every_kind
def test_every_candidate_is_scored_on_the_same_draws(kind):
    examples, rounds = images(EVALUATION_BATCH + 30), []
    for seed, width in ((1, 1.0), (2, 3.0)):  # another state of the process, another network
        torch.manual_seed(seed)
        model, seen = network(kind), []
        model.encoder.register_forward_pre_hook(
            lambda _, inputs, seen=seen: seen.append(torch.cat([i.flatten(1) for i in inputs], 1))
        )
        nn.init.constant_(model.encoder.weight, width)
        first = evaluate(model, examples, METRICS, kind=kind)
        half = len(seen)
        assert evaluate(model, examples, METRICS, kind=kind) == first
        rounds += [torch.cat(seen[:half]), torch.cat(seen[half:])]
    assert len(rounds) == 4
    assert all(torch.equal(rounds[0], other) for other in rounds[1:])


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [((1, 8, 8), [500, 100]), ((3, 32, 32), [500, 100]), ((3, 64, 64), [125] * 4 + [100])],
)
def test_large_examples_are_scored_a_few_at_a_time(shape, chunks):
    seen = []
    encoder = nn.Identity()
    encoder.register_forward_hook(lambda _, inputs, output: seen.append(len(output)))
    decoder = nn.Conv2d(shape[0], shape[0], 1)
    model = Autoencoder(encoder, nn.Identity(), decoder)
    evaluate(model, torch.zeros(600, *shape, dtype=torch.uint8), kind="plain")
    assert seen == chunks


def test_each_chunk_has_draws_of_its_own():
    chunk = images(EVALUATION_BATCH)
    one = evaluate(identity(), chunk, kind="denoising").loss
    both = evaluate(identity(), torch.cat([chunk, chunk]), kind="denoising").loss
    assert both != pytest.approx(one, rel=1e-6)
    assert both == pytest.approx(0.3**2, rel=0.02) == pytest.approx(one, rel=0.02)


def test_metrics_compare_what_came_out_with_the_clean_example():
    found = evaluate(identity(), images(600), ("mse",), kind="denoising-masking")
    assert found.loss == pytest.approx(0.25 / 3, rel=0.03)  # a quarter of E x², x uniform
    assert found.metrics["mse"] == pytest.approx(found.loss, rel=1e-6)


def test_a_watch_sees_every_chunk_as_it_passes():
    seen = []
    examples = images(2 * EVALUATION_BATCH + 3)
    found = evaluate(untrained(), examples, kind="plain", watch=lambda *chunk: seen.append(chunk))
    assert [len(losses) for _, _, losses in seen] == [EVALUATION_BATCH, EVALUATION_BATCH, 3]
    assert torch.equal(torch.cat([x for x, _, _ in seen]), examples)
    assert found.loss == pytest.approx(float(torch.cat([loss for _, _, loss in seen]).mean()))
    for x, output, losses in seen:
        torch.testing.assert_close((x - output).square().flatten(1).mean(1), losses)


@pytest.mark.parametrize("places", [None, torch.tensor([5, 1, 700])])
def test_inputs_are_chunks_as_the_network_takes_them(places):
    raw = (images(701) * 256).to(torch.uint8)
    chunks = [x for x, _ in inputs_of(untrained(), raw, places)]
    wanted = raw if places is None else raw[places]
    assert torch.equal(torch.cat(chunks), wanted.float() / 255)
    assert len(chunks) == (2 if places is None else 1)


@every_kind
@pytest.mark.parametrize("n", [3, 20])
def test_reconstructions_show_the_clean_example_and_what_came_out(kind, n):
    examples = (images(n) * 256).to(torch.uint8)
    x, output = reconstruct(network(kind), examples, kind=kind)
    assert x.shape == output.shape == (min(n, SAMPLES), *IMAGE)
    assert x.dtype == output.dtype == np.float32
    np.testing.assert_array_equal(x, examples[:SAMPLES].numpy() / np.float32(255))
    assert np.array_equal(x, output) == (kind == "plain")
    np.testing.assert_array_equal(reconstruct(network(kind), examples, kind=kind)[1], output)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@every_kind
def test_a_split_that_is_elsewhere_is_moved_in_chunks(kind):
    model, examples = network(kind).cuda(), images(700)
    there = evaluate(model, examples.cuda(), ("mse",), kind=kind)
    assert evaluate(model, examples, ("mse",), kind=kind) == there
