"""Made trial tables whose loss depends on known choices."""

import numpy as np
import pandas as pd


def unpruned(trials: int, seed: int = 0) -> pd.DataFrame:
    """Trials whose loss depends on one number, one category and nothing else."""
    rng = np.random.default_rng(seed)
    block = rng.choice(["plain", "residual", "gated"], trials)
    width = rng.uniform(0, 1, trials)
    log_loss = 2 * width + 1.2 * (block == "plain") + rng.normal(0, 0.05, trials)
    return pd.DataFrame(
        {
            "trial": range(trials),
            "state": "complete",
            "duplicate_of": pd.array([pd.NA] * trials, dtype="Int64"),
            "learning_rate": rng.uniform(1e-3, 8e-3, trials),
            "rate_ratio": 1.0,
            "curve": [[[100, float(np.exp(value))]] for value in log_loss],
            "drawn.block": block,
            "drawn.width": width,
            "drawn.idle": rng.integers(0, 5, trials),
            "drawn.constant": 3,
        }
    )
