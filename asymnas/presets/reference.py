"""A common, almost perfectly symmetric convolutional autoencoder: 48×48×3 in, latent 64.

1,305,472 + 1,309,891 parameters, 9,951,232 MACs a side; the weights alone are equal (1,304,928).
Its dense layers hold 92 % of the parameters.
"""

from asymnas.presets import PRESETS

_SIDE = {
    "channels": (32, 64, 128),
    "kernels": (5, 4, 3),
    "hidden": 256,
    "activation": "relu",
}

PRESETS.register("reference")(
    {
        "family": "conv2d",
        "encoder": {**_SIDE, "resampling": "strided"},
        "decoder": {**_SIDE, "resampling": "transposed"},
        "shape": (3, 48, 48),
        "latent": 64,
    }
)
