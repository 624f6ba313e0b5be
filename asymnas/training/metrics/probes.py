"""How well classes can be read off the latent: nearest neighbours, and a linear probe.

Alain & Bengio 2016, "Understanding intermediate layers using linear classifier probes",
https://arxiv.org/abs/1610.01644. Latents are standardised by the training examples; units that are
constant there count for nothing. Labels play no part in training.
"""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from asymnas.training.metrics import METRICS, NetworkMetric, View, needs_labels

NEIGHBOURS = 5
MOST_STEPS = 100  # of L-BFGS
PENALTY = 1.0  # scikit-learn's C


def knn_accuracy(view: View) -> float:
    """Share of examples with the class of most of their nearest training examples, in [0, 1]."""
    from sklearn.neighbors import KNeighborsClassifier

    return _accuracy(KNeighborsClassifier(NEIGHBOURS, algorithm="brute"), view)


def probe_accuracy(view: View) -> float:
    """Share of examples that multinomial logistic regression classifies rightly, in [0, 1]."""
    from sklearn.linear_model import LogisticRegression

    return _accuracy(LogisticRegression(C=PENALTY, max_iter=MOST_STEPS), view)


def _accuracy(classifier: Any, view: View) -> float:
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    train, held_out = _standardised(view)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the same steps for every network
        classifier.fit(train, view.train_labels.numpy())
        return float(classifier.score(held_out, view.labels.numpy()))


def _standardised(view: View) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Latents of training and held-out examples, `[m, d]` and `[n, d]`."""
    train, held_out = (z.double().numpy() for z in (view.train_latents, view.latents))
    mean, spread = train.mean(0), train.std(0)
    varies = spread > 1e-6 * (1 + np.abs(mean))
    scale = np.where(varies, 1 / np.where(varies, spread, 1.0), 0.0)
    return (train - mean) * scale, (held_out - mean) * scale


METRICS.register("knn_accuracy")(
    NetworkMetric(
        knn_accuracy,
        f"share classified rightly by the {NEIGHBOURS} nearest latents",
        maximize=True,
        unsupported_reason=needs_labels,
        ceiling=1.0,
    )
)
METRICS.register("probe_accuracy")(
    NetworkMetric(
        probe_accuracy,
        "share classified rightly by logistic regression on the latent",
        maximize=True,
        unsupported_reason=needs_labels,
        ceiling=1.0,
    )
)
