"""The network of the question: which side of it deserves more parameters, and how?

    python studies/run.py reference_network_small --minutes 55

    python studies/run.py reference_network_spatial --minutes 55

    python -m asymnas.search --dataset fashion-mnist --family conv2d --latent 16 --budget 82033 \\
        --examples 160k --trials 40 --precision fp32 --metrics mse --run-dir runs/question_small
    cp runs/question_small/best/architecture.json studies/results/reference_network_small_found/
    python studies/run.py reference_network_small_found --minutes 10

    python studies/wallpapers.py
    python studies/run.py reference_network --minutes 55

    python -m asymnas.search --dataset npz:runs/wallpapers.npz --family conv2d --latent 64 \\
        --budget 2615363 --examples 60k --trials 40 --precision bf16 --metrics mse \\
        --run-dir runs/question
    cp runs/question/best/architecture.json studies/results/reference_network_found/
    cp runs/question/trials.csv studies/results/reference_network_found/search.csv
    python studies/run.py reference_network_found --minutes 55

"Double some numbers on the decoder side" confounds the size of a network with its split. Here
*where* (encoder, both sides, decoder) is crossed with *how* (wider layers, more layers) at one
total, half as large again as the reference network's; besides, the reference network's widths are
moved from one side to the other at its own total. Each arm trains at learning rates of its own per
side, tuned on one seed; then every arm trains with the same seeds and is scored once on the test
examples.

The network takes photographs and is made for a GPU (`--workers 12`), which trains it in eight
minutes; two cores with native bf16 train 900 examples per second, so 80,000 examples in the time
that was tried, and then no arm is as good as principal components (`LOG.md`). The small one has the
same layers, a quarter as wide, and takes Fashion-MNIST, which two cores can train. Dense layers
hold most of both; the spatial one has none, and its convolutions are wider, to the small one's
total.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from arm_plan import REFERENCE, plan_arms

from asymnas import Architecture, StudyConfig
from asymnas.core.config import Bottleneck, Precision
from asymnas.runs.confirmation_plan import ConfirmationPlan

WIDER_LATENT = ", wider latent"
FOUND = "found by a search"
RESULTS = Path(__file__).parent / "results"
Width = tuple[tuple[int, int, int], int]  # channels of the stages and units of the hidden layer


@dataclass(frozen=True)
class Network:
    """The network at one size, with the widths of its arms; of two, the encoder's come first.

    Args:
        dataset: What it takes.
        shape: Of an example.
        latent: Numbers of the latent vector, or channels of a spatial latent.
        examples: Training examples per run.
        precision: The same on every machine.
        seeds: Of each arm; more can be added to what is there.
        reference: Widths of the reference network, both sides.
        twice: Of a side that is twice as large.
        half_more: Of a side that is half as large again.
        more: Of a side that has two thirds of the reference network's total.
        less: Of a side that has one third of it.
        deeper: Residual blocks of two convolutions at the innermost stage, where weights are many,
            and their inner channels, which make a side twice as large.
        half_deeper: The same for half as large again.
        bottleneck: How the images meet the latent.
        wider_latent: Numbers of a latent vector with which three of the arms are trained besides;
            0 for none.
        found: The committed file of what a search found at the reference network's total; the two
            are then the only arms. Empty for none.
        rates: Of arms whose rates are known: learning rate, and the decoder's over the encoder's.
    """

    dataset: str
    shape: tuple[int, ...]
    latent: int
    examples: int
    precision: Precision
    seeds: int
    reference: Width
    twice: tuple[Width, Width]
    half_more: tuple[Width, Width]
    more: tuple[Width, Width]
    less: tuple[Width, Width]
    deeper: tuple[int, int]
    half_deeper: tuple[int, int]
    bottleneck: Bottleneck = "dense"
    wider_latent: int = 0
    found: str = ""
    rates: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def arms(self) -> dict[str, Architecture]:
        """The networks by name: the reference, six half as large again, two of its own total.

        Three of them follow with the wider latent, if there is one.
        """
        preset = replace(
            Architecture.preset("reference"),
            shape=self.shape,
            latent=self.latent,
            bottleneck=self.bottleneck,
        )
        encoder = _of_width(preset.encoder, self.reference)
        decoder = _of_width(preset.decoder, self.reference)

        def encoder_of(widths: tuple[Width, Width]) -> Any:
            return _of_width(encoder, widths[0])

        def decoder_of(widths: tuple[Width, Width]) -> Any:
            return _of_width(decoder, widths[1])

        if self.found:
            file = RESULTS / self.found
            found = Architecture.from_dict(json.loads(file.read_text("utf-8")))
            return {REFERENCE: preset.with_sides(encoder, decoder), FOUND: found}
        sides = {
            REFERENCE: (encoder, decoder),
            "decoder, wider": (encoder, decoder_of(self.twice)),
            "encoder, wider": (encoder_of(self.twice), decoder),
            "both, wider": (encoder_of(self.half_more), decoder_of(self.half_more)),
            "decoder, deeper": (encoder, _deeper(decoder, *self.deeper)),
            "encoder, deeper": (_deeper(encoder, *self.deeper), decoder),
            "both, deeper": (
                _deeper(encoder, *self.half_deeper),
                _deeper(decoder, *self.half_deeper),
            ),
            "two thirds in the decoder": (encoder_of(self.less), decoder_of(self.more)),
            "one third in the decoder": (encoder_of(self.more), decoder_of(self.less)),
        }
        arms = {name: preset.with_sides(*both) for name, both in sides.items()}
        if self.wider_latent:
            for name in (REFERENCE, "both, wider", "decoder, wider"):
                arms[name + WIDER_LATENT] = replace(arms[name], latent=self.wider_latent)
        return arms


def _of_width(side: Any, width: Width) -> Any:
    return replace(side, channels=width[0], hidden=width[1])


def _deeper(side: Any, count: int, inner: int) -> Any:
    return replace(side, blocks=(0, 0, count), block="residual", inner=(inner,) * count)


def _alike(*width: Any) -> tuple[Any, Any]:
    """The same widths on both sides."""
    return width, width


NETWORKS = {
    "reference_network_small": Network(
        dataset="fashion-mnist",
        shape=(1, 28, 28),
        latent=16,
        examples=160_000,
        precision="fp32",
        seeds=8,
        reference=((8, 16, 32), 64),
        twice=(((11, 23, 45), 92), ((11, 21, 45), 94)),
        half_more=(((10, 20, 39), 79), ((10, 19, 39), 80)),
        more=(((9, 17, 37), 76), ((9, 17, 37), 75)),
        less=(((7, 13, 27), 50), ((6, 13, 26), 52)),
        deeper=(3, 24),
        half_deeper=(2, 18),
    ),
    "reference_network_spatial": Network(
        dataset="fashion-mnist",
        shape=(1, 28, 28),
        latent=1,  # of 4 by 4 positions
        bottleneck="spatial",
        examples=160_000,
        precision="fp32",
        seeds=4,
        reference=((20, 39, 79), 0),
        twice=_alike((28, 56, 111), 0),
        half_more=_alike((24, 49, 95), 0),
        more=_alike((23, 45, 92), 0),
        less=_alike((16, 33, 62), 0),
        deeper=(2, 14),
        half_deeper=(1, 14),
    ),
    "reference_network": Network(
        dataset="npz:runs/wallpapers.npz",
        shape=(3, 48, 48),
        latent=64,
        examples=400_000,
        precision="bf16",  # slow where it is not native
        seeds=4,
        reference=((32, 64, 128), 256),
        twice=_alike((45, 91, 181), 363),
        half_more=_alike((39, 78, 157), 314),
        more=(((37, 74, 148), 296), ((37, 74, 148), 295)),
        less=_alike((26, 52, 104), 209),
        deeper=(5, 113),
        half_deeper=(3, 94),
        wider_latent=256,
    ),
}
#: The network beside what a search finds at its total, at the rate that the search gave it, and as
#: many training examples.
NETWORKS["reference_network_small_found"] = replace(
    NETWORKS["reference_network_small"],
    found="reference_network_small_found/architecture.json",
    rates={REFERENCE: (0.007194, 1.833), FOUND: (0.010, 1.0)},
)
NETWORKS["reference_network_found"] = replace(
    NETWORKS["reference_network"],
    found="reference_network_found/architecture.json",
    examples=60_000,
    seeds=6,
    rates={FOUND: (0.003628, 1.434)},  # the reference's are tuned at this length
)

#: Each question with the arms whose log test losses answer it, the first less the second.
CONTRASTS = (
    ("Does size matter at all?", "both, wider", REFERENCE),
    ("Does a wider decoder do more than two wider sides?", "decoder, wider", "both, wider"),
    ("Does a wider encoder?", "encoder, wider", "both, wider"),
    ("Does a deeper decoder do more than two deeper sides?", "decoder, deeper", "both, deeper"),
    ("Does a deeper encoder?", "encoder, deeper", "both, deeper"),
    ("Are extra layers better than wider ones?", "both, deeper", "both, wider"),
    ("At the reference's size: two thirds for a half?", "two thirds in the decoder", REFERENCE),
    ("A third for a half?", "one third in the decoder", REFERENCE),
    ("Does the latent bind?", REFERENCE + WIDER_LATENT, REFERENCE),
    (
        "With a wider latent: does size matter?",
        "both, wider" + WIDER_LATENT,
        REFERENCE + WIDER_LATENT,
    ),
    (
        "Does a wider decoder do more than two wider sides?",
        "decoder, wider" + WIDER_LATENT,
        "both, wider" + WIDER_LATENT,
    ),
)


def plan_network(
    name: str, run_dir: Path, timeout: float | None, workers: int | None = None
) -> ConfirmationPlan:
    """Tuning of each arm's rates, then all arms with every seed.

    Args:
        name: Which of `NETWORKS`.
        run_dir: Where the run is kept.
        timeout: Seconds after which it pauses.
        workers: Networks that train at once; by default one per GPU or core.
    """
    network = NETWORKS[name]
    arms = network.arms()
    study = StudyConfig(
        name=name,
        dataset=network.dataset,
        family="conv2d",
        latent=network.latent,
        bottleneck=network.bottleneck,
        examples=network.examples,
        precision=network.precision,
        metrics=("mse", "psnr"),
        run_dir=str(run_dir),
        timeout=timeout,
        workers=workers,
    )
    return plan_arms(study, arms, network.seeds, network.rates)
