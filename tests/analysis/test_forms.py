import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from asymnas.analysis.laws import fit as law_fit
from asymnas.analysis.laws.fit import Batch, Data, Fits, fit, full_fit, robust_deviation
from asymnas.analysis.laws.forms import FORMS, log_sizes
from asymnas.analysis.laws.synthetic import truth_with_share

LAWS = list(FORMS)
SCALE = 50_000.0


def theta_of(truth):
    """The unknowns that a truth has when sizes are relative to SCALE."""
    encoder = truth.encoder_factor * SCALE**-truth.encoder_exponent
    decoder = truth.decoder_factor * SCALE**-truth.decoder_exponent
    terms = [encoder, decoder] if truth.law == "additive" else [encoder * decoder]
    values = [truth.irreducible, *terms, truth.encoder_exponent, truth.decoder_exponent]
    return np.log([values])


def data_of(truth, seed=0, noise=0.0):
    rng = np.random.default_rng(seed)
    shares = np.tile(np.repeat(np.arange(1, 10) / 10, 4), 3)
    totals = np.repeat([50e3, 150e3, 450e3], 36)
    encoder, decoder = (1 - shares) * totals, shares * totals
    return Data(
        x=np.log(encoder / SCALE),
        z=np.log(decoder / SCALE),
        y=np.log(truth.loss(encoder, decoder)) + noise * rng.standard_normal(108),
        structure=np.zeros((108, 0)),
        precision=np.ones(108),
    )


def deviation(residuals):
    return robust_deviation(residuals, 5)


@st.composite
def unknowns(draw):
    """A law and unknowns that it may plausibly have."""
    law = draw(st.sampled_from(LAWS))
    terms = [draw(st.floats(-3, 1)) for _ in range(FORMS[law].terms)]
    exponents = [draw(st.floats(-2.5, 0.7)) for _ in range(2)]
    return law, np.array([[*terms, *exponents]])


@pytest.mark.parametrize("law", LAWS)
def test_a_law_is_its_formula(law):
    truth = truth_with_share(law, 0.35)
    encoder, decoder = np.array([1e4, 5e4, 2e5]), np.array([9e4, 5e4, 1e4])
    found = FORMS[law].log_loss(theta_of(truth), np.log(encoder / SCALE), np.log(decoder / SCALE))
    np.testing.assert_allclose(found[0], np.log(truth.loss(encoder, decoder)), rtol=1e-12)


@given(unknowns())
def test_slopes_are_those_of_the_loss(case):
    law, theta = case
    form, x, z = FORMS[law], np.array([-1.5, 0.2, 1.0]), np.array([0.7, 0.1, -2.0])
    slopes = np.empty((1, form.unknowns, 3))
    form.write_slopes(theta, x, z, slopes)
    for i in range(form.unknowns):
        step = np.zeros((1, form.unknowns))
        step[0, i] = 1e-6
        rise = form.log_loss(theta + step, x, z) - form.log_loss(theta - step, x, z)
        np.testing.assert_allclose(slopes[0, i], rise[0] / 2e-6, atol=1e-6)


@given(unknowns(), st.floats(-2, 3))
def test_no_share_has_a_lower_loss_than_the_best(case, size):
    law, theta = case
    form = FORMS[law]
    best = form.best_logit(theta, np.array([size]))[0]
    others = np.array([*best, *np.linspace(-7, 7, 201), best[0] - 1e-3, best[0] + 1e-3])
    losses = form.log_loss(theta, *log_sizes(others, size))[0]
    assert losses[0] <= losses.min() + 1e-12


@given(unknowns(), st.floats(-2, 3))
def test_swapping_the_sides_mirrors_the_best_share(case, size):
    law, theta = case
    swapped = theta.copy()
    swapped[:, -2:] = theta[:, :-3:-1]
    if law == "additive":
        swapped[:, 1:3] = theta[:, 2:0:-1]
    sizes = np.array([size])
    mirrored = FORMS[law].best_logit(swapped, sizes)
    np.testing.assert_allclose(mirrored, -FORMS[law].best_logit(theta, sizes), atol=1e-6)


def test_the_multiplicative_share_is_the_same_at_every_size():
    truth = truth_with_share("multiplicative", 0.3, exponents=(0.2, 0.5))
    shares = expit(FORMS["multiplicative"].best_logit(theta_of(truth), np.array([-3.0, 0.0, 5.0])))
    np.testing.assert_allclose(shares, 0.3)


@pytest.mark.parametrize("law", LAWS)
def test_a_fit_to_exact_losses_is_exact(law):
    truth = truth_with_share(law, 0.65)
    data = data_of(truth)
    fits, _ = full_fit(FORMS[law], data, 1.0, deviation, seed=0)
    assert np.abs(fits.residuals(FORMS[law], data)).max() < 1e-5
    np.testing.assert_allclose(fits.theta, theta_of(truth), atol=0.01)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(LAWS), st.integers(0, 1000))
