"""Your own table: numbers, levels and gaps; new rows are encoded in their own units.

Writes `machines.csv`: 400 machines whose five columns follow from two hidden numbers.
"""

import numpy as np
import pandas as pd

from asymnas import StudyConfig, find_best_architecture, run_search

rng = np.random.default_rng(0)
load, age = rng.uniform(0, 1, (2, 400))
table = pd.DataFrame(
    {
        "power_kw": (5 + 40 * load + rng.normal(0, 1, 400)).round(1),
        "temperature_c": (30 + 35 * load + 10 * age + rng.normal(0, 1, 400)).round(1),
        "vibration": (0.2 + 0.5 * age**2 + 0.2 * load * age + rng.normal(0, 0.02, 400)).round(3),
        "hours": (20_000 * age).astype(int),
        "site": np.where(age > 0.6, "old hall", "new hall"),
    }
)
table.loc[::25, "vibration"] = np.nan
table.to_csv("machines.csv", index=False)

config = StudyConfig(
    dataset="csv:machines.csv", budget="1k", latent=2, trials=4, examples="20k", workers=1
)
run = run_search(config)
best = find_best_architecture(run)
print(f"{best.encoder_params} + {best.decoder_params} parameters")

new = table.head(3)
print("latent:", best.encode(new).shape)
print(best.reconstruct(new).round(1).to_string(index=False))
