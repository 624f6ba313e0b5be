"""TAESD, the tiny autoencoder for Stable Diffusion (Bohan 2023): 1.22 + 1.22 M parameters.

Three strided stages of three residual blocks a side, all of 64 channels; nearest-neighbour
upsampling before a convolution.
"""

from asymnas.networks.presets import PRESETS, Preset

_STAGES = {"depth": 3, "growth": 1.0, "kernel": 3, "blocks": 2, "block": "residual"}

PRESETS.register("taesd", "TAESD, the tiny autoencoder for Stable Diffusion (Bohan 2023)")(
    Preset(
        family="conv2d",
        source="https://github.com/madebyollin/taesd",
        encoder={**_STAGES, "downsampling": "strided"},
        decoder={**_STAGES, "upsampling": "nearest"},
        params=(1_223_000, 1_223_000),
    )
)
