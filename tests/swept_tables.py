"""A made sweep: two budgets, shares, upsamplings and seeds, nothing pruned."""

import numpy as np
import pandas as pd

UPSAMPLINGS = ("resize", "transposed")


def swept(
    *,
    shares: int = 8,
    seeds: int = 2,
    interaction: float = 0.0,
    gap_with_share: float = 0.0,
    slow_decoders: float = 0.0,
    noise: float = 0.01,
    seed: int = 0,
) -> pd.DataFrame:
    """Log loss is a parabola in the logit share, deeper with the budget.

    Args:
        shares: How many a budget and upsampling.
        seeds: Runs of an architecture.
        interaction: Slope of log loss on the logit share that `resize` alone has.
        gap_with_share: How much the relative gap to the training loss rises with the share.
        slow_decoders: How much higher the log loss at the first rung is for a share of one.
        noise: Standard deviation of log loss between architectures, and half of it between seeds.
        seed: Of the noise.
    """
    rng = np.random.default_rng(seed)
    cells = [
        (budget, upsampling, share)
        for budget in (50_000, 100_000)
        for upsampling in UPSAMPLINGS
        for share in np.linspace(0.15, 0.85, shares)
    ]
    rows = []
    for cluster, (budget, upsampling, share) in enumerate(cells):
        logit = np.log(share / (1 - share))
        level = -0.4 * np.log(budget) + 0.1 * (logit - 0.3) ** 2
        level += interaction * logit * (upsampling == "resize") + rng.normal(0, noise)
        for replicate in range(seeds):
            loss = float(np.exp(level + rng.normal(0, noise / 2)))
            early = loss * float(np.exp(0.5 + slow_decoders * share + rng.normal(0, noise)))
            rows.append(
                {
                    "trial": len(rows),
                    "state": "complete",
                    "phase": "measure",
                    "never_pruned": False,
                    "budget": budget,
                    "decoder_share": share,
                    "cluster": cluster,
                    "replicate": replicate,
                    "val_loss": loss,
                    "train_loss": loss / (1.05 + gap_with_share * share + rng.normal(0, 0.01)),
                    "curve": [[20_000, early], [80_000, loss]],
                    "drawn.decoder_upsampling": upsampling,
                }
            )
    table = pd.DataFrame(rows)
    table["duplicate_of"] = pd.array([pd.NA] * len(table), dtype="Int64")
    return table
