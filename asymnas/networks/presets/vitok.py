"""ViTok S-B (Hansen-Estruch et al. 2025): small encoder, base decoder, 43.3 + 85.8 M.

Transformers of one width, the decoder twice as deep as the encoder: 6 and 12 blocks of 12 heads.
The space ends at six blocks, so half of both.
"""

from asymnas.networks.presets import PRESETS, Preset

PRESETS.register("vitok", "ViTok S-B (Hansen-Estruch et al. 2025)")(
    Preset(
        family="transformer",
        source="https://arxiv.org/abs/2501.09755",
        encoder={"depth": 3, "heads": 4, "ratio": 4},
        decoder={"depth": 6, "heads": 4, "ratio": 4},
        params=(43_300_000, 85_800_000),
    )
)
