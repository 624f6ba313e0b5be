"""The autoencoder of Stable Diffusion 1 and SDXL (Rombach et al. 2022): 34.2 + 49.5 M parameters.

Three strided stages of two residual blocks a side, three in the decoder, of 128, 256, 512 and 512
channels; nearest-neighbour upsampling before a convolution.
"""

from asymnas.networks.presets import PRESETS, Preset

_STAGES = {"depth": 3, "growth": 1.5, "kernel": 3, "blocks": 2, "block": "residual"}

PRESETS.register("sd-vae", "The autoencoder of Stable Diffusion 1 and SDXL (Rombach et al. 2022)")(
    Preset(
        family="conv2d",
        source="https://arxiv.org/abs/2112.10752",
        encoder={**_STAGES, "downsampling": "strided"},
        decoder={**_STAGES, "upsampling": "nearest"},
        params=(34_164_000, 49_490_000),
    )
)
