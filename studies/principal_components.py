"""What principal components leave of a study's data, which a network should at least reach.

    python studies/wallpapers.py; python studies/wallpapers.py 16
    python studies/principal_components.py [DATA ...]

As many components as the studies' networks have latent numbers are fitted on the training split, in
the values that the networks take. Writes `results/principal_components.json`: mean squared errors.
Other data than those named keep what is there; all are taken where none is.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from reference_network import NETWORKS
from sklearn.decomposition import PCA
from sweeps import SWEEPS

from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.data.examples import Examples
from asymnas.training.evaluation import as_input

RESULTS = Path(__file__).parent / "results" / "principal_components.json"


def values_of(examples: Examples) -> NDArray[np.float64]:
    """Examples as networks take them, one per row `[n, d]`, float64."""
    rows = as_input(examples[torch.arange(len(examples))]).flatten(1)
    return rows.double().numpy()


def errors(dataset: str, components: int) -> dict[str, float]:
    """Mean squared errors of reconstructing each split; the components are fitted on the first."""
    data = load_dataset(DataSpec(name=dataset))
    pca = PCA(components).fit(values_of(data.train))
    splits = {name: values_of(getattr(data, name)) for name in ("train", "validation", "test")}
    return {
        "components": components,
        **{
            name: float(((pca.inverse_transform(pca.transform(x)) - x) ** 2).mean())
            for name, x in splits.items()
        },
    }


if __name__ == "__main__":
    latents = {network.dataset: network.latent for network in NETWORKS.values()}
    plain = [sweep.study for sweep in SWEEPS.values() if sweep.study.kind == "plain"]
    latents |= {study.dataset: study.latent for study in plain}
    found = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    for name in sys.argv[1:] or latents:
        found[name] = errors(name, latents[name])
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
