"""Two scaling laws of an autoencoder's loss in the sizes of its sides, and their best share.

    additive        L = E + A / Ne^a + B / Nd^b
    multiplicative  L = E + C / (Ne^a Nd^b)

Ne and Nd are parameters (or MACs) of encoder and decoder; all constants are positive. Inside, a
law is a sum of exponentials in the logs of the relative sizes x = log(Ne / scale) and
z = log(Nd / scale), so that its unknowns are of order one and free of sign constraints:

    additive        exp(e) + exp(p - exp(a) x) + exp(q - exp(b) z)      theta = (e, p, q, a, b)
    multiplicative  exp(e) + exp(p - exp(a) x - exp(b) z)               theta = (e, p, a, b)

Shapes: b fits (resamples, folds or starts), g architectures, m points, k unknowns.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from asymnas.analysis.estimates import Floats, Law

#: A priori, exponents are .4 give or take a factor of two, and every term of a law is 0.3 of the
#: typical loss give or take a factor of e: far looser than what a sweep of a few budgets says.
EXPONENT, EXPONENT_SPREAD = 0.4, 0.7
TERM, TERM_SPREAD = 0.3, 1.0

HALVINGS = 40  # of the logit share, from -LARGEST_LOGIT to LARGEST_LOGIT
LARGEST_LOGIT = 7.0


@dataclass(frozen=True)
class Form:
    """How a law is put together.

    Args:
        terms: How many there are: the first is the irreducible loss.
        encoder_term: The term that the encoder's size divides.
        decoder_term: The term that the decoder's size divides.
    """

    terms: int
    encoder_term: int
    decoder_term: int

    @property
    def unknowns(self) -> int:
        """Length of theta: one for each term, then both exponents."""
        return self.terms + 2

    def prior(self, level: float) -> tuple[Floats, Floats]:
        """Centre and spread `[k]` of what is believed of theta before any data.

        Args:
            level: Log of a typical loss.
        """
        centre = np.full(self.unknowns, level + np.log(TERM))
        spread = np.full(self.unknowns, TERM_SPREAD)
        centre[-2:], spread[-2:] = np.log(EXPONENT), EXPONENT_SPREAD
        return centre, spread

    def log_loss(self, theta: Floats, x: Floats, z: Floats) -> Floats:
        """Log loss `[b, m]` at theta `[b, k]` and log relative sizes `[m]` or `[b, m]`."""
        logs = self._log_terms(theta, x, z)
        top = np.maximum.reduce(logs)
        total: Floats = top + np.log(sum(np.exp(log - top) for log in logs))
        return total

    def write_slopes(self, theta: Floats, x: Floats, z: Floats, out: Floats) -> None:
        """Writes the derivative of log loss by theta into `out` `[b, k, m]`."""
        logs = self._log_terms(theta, x, z)
        top = np.maximum.reduce(logs)
        parts = [np.exp(log - top) for log in logs]
        total = sum(parts)
        for i, part in enumerate(parts):
            np.divide(part, total, out=out[:, i])
        exponents = np.exp(theta[:, -2:])
        out[:, -2] = -out[:, self.encoder_term] * (exponents[:, :1] * x)
        out[:, -1] = -out[:, self.decoder_term] * (exponents[:, 1:] * z)

    def best_logit(self, theta: Floats, size: Floats) -> Floats:
        """The decoder share of the lowest loss, as a logit `[b, m]`.

        Args:
            theta: Unknowns `[b, k]`.
            size: Log relative size of both sides together `[m]`, log(N / scale).

        The derivative of the loss by the share, in logs, is an increasing function of the share,
        so halving finds its zero.
        """
        exponents = np.exp(theta[:, -2:])
        a, b = exponents[:, :1], exponents[:, 1:]
        if self.encoder_term == self.decoder_term:
            return np.broadcast_to(theta[:, -1:] - theta[:, -2:-1], (len(theta), len(size))).copy()
        start = theta[:, self.decoder_term] - theta[:, self.encoder_term]
        offset = (start + theta[:, -1] - theta[:, -2])[:, None] + (a - b) * size
        low = np.full((len(theta), len(size)), -LARGEST_LOGIT)
        high = -low
        for _ in range(HALVINGS):
            logit = (low + high) / 2
            log_decoder, log_encoder = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
            past = (b + 1) * log_decoder - (a + 1) * log_encoder > offset
            high, low = np.where(past, logit, high), np.where(past, low, logit)
        middle: Floats = (low + high) / 2
        return middle

    def _log_terms(self, theta: Floats, x: Floats, z: Floats) -> list[Floats]:
        exponents = np.exp(theta[:, -2:])
        shape = np.broadcast_shapes((len(theta), 1), x.shape)
        logs = [np.broadcast_to(theta[:, i : i + 1], shape) for i in range(self.terms)]
        logs[self.encoder_term] = logs[self.encoder_term] - exponents[:, :1] * x
        logs[self.decoder_term] = logs[self.decoder_term] - exponents[:, 1:] * z
        return logs


FORMS: Mapping[Law, Form] = {
    "additive": Form(terms=3, encoder_term=1, decoder_term=2),
    "multiplicative": Form(terms=2, encoder_term=1, decoder_term=1),
}


def log_sizes(logit: Floats, size: Floats | float) -> tuple[Floats, Floats]:
    """Log relative sizes of encoder and decoder at a logit decoder share and a log total."""
    return size - np.logaddexp(0, logit), size - np.logaddexp(0, -logit)
