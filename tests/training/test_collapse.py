"""Collapse is detected by its figure, and never in a network that is merely poor."""

import numpy as np
import pytest
import torch

from asymnas.training.collapse import (
    Spread,
    collapse,
    constant_output,
    dead_latent,
    not_finite,
    unused_codebook,
)


def spread(*chunks):
    found = Spread()
    for chunk in chunks:
        found.add(chunk)
    return found


@pytest.fixture
def x():
    return torch.rand(300, 2, 5, 4, generator=torch.Generator().manual_seed(0))


def test_spread_is_the_variance_over_examples_whatever_the_chunks(x):
    wanted = x.double().var(0, correction=0)
    torch.testing.assert_close(spread(x).variances, wanted)
    torch.testing.assert_close(spread(*x.split(77)).variances, wanted)
    shifted = (x + 1e3).double()
    found = spread(*(x + 1e3).split(50)).variances
    torch.testing.assert_close(found, shifted.var(0, correction=0), rtol=1e-4, atol=0)
    assert (spread(torch.full((9, 3), 0.1)).variances == 0).all()
    assert (Spread().variances == 0).all()


def sign_of(x, made):
    return constant_output(spread(x), spread(made), spread(x - made))


@pytest.mark.parametrize("factor", [1.0, 0.1, 0.001])
def test_an_output_that_follows_the_examples_is_no_collapse(x, factor):
    mean = x.mean(0)
    assert sign_of(x, mean + factor * (x - mean)) is None


@pytest.mark.parametrize(
    ("noise", "collapsed"), [(0.0, True), (1e-3, True), (0.1, False), (3.0, False)]
)
def test_the_mean_with_a_little_noise_is_a_collapse_and_a_poor_network_is_none(x, noise, collapsed):
    made = x.mean(0) + noise * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    found = sign_of(x, made)
    assert (found is not None) == collapsed
    assert found is None or found.startswith("collapsed: the output")


def test_nearly_constant_values_do_not_hide_a_collapse(x):
    """As the border pixels of digits: their noise is larger than what they vary by."""
    bordered = x.clone()
    bordered[:, :, 0] = 0.0
    bordered[3, :, 0] = 1e-4
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    assert sign_of(bordered, bordered.mean(0) + 1e-3 * noise) is not None
    assert sign_of(bordered, bordered + 1e-3 * noise) is None


def test_one_wild_value_does_not_decide(x):
    """A column that the network leaves out may vary as it likes."""
    wild = x.clone()
    wild[:, 0, 0, 0] *= 1e6
    made = wild.clone()
    made[:, 0, 0, 0] = 0.5
    assert sign_of(wild, made) is None


def test_few_examples_tell_nothing(x):
    few = x[:19]
    same = few.mean(0).expand_as(few)
    assert collapse(spread(few), spread(same), spread(few - same), torch.zeros(19, 4), {}, 0) == ""


@pytest.mark.parametrize("size", [2, 3])
def test_a_handful_of_codes_may_be_used_unevenly(size):
    uneven = (torch.rand(4_000, generator=torch.Generator().manual_seed(0)) < 0.1).long()
    assert unused_codebook(uneven.view(-1, 4), size) is None
    assert unused_codebook(torch.zeros(1_000, 4, dtype=torch.long), size) is not None


def test_data_that_does_not_vary_is_no_collapse():
    same = torch.full((20, 3), 0.5)
    assert sign_of(same, same) is None


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_an_output_that_is_not_finite_has_diverged(x, bad):
    output = x.clone()
    output[17, 0, 0, 0] = bad
    assert not_finite(0.1, spread(*output.split(100))) == "diverged: the output is not finite"
    assert not_finite(bad, spread(x)) == "diverged: validation loss not finite"
    assert not_finite(0.1, spread(x)) == ""


def units_that_vary(active: int):
    latents = torch.randn(400, 20, generator=torch.Generator().manual_seed(0))
    latents[:, active:] = 0.7
    return latents


@pytest.mark.parametrize(("active", "collapsed"), [(20, False), (2, False), (1, True), (0, True)])
def test_a_latent_with_fewer_than_a_tenth_of_its_units_is_dead(active, collapsed):
    found = dead_latent(units_that_vary(active), has_prior=False)
    assert (found is not None) == collapsed
    if collapsed:
        assert f"constant but for {active} of 20 units" in found


@pytest.mark.parametrize(("active", "collapsed"), [(20, False), (1, False), (0, True)])
def test_a_posterior_has_collapsed_when_no_unit_is_left(active, collapsed):
    found = dead_latent(units_that_vary(active), has_prior=True)
    assert (found is not None) == collapsed
    assert found is None or "posterior is the prior's in all of 20 units" in found


def test_units_of_unlike_scales_are_alive():
    latents = units_that_vary(20) * torch.logspace(0, -2, 20)
    assert dead_latent(latents, has_prior=False) is None


def test_a_small_latent_is_dead_only_where_a_prior_gives_it_a_scale():
    latents = 0.05 * torch.randn(400, 20)
    assert dead_latent(latents, has_prior=True) is not None
    assert dead_latent(latents, has_prior=False) is None
    assert dead_latent(latents[:, :1], has_prior=False) is None


@pytest.mark.parametrize(
    ("used", "size", "seen", "collapsed"),
    [
        (1, 8, 400, True),
        (2, 8, 400, False),
        (8, 8, 400, False),
        (3, 512, 4_000, True),
        (5, 512, 4_000, False),  # data may have five states
        (11, 512, 4_000, False),
        (5, 512, 200, False),  # fewer tokens than codes: 2 % of these
        (3, 1_000_000, 200, True),
    ],
)
def test_a_codebook_of_which_hardly_any_code_is_used_has_collapsed(used, size, seen, collapsed):
    found = unused_codebook((torch.arange(seen) % used).view(-1, 4), size)
    assert (found is not None) == collapsed
    if collapsed:
        assert f"perplexity of the codebook is {used:.2f}, of {size:,} codes" in found


def test_the_cause_is_told_before_its_effect(x):
    same, dead, alive = x[:1].expand_as(x), torch.zeros(300, 8), torch.randn(300, 8)
    one = {"codes": torch.zeros(300, 2, dtype=torch.int64)}
    many = {"codes": torch.from_numpy(np.arange(600).reshape(300, 2) % 16)}
    passed = spread(x), spread(same), spread(x - same)
    assert "codebook" in collapse(*passed, dead, one, 16)
    assert "latent" in collapse(*passed, dead, many, 16)
    assert "posterior" in collapse(
        spread(x), spread(same), spread(x - same), dead, {"kl": alive}, 0
    )
    assert "output" in collapse(*passed, alive, {}, 0)
    assert collapse(spread(x), spread(x), spread(x - x), alive, many, 16) == ""
