"""A linear decoder behind a deep encoder, as in LDVAE (Svensson et al. 2020).

One matrix from the latent to the data, whose columns can be read like the loadings of a factor
analysis, and one hidden layer in the encoder. The matrix has no width, so the encoder takes all
that it leaves of a budget; and as the space draws a hidden layer for each side, no search draws it.
"""

from asymnas.networks.presets import PRESETS, Preset

_LAYERS = {"growth": 1.0, "activation": "relu"}

PRESETS.register(
    "linear-decoder", "A linear decoder behind a deep encoder, as in LDVAE (Svensson et al. 2020)"
)(
    Preset(
        family="dense",
        source="https://doi.org/10.1093/bioinformatics/btaa169",
        encoder={"depth": 1, **_LAYERS},
        decoder={"depth": 0, **_LAYERS},
        drawn=False,
    )
)
