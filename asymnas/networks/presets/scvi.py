"""Like scVI (Lopez et al. 2018), with a deep encoder: four hidden layers against one.

scVI has hidden layers of one width on both sides, by default one layer of 128 each; the decoder
keeps that and the encoder is given four. What each side then has follows from the number of
features, so no published share is aimed at but equal widths.
"""

from asymnas.networks.presets import PRESETS, Preset

_LAYERS = {"growth": 1.0, "activation": "relu"}

PRESETS.register("scvi", "Like scVI (Lopez et al. 2018), with a deep encoder")(
    Preset(
        family="dense",
        source="https://doi.org/10.1038/s41592-018-0229-2",
        encoder={"depth": 4, **_LAYERS},
        decoder={"depth": 1, **_LAYERS},
    )
)
