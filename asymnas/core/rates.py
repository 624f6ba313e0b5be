"""Learning rates that suit a network of a size.

With Adam, the rate that suits a network falls with the width of its layers (Yang et al. 2022, arXiv
2203.03466), and so with the square root of its parameters. `benchmarks/first_rate.py` measures at
which rate the plain network of a search trains best, from 20,000 parameters on.
"""

import math

RATED_AT = 20_000  # parameters up to which rates do not fall
USUAL = 0.03  # at that size
SPAN = 10.0  # from the usual rate to either end of its range
LOWEST, HIGHEST = 1e-3, 0.1  # that every range includes, and that none exceeds


def at_size(rate: float, params: int) -> float:
    """A rate that suits a small network, for one of a size.

    Args:
        rate: At 20,000 parameters and fewer.
        params: Total parameters.
    """
    return rate / math.sqrt(max(params / RATED_AT, 1.0))


def usual_rates(params: int) -> tuple[float, float]:
    """The lowest and the highest rate of a search: 0.001 to 0.1, lower beyond 180,000 parameters.

    Args:
        params: Total parameters, at most.
    """
    usual = at_size(USUAL, params)
    low, high = min(LOWEST, usual / SPAN), min(HIGHEST, usual * SPAN)
    return float(f"{low:.2g}"), float(f"{high:.2g}")
