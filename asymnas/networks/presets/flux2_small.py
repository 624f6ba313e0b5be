"""FLUX.2's autoencoder with its small decoder (Black Forest Labs 2026): 34.4 + 27.9 M parameters.

The encoder of 128, 256, 512 and 512 channels, two residual blocks at each of four resolutions; the
distilled decoder has three at each, of 96, 192, 384 and 384 channels. Both have group norms, SiLU,
a convolution at the data's own resolution, and attention at the lowest. Parameters follow from the
published configurations; the model card says 28 M for the decoder (49.6 M before it was distilled).
"""

from asymnas.networks.presets import PRESETS, Preset

_STAGES = {
    "depth": 3,
    "growth": 1.5,
    "kernel": 3,
    "blocks": 2,
    "block": "residual",
    "norm": "group",
    "outer": True,
    "attention": True,
}

PRESETS.register(
    "flux2-small", "FLUX.2's autoencoder with its small decoder (Black Forest Labs 2026)"
)(
    Preset(
        family="conv2d",
        source="https://huggingface.co/black-forest-labs/FLUX.2-small-decoder",
        encoder={**_STAGES, "downsampling": "strided"},
        decoder={**_STAGES, "upsampling": "nearest"},
        params=(34_421_696, 27_946_179),
    )
)
