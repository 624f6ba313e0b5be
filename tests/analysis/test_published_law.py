"""The additive law against a published example, and against another fit of the same law."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from asymnas.analysis.laws.fit import HUBER, Data, full_fit
from asymnas.analysis.laws.forms import FORMS, log_sizes

#: L = 1.69 + 406.4 / N^.34 + 410.7 / D^.28: the example of arXiv 2603.22339.
E, A, B, ALPHA, BETA = 1.69, 406.4, 410.7, 0.34, 0.28
FORM = FORMS["additive"]
#: A prior so wide that it is none, so that both fits minimise the same.
NO_PRIOR = 1e4


def data_of(x, z, y):
    return Data(
        x=x,
        z=z,
        y=y,
        structure=np.empty((len(y), 0)),
        precision=np.ones(len(y)),
        prior_width=NO_PRIOR,
    )


def test_the_additive_law_recovers_the_published_example_from_a_grid_without_noise():
    n, d = (
        axis.ravel() for axis in np.meshgrid(np.geomspace(5e7, 2e10, 8), np.geomspace(1e9, 1e12, 8))
    )
    y = np.log(E + A / n**ALPHA + B / d**BETA)
    centre_n, centre_d = 1e9, 3e10
    data = data_of(np.log(n / centre_n), np.log(d / centre_d), y)
    fits, _ = full_fit(FORM, data, 1.0, lambda residuals: float(np.std(residuals)), seed=0)
    e, p, q, a, b = fits.theta[0]
    alpha, beta = np.exp([a, b])
    recovered = [np.exp(e), np.exp(p) * centre_n**alpha, np.exp(q) * centre_d**beta, alpha, beta]
    np.testing.assert_allclose(recovered, [E, A, B, ALPHA, BETA], rtol=1e-4)


def huber(residuals, scale):
    """The sum of Huber losses of log losses, with a threshold in them."""
    size = np.abs(residuals)
    return float(np.where(size <= scale, size**2 / 2, scale * (size - scale / 2)).sum())


def written_out(theta, x, z):
    e, p, q, a, b = theta
    return np.log(np.exp(e) + np.exp(p - np.exp(a) * x) + np.exp(q - np.exp(b) * z))


def lowest_by_scipy(data, scale, rng, starts):
    """The lowest Huber loss that SciPy's least squares reaches."""
    centre = [*[np.median(data.y) - 1.2] * 3, -0.9, -0.9]
    lowest = np.inf
    for _ in range(starts):
        start = centre + rng.normal(0, [1, 1, 1, 0.7, 0.7])
        result = least_squares(
            lambda theta: written_out(theta, data.x, data.z) - data.y,
            start,
            bounds=([-40] * 3 + [-12] * 2, [10] * 3 + [4] * 2),
            loss="huber",
            f_scale=scale,
            xtol=1e-12,
            ftol=1e-12,
            max_nfev=400,
        )
        lowest = min(lowest, huber(result.fun, scale))
    return lowest


#: In the last of these the best fit lies at the end of a flat valley, without an irreducible loss.
FEW = (0, 1, 188)


@pytest.mark.parametrize(
    "draws", [FEW, pytest.param(range(200), marks=pytest.mark.slow)], ids=["few", "all"]
)
def test_another_fit_of_the_same_law_never_reaches_a_lower_huber_loss(draws):
    """Noisy grids of seven shares at three budgets; both minimise the same Huber loss."""
    for number in draws:
        rng = np.random.default_rng(number)
        share = np.tile(rng.uniform(-2, 2, 14), 3)
        x, z = log_sizes(share, np.repeat([-1.1, 0.0, 1.1], 14))
        truth = [np.log(rng.uniform(0.1, 0.5)), *np.log(rng.uniform(0.2, 0.6, 2))]
        truth += list(np.log(rng.uniform(0.2, 0.7, 2)))
        y = written_out(truth, x, z) + rng.normal(0, rng.uniform(0.02, 0.1), 42)
        data, noise = data_of(x, z, y), 0.05
        fits, _ = full_fit(FORM, data, 1.0, lambda residuals, noise=noise: noise, seed=number)
        ours = huber(fits.residuals(FORM, data)[0], HUBER * noise)
        assert ours <= lowest_by_scipy(data, HUBER * noise, rng, starts=8) + 1e-6, number
