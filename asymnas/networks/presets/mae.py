"""MAE with ViT-B (He et al. 2022): 85.8 + 26 M parameters, of which the encoder is kept later.

An encoder of 12 blocks of width 768, a decoder of 8 blocks of width 512. The space ends at six
blocks, so half of both.
"""

from asymnas.networks.presets import PRESETS, Preset

PRESETS.register("mae", "MAE with ViT-B (He et al. 2022)")(
    Preset(
        family="transformer",
        source="https://arxiv.org/abs/2111.06377",
        encoder={"depth": 6, "heads": 4, "ratio": 4},
        decoder={"depth": 4, "heads": 4, "ratio": 4},
        params=(85_800_000, 26_000_000),
    )
)
