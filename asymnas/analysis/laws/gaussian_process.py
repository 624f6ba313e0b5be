"""The best share by a Gaussian process on the logit share, which assumes no law."""

import warnings

import numpy as np
from scipy.special import expit, logit
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from asymnas.analysis.estimates import Floats, Interval

GRID = 61
DRAWS = 1_000
SMOOTHNESS = (2.0, 10.0)  # bounds of the length scale, in logits: .1 to .9 are 4.4 apart
NOISE_SHARE = (1e-3, 2.0)  # bounds of the noise, in variances of the log loss


def gaussian_process_share(
    share: Floats, log_loss: Floats, edges: tuple[float, float], *, level: float, seed: int
) -> Interval:
    """The posterior of the share at which a smooth function of it is lowest.

    Args:
        share: Decoder share of each architecture `[g]`, in (0, 1).
        log_loss: Their log loss, structure adjusted for `[g]`.
        edges: The shares to look between.
        level: Confidence of the interval.
        seed: Fixes the draws from the posterior.

    Returns:
        Median and central interval of the posterior; without estimate if the loss does not vary.

    Source:
        Rasmussen & Williams (2006), Gaussian Processes for Machine Learning, ch. 2 and 5.
    """
    spread = float(np.std(log_loss))
    if not spread > 0 or edges[0] >= edges[1]:
        return Interval(level=level)
    kernel = ConstantKernel(1.0, (1e-2, 1e2)) * RBF(3.0, SMOOTHNESS)
    process = GaussianProcessRegressor(kernel + WhiteKernel(0.3, NOISE_SHARE), random_state=seed)
    grid = np.linspace(logit(edges[0]), logit(edges[1]), GRID)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a parameter at its bound is an answer
        process.fit(logit(share)[:, None], (log_loss - log_loss.mean()) / spread)
    mean, covariance = process.predict(grid[:, None], return_cov=True)
    curve = covariance - process.kernel_.k2.noise_level * np.eye(GRID)  # without a run's own noise
    values, vectors = np.linalg.eigh(curve)
    normal = np.random.default_rng(seed).standard_normal((DRAWS, GRID))
    draws = mean + normal * np.sqrt(np.maximum(values, 0)) @ vectors.T
    lowest = expit(grid[draws.argmin(axis=1)])
    low, middle, high = np.quantile(lowest, [(1 - level) / 2, 0.5, (1 + level) / 2])
    return Interval(estimate=float(middle), low=float(low), high=float(high), level=level)
