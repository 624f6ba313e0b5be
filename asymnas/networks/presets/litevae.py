"""LiteVAE (Sadat et al. 2024): 6.75 + 49.49 M parameters, the encoder a fifth of the usual one.

The encoder reads three levels of Haar wavelets of the image through small UNets without resampling
and joins them by another one. What comes nearest here are stages of equal channels, each of which
rearranges pixels into channels, as a level of wavelets does but for a fixed rotation. The decoder
is Stable Diffusion's with modulated convolutions in place of group norms: 49.49 M parameters are
counted on Stable Diffusion's.
"""

from asymnas.networks.presets import PRESETS, Preset

_STAGES = {"depth": 3, "kernel": 3, "blocks": 2, "block": "residual"}

PRESETS.register("litevae", "LiteVAE (Sadat et al. 2024)")(
    Preset(
        family="conv2d",
        source="https://arxiv.org/abs/2405.14477",
        encoder={**_STAGES, "growth": 1.0, "downsampling": "pixel_unshuffle"},
        decoder={
            **_STAGES,
            "growth": 1.5,
            "outer": True,
            "attention": True,
            "upsampling": "nearest",
        },
        params=(6_750_000, 49_490_179),
    )
)
