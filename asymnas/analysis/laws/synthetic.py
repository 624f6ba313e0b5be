"""Simulated sweeps of a known truth: to plan a design with, and to check the inference against.

    truth = truth_with_share("additive", 0.65)
    table = synthetic_sweep(truth, Design(architectures=6), Noise(architecture=0.08), seed=1)

The formulas are written out in parameters, apart from those that are fitted. `QuadraticTruth` is
neither of the fitted laws: it shows what intervals are worth when the model is wrong.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from asymnas.analysis.estimates import Law
from asymnas.core.columns import COLUMNS, DRAWN, MEASURE
from asymnas.core.errors import ConfigError

RUNGS = (20_000, 40_000, 80_000, 120_000)  # training examples seen
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BUDGETS = (50_000, 150_000, 450_000)
ENCODER_MACS, DECODER_MACS = 40, 55  # a parameter, on average
DEPTHS, BLOCKS = (1, 2, 3), ("plain", "residual")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A scaling law with its constants, Ne and Nd being parameters of encoder and decoder.

    additive: `irreducible + encoder_factor / Ne^a + decoder_factor / Nd^b`; multiplicative:
    `irreducible + encoder_factor / Ne^a · decoder_factor / Nd^b`.

    Args:
        law: Which.
        irreducible: Loss of an infinite model, at least 0.
        encoder_factor: Above 0.
        decoder_factor: Above 0.
        encoder_exponent: a, above 0.
        decoder_exponent: b, above 0.
    """

    law: Law
    irreducible: float
    encoder_factor: float
    decoder_factor: float
    encoder_exponent: float
    decoder_exponent: float

    def loss(self, encoder: Any, decoder: Any) -> Any:
        """Loss at sizes of the sides, numbers or arrays."""
        first = self.encoder_factor * encoder**-self.encoder_exponent
        second = self.decoder_factor * decoder**-self.decoder_exponent
        return self.irreducible + (first + second if self.law == "additive" else first * second)

    def best_share(self, budget: float) -> float:
        """The decoder share of the lowest loss at a total size."""
        found = minimize_scalar(
            lambda share: np.log(self.loss((1 - share) * budget, share * budget)),
            bounds=(1e-3, 1 - 1e-3),
            method="bounded",
            options={"xatol": 1e-9},
        )
        return float(found.x)

    def cost_of_even_split(self, budget: float) -> float:
        """Loss at one half over the loss at the best share, minus one."""
        best = self.best_share(budget)
        lowest = self.loss((1 - best) * budget, best * budget)
        return max(float(self.loss(budget / 2, budget / 2) / lowest - 1), 0.0)


@dataclass(frozen=True, kw_only=True)
class QuadraticTruth:
    """Log loss quadratic in the logit of the decoder share: neither law that the inference fits.

    Args:
        share: The best decoder share at `budget`, in (0, 1).
        curvature: Log loss per squared logit away from the best share, above 0.
        drift: By how much the best share's logit grows when the budget grows by a factor of e.
        exponent: Of the loss at the best share in the budget, above 0.
        budget: Total parameters at which share and loss are given.
        loss_at_best: At the best share of that budget.
    """

    share: float
    curvature: float
    drift: float = 0.0
    exponent: float = 0.3
    budget: float = 150_000
    loss_at_best: float = 0.02

    def loss(self, encoder: Any, decoder: Any) -> Any:
        """Loss at sizes of the sides, numbers or arrays."""
        growth = np.log((encoder + decoder) / self.budget)
        away = np.log(decoder / encoder) - logit(self.share) - self.drift * growth
        return self.loss_at_best * np.exp(self.curvature * away**2 - self.exponent * growth)

    def best_share(self, budget: float) -> float:
        """The decoder share of the lowest loss at a total size."""
        return float(expit(logit(self.share) + self.drift * np.log(budget / self.budget)))

    def cost_of_even_split(self, budget: float) -> float:
        """Loss at one half over the loss at the best share, minus one."""
        return float(np.expm1(self.curvature * logit(self.best_share(budget)) ** 2))


