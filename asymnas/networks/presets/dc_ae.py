"""DC-AE f32c32, the deep compression autoencoder (Chen et al. 2024): 136.5 + 147.1 M parameters.

Five stages a side, each resampled around a parameter-free shortcut, of 128 channels at first and
1024 at the latent; residual blocks outside, blocks with attention inside.
"""

from asymnas.networks.presets import PRESETS, Preset

_STAGES = {"depth": 5, "growth": 1.5, "kernel": 3, "blocks": 2, "block": "residual"}

PRESETS.register("dc-ae", "DC-AE f32c32, the deep compression autoencoder (Chen et al. 2024)")(
    Preset(
        family="conv2d",
        source="https://arxiv.org/abs/2410.10733",
        encoder={**_STAGES, "downsampling": "dcae"},
        decoder={**_STAGES, "upsampling": "dcae"},
        params=(136_500_000, 147_100_000),
    )
)