def test_a_fit_is_stationary_and_the_same_within_a_batch_as_alone(law, seed):
    form, data = FORMS[law], data_of(truth_with_share(law, 0.35), seed, noise=0.08)
    fits, batch = full_fit(form, data, 1.0, deviation, seed=0)
    weights = np.random.default_rng(seed).multinomial(108, np.full(108, 1 / 108), size=5) * 1.0
    many = Batch(
        weights, np.tile(batch.centre, (5, 1)), batch.spread, np.tile(batch.ridge, 5), batch.noise
    )
    together = fit(form, data, many, fits.repeated(5))
    alone = fit(form, data, many.only(np.array([3])), fits)
    np.testing.assert_allclose(together.theta[3:4], alone.theta, atol=1e-3)
    near = fit(form, data, many, Fits(together.theta + 0.05, together.beta, together.objective))
    np.testing.assert_allclose(near.objective, together.objective, rtol=1e-4)


def test_an_architecture_drawn_twice_counts_as_two():
    form, data = FORMS["additive"], data_of(truth_with_share("additive", 0.5), noise=0.08)
    fits, batch = full_fit(form, data, 1.0, deviation, seed=0)
    twice = np.repeat(np.arange(108), 2)
    doubled = Data(
        data.x[twice], data.z[twice], data.y[twice], data.structure[twice], data.precision[twice]
    )
    one = fit(form, data, Batch(batch.weights * 2, *_rest(batch)), fits)
    two = fit(form, doubled, Batch(np.ones((1, 216)), *_rest(batch)), fits)
    np.testing.assert_allclose(one.theta, two.theta, atol=1e-6)


def test_a_wild_loss_hardly_moves_the_fit():
    form, data = FORMS["additive"], data_of(truth_with_share("additive", 0.65), noise=0.05)
    before, _ = full_fit(form, data, 1.0, deviation, seed=0)
    data.y[40] += 20
    after, _ = full_fit(form, data, 1.0, deviation, seed=0)
    size = np.log([150_000 / SCALE])
    shares = [expit(form.best_logit(fits.theta, size)[0, 0]) for fits in (before, after)]
    assert abs(shares[1] - shares[0]) < 0.02


def test_structure_is_told_from_size():
    truth = truth_with_share("additive", 0.65)
    data = data_of(truth)
    column = np.random.default_rng(0).choice([-1.0, 1.0], 108)[:, None]
    data = Data(data.x, data.z, data.y + 0.1 * column[:, 0], column, data.precision)
    fits, _ = full_fit(FORMS["additive"], data, 1.0, deviation, seed=0)
    np.testing.assert_allclose(fits.beta, 0.1, atol=0.002)
    best = FORMS["additive"].best_logit(fits.theta, np.log([150_000 / SCALE]))
    np.testing.assert_allclose(best, logit(0.65), atol=0.02)


def test_the_robust_deviation_is_the_usual_one_for_normal_noise():
    normal = 0.3 * np.random.default_rng(0).standard_normal(20_000)
    assert robust_deviation(normal, 0) == pytest.approx(0.3, rel=0.02)
    normal[:100] = 1e6
    assert robust_deviation(normal, 0) == pytest.approx(0.3, rel=0.05)


def wide_batch(architectures, columns, fits, seed=0):
    """Data with many architectures and columns of structure, and a batch of resamples of them."""
    rng = np.random.default_rng(seed)
    data = Data(
        x=rng.normal(size=architectures),
        z=rng.normal(size=architectures),
        y=rng.normal(size=architectures),
        structure=rng.normal(size=(architectures, columns)),
        precision=np.ones(architectures),
    )
    form = FORMS["additive"]
    centre, spread = form.prior(0.0)
    weights = rng.multinomial(architectures, np.full(architectures, 1 / architectures), size=fits)
    batch = Batch(
        weights.astype(float), np.tile(centre, (fits, 1)), spread, np.full(fits, 10.0), 0.5
    )
    start = Fits(batch.centre.copy(), np.zeros((fits, columns)), np.zeros(fits))
    return form, data, batch, start


def test_a_batch_in_parts_is_the_same_to_the_last_bit(monkeypatch):
    case = wide_batch(40, 3, fits=7)
    whole = fit(*case)
    monkeypatch.setattr(law_fit, "LARGEST_PART", 1)
    np.testing.assert_array_equal(fit(*case).theta, whole.theta)
    np.testing.assert_array_equal(fit(*case).beta, whole.beta)


def test_a_large_batch_takes_little_memory(monkeypatch):
    """A thousand resamples of 680 architectures with 20 columns: whole slopes take 136 MB."""
    case = wide_batch(680, 20, fits=1_000)
    monkeypatch.setattr(law_fit, "ITERATIONS", 1)
    tracemalloc.start()
    fit(*case)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120e6


def _rest(batch):
    return batch.centre, batch.spread, batch.ridge, batch.noise
