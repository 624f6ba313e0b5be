"""A thousand resamples of a fitted scaling law, and the intervals they give.

A resample is a bootstrap sample of architectures, each with all its seeds: resampling seeds within
them as well would count their noise twice (Davison & Hinkley 1997, Bootstrap Methods and their
Application, §3.8). It re-decides what the full sample decided: which law holds, by the held-out
errors of the architectures it drew, and where the law's weak prior lies, so that what the data do
not identify is as uncertain as the prior says (Newton & Raftery 1994,
doi:10.1111/j.2517-6161.1994.tb01956.x; Oliver, He & Reynolds 1996).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.stats import t as student

from asymnas.analysis.estimates import Floats, Law
from asymnas.analysis.laws.choice import Candidate
from asymnas.analysis.laws.fit import Batch, Data, fit
from asymnas.analysis.laws.laws import FORMS


@dataclass(frozen=True)
class Resamples:
    """Fits to resampled architectures.

    Args:
        theta: The law's unknowns `[b, k]`, by law; laws that no resample chose are missing.
        tail: The quantile to take for a lower end; its complement for an upper end.
    """

    theta: Mapping[Law, Floats]
    tail: float

    def best_logit(self, size: Floats) -> Floats:
        """The logit of the best decoder share `[b, m]` at log relative sizes `[m]`."""
        parts = [FORMS[law].best_logit(theta, size) for law, theta in self.theta.items()]
        return np.concatenate(parts)

    def log_loss(self, x: Floats, z: Floats) -> Floats:
        """Log loss `[b, m]` at log relative sizes of encoder and decoder, `[m]` or `[b, m]`."""
        shape = np.broadcast_shapes((self.count, 1), x.shape)
        x, z, parts, start = np.broadcast_to(x, shape), np.broadcast_to(z, shape), [], 0
        for law, theta in self.theta.items():
            rows = slice(start, start + len(theta))
            parts.append(FORMS[law].log_loss(theta, x[rows], z[rows]))
            start += len(theta)
        return np.concatenate(parts)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(len(theta) for theta in self.theta.values())

    def share_of(self, law: Law) -> float:
        """The share of the resamples that chose a law, in [0, 1]."""
        return len(self.theta.get(law, ())) / self.count

    def ends(self, draws: Floats) -> tuple[Floats, Floats]:
        """Lower and upper ends `[m]` of the intervals of what was resampled `[b, m]`."""
        low, high = np.quantile(draws, [self.tail, 1 - self.tail], axis=0)
        return low, high


def resample(
    data: Data, fitted: Mapping[Law, Candidate], *, level: float, resamples: int, seed: int
) -> Resamples:
    """Bootstrap over architectures; each resample chooses its law.

    The ends of an interval are taken a little further out than its level says, which makes up for
    residuals being smaller than errors and for the normal law standing in for Student's (the
    expanded percentile interval; Hesterberg 2015, doi:10.1080/00031305.2015.1089789).

    Args:
        data: What the laws were fitted to.
        fitted: Each law's fit to it.
        level: Confidence of the intervals, in (0, 1).
        resamples: How many.
        seed: Fixes them.
    """
    rng = np.random.default_rng(seed)
    count = len(data.y)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=resamples).astype(float)
    prior = rng.standard_normal((resamples, max(form.unknowns for form in FORMS.values())))
    errors = [weights @ (data.precision * candidate.errors) for candidate in fitted.values()]
    choice = np.array(errors).argmin(axis=0)
    theta: dict[Law, Floats] = {}
    for number, (law, candidate) in enumerate(fitted.items()):
        rows = np.flatnonzero(choice == number)
        if not len(rows):
            continue
        form, batch = FORMS[law], candidate.batch
        own = Batch(
            weights=weights[rows],
            centre=batch.centre + batch.spread * prior[rows, : form.unknowns],
            spread=batch.spread,
            ridge=np.repeat(batch.ridge, len(rows)),
            noise=batch.noise,
        )
        theta[law] = fit(form, data, own, candidate.fits.repeated(len(rows))).theta
    left = max(1.0, count - max(fitted[law].freedom for law in theta))
    reach = float(student.ppf((1 + level) / 2, left) * np.sqrt(count / left))
    return Resamples(theta=theta, tail=NormalDist().cdf(-reach))