@dataclass(frozen=True, kw_only=True)
class Design:
    """What a sweep trains.

    Args:
        budgets: Parameters of both sides together.
        shares: Decoder shares, in (0, 1).
        architectures: Drawn afresh at every budget and share.
        seeds: Runs of each architecture.
    """

    budgets: tuple[int, ...] = BUDGETS
    shares: tuple[float, ...] = SHARES
    architectures: int = 4
    seeds: int = 3


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Standard deviations of log loss.

    Args:
        architecture: Between architectures of a cell, for no reason that the table gives.
        seed: Between seeds of an architecture.
        structure: Between architectures, due to depth and block of the sides; 0 draws none and
            leaves the table without columns of draws.
    """

    architecture: float = 0.075
    seed: float = 0.035
    structure: float = 0.0


def truth_with_share(
    law: Law,
    share: float,
    *,
    budget: float = 150_000,
    irreducible: float = 0.3,
    exponents: tuple[float, float] = (0.35, 0.45),
    loss: float = 0.02,
) -> Truth:
    """A law whose best decoder share at one budget is known.

    Args:
        law: Which.
        share: Its best decoder share at the budget, in (0, 1).
        budget: Total parameters.
        irreducible: Share of the irreducible loss in the loss at the best share, in [0, 1).
        exponents: Of encoder and decoder. The multiplicative law keeps their sum only: its best
            share is that of the decoder's exponent in it.
        loss: At the best share.

    Raises:
        ConfigError: `share` or `irreducible` is out of its range.
    """
    if not 0 < share < 1:
        raise ConfigError(f"share must lie between 0 and 1 but is {share}")
    if not 0 <= irreducible < 1:
        raise ConfigError(f"irreducible must be at least 0 and below 1 but is {irreducible}")
    encoder, decoder = (1 - share) * budget, share * budget
    reducible = (1 - irreducible) * loss
    if law == "multiplicative":
        a, b = (1 - share) * sum(exponents), share * sum(exponents)
        terms = reducible, 1.0
    else:
        (a, b), odds = exponents, exponents[0] * share / (exponents[1] * (1 - share))
        terms = reducible / (1 + odds), reducible * odds / (1 + odds)
    return Truth(
        law=law,
        irreducible=irreducible * loss,
        encoder_factor=terms[0] * encoder**a,
        decoder_factor=terms[1] * decoder**b,
        encoder_exponent=a,
        decoder_exponent=b,
    )


def synthetic_sweep(
    truth: Truth | QuadraticTruth,
    design: Design | None = None,
    noise: Noise | None = None,
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """A sweep's table as if its losses followed a known truth.

    Args:
        truth: A scaling law, or a curve that is none.
        design: What is trained; nine shares at three budgets by default.
        noise: About the law.
        seed: Fixes all draws.

    Returns:
        One row a run, every one a finished measuring run, with all columns of a trial table.
    """
    design, noise = design or Design(), noise or Noise()
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    cells = [(budget, share) for budget in design.budgets for share in design.shares]
    for cluster, (budget, share) in enumerate(
        c for c in cells for _ in range(design.architectures)
    ):
        about = _architecture(budget, share, noise, rng)
        shift = about.pop("shift")
        exact = truth.loss(about["encoder_params"], about["decoder_params"])
        for replicate in range(design.seeds):
            final = float(exact * np.exp(shift + noise.seed * rng.standard_normal()))
            labels = {"cluster": cluster, "replicate": replicate, "trial": len(rows)}
            rows.append(about | labels | _run(final))
    table = pd.DataFrame(rows)
    extra = [name for name in table if name not in COLUMNS]
    return table[[*COLUMNS, *extra]].astype({"duplicate_of": "Int64"})


def _architecture(
    budget: int, share: float, noise: Noise, rng: np.random.Generator
) -> dict[str, Any]:
    """What all runs of one architecture share; `shift` is how far it is off the law."""
    decoder = round(share * budget)
    encoder = budget - decoder
    macs = np.exp(0.2 * rng.standard_normal(2)) * (ENCODER_MACS * encoder, DECODER_MACS * decoder)
    about: dict[str, Any] = {
        "encoder_params": encoder,
        "decoder_params": decoder,
        "total_params": budget,
        "decoder_share": decoder / budget,
        "encoder_macs": int(macs[0]),
        "decoder_macs": int(macs[1]),
        "total_macs": int(macs[0]) + int(macs[1]),
        "budget": budget,
        "target_share": share,
        "shift": noise.architecture * rng.standard_normal(),
    }
    if noise.structure:
        depths, blocks = rng.choice(DEPTHS, 2), rng.choice(BLOCKS, 2)
        for side, depth, block in zip(("encoder", "decoder"), depths, blocks, strict=True):
            about[f"{DRAWN}{side}_depth"], about[f"{DRAWN}{side}_block"] = int(depth), str(block)
        effects = [*(depths - 2) / np.sqrt(2 / 3), *np.where(blocks == "plain", 1.0, -1.0)]
        about["shift"] += noise.structure * float(np.sum(effects)) / 2
    return about


def _run(final: float) -> dict[str, Any]:
    """The rest of a run's row, its curve falling to the final loss."""
    curve = [[seen, final * (1 + 0.9 * ((RUNGS[-1] / seen) ** 0.6 - 1))] for seen in RUNGS]
    return {
        "state": "complete",
        "duplicate_of": pd.NA,
        "never_pruned": False,
        "failure": "",
        "val_loss": final,
        "train_loss": 0.98 * final,
        "shared_params": 0,
        "encoder_dense_fraction": 0.4,
        "decoder_dense_fraction": 0.5,
        "encoder_family": "conv2d",
        "decoder_family": "conv2d",
        "learning_rate": 3e-3,
        "rate_ratio": 1.0,
        "examples": RUNGS[-1],
        "seconds": 30.0,
        "curve": curve,
        "architecture": {"encoder_family": "conv2d", "decoder_family": "conv2d"},
        "phase": MEASURE,
    }
