"""A common, almost perfectly symmetric convolutional autoencoder: 48×48×3 in, latent 64.

1,305,472 + 1,309,891 parameters, 9,951,232 MACs a side; the weights alone are equal (1,304,928).
Its dense layers hold 92 % of the parameters. The space draws no kernel of four and no two kernels
on one side; what is sized to a budget keeps the stages and the split, without the hidden layer.
"""

from asymnas.core.rates import USUAL
from asymnas.networks.presets import PRESETS, Preset

_SIDE = {
    "channels": (32, 64, 128),
    "kernels": (5, 4, 3),
    "hidden": 256,
    "activation": "relu",
}
_STAGES = {"depth": 3, "growth": 2.0, "kernel": 3, "blocks": 0}

PRESETS.register("reference", "A common, almost perfectly symmetric convolutional autoencoder")(
    Preset(
        family="conv2d",
        source="shown by a practitioner in a question on the web, December 2019",
        encoder={**_STAGES, "downsampling": "strided"},
        decoder={**_STAGES, "upsampling": "transposed"},
        params=(1_305_472, 1_309_891),
        exact={
            "family": "conv2d",
            "encoder": {**_SIDE, "resampling": "strided"},
            "decoder": {**_SIDE, "resampling": "transposed"},
            "shape": (3, 48, 48),
            "latent": 64,
        },
        usual=True,
        rate=USUAL,
    )
)
