"""RAE, a representation autoencoder (Zheng et al. 2025): 86.6 + 415.1 M parameters.

A frozen DINOv2-B as the encoder, 12 blocks of width 768, and a trained ViT-XL as the decoder, 28
blocks of width 1152. The space ends at six blocks. Parameters follow from the two configurations.
"""

from asymnas.networks.presets import PRESETS, Preset

PRESETS.register("rae", "RAE, a representation autoencoder (Zheng et al. 2025)")(
    Preset(
        family="transformer",
        source="https://arxiv.org/abs/2510.11690",
        encoder={"depth": 3, "heads": 4, "ratio": 4},
        decoder={"depth": 6, "heads": 4, "ratio": 4},
        params=(86_600_000, 415_100_000),
    )
)
