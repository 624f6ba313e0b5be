"""The Descript Audio Codec at 44.1 kHz (Kumar et al. 2023): 22.3 + 54.1 M parameters.

Four stages a side of three dilated residual units with kernels of seven; channels double inwards,
from 64 in the encoder and from 96 in the decoder. Strided and transposed convolutions resample.
"""

from asymnas.networks.presets import PRESETS, Preset

_STAGES = {
    **{"depth": 4, "growth": 2.0, "kernel": 7},
    **{"blocks": 2, "block": "residual", "dilation": 2},
}

PRESETS.register("dac", "The Descript Audio Codec at 44.1 kHz (Kumar et al. 2023)")(
    Preset(
        family="conv1d",
        source="https://arxiv.org/abs/2306.06546",
        encoder={**_STAGES, "downsampling": "strided"},
        decoder={**_STAGES, "upsampling": "transposed"},
        params=(22_300_000, 54_090_000),
    )
)
