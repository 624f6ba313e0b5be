"""The network of the question: which side of it deserves more parameters, and how?

    python studies/wallpapers.py
    python studies/run.py reference_network --minutes 55

"Double some numbers on the decoder side" confounds the size of a network with its split. Here
*where* (encoder, both sides, decoder) is crossed with *how* (wider layers, more layers) at one
total, half as large again as the reference network's; besides, the reference network's widths are
moved from one side to the other at its own total. Each arm trains at learning rates of its own per
side, tuned on one seed; then every arm trains with the same seeds and is scored once on the test
photographs. It is made for a GPU: two cores with native bf16 train 900 examples per second, and at
80,000 examples no arm is as good as principal components (`LOG.md`).
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from asymnas import Architecture, StudyConfig
from asymnas.analysis.tuning import RateGrid
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.runs.confirmation_plan import ConfirmationPlan
from asymnas.runs.contenders import Contender, Entered
from asymnas.runs.plan import plan_search
from asymnas.runs.study import FIXED

SEEDS = 4  # more can be added to what is there
EXAMPLES = 400_000
FIRST_RATE = 2e-3  # where tuning begins; the grid goes on until the best is inside
DATA, LATENT = "npz:runs/wallpapers.npz", 64
REFERENCE = "reference"
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
)


def arms() -> dict[str, Architecture]:
    """The networks by name: the reference, six of 3.92 million parameters, two of its own total."""
    reference = Architecture.preset("reference")
    encoder, decoder = reference.encoder, reference.decoder
    twice, half_more = ((45, 91, 181), 363), ((39, 78, 157), 314)
    smaller = (26, 52, 104), 209

    def wider(side: Any, widths: tuple[tuple[int, ...], int]) -> Any:
        return replace(side, channels=widths[0], hidden=widths[1])

    def deeper(side: Any, count: int, inner: int) -> Any:
        """Residual blocks of two convolutions at the innermost stage, where weights are many."""
        return replace(side, blocks=(0, 0, count), block="residual", inner=(inner,) * count)

    sides = {
        REFERENCE: (encoder, decoder),
        "decoder, wider": (encoder, wider(decoder, twice)),
        "encoder, wider": (wider(encoder, twice), decoder),
        "both, wider": (wider(encoder, half_more), wider(decoder, half_more)),
        "decoder, deeper": (encoder, deeper(decoder, 5, 113)),
        "encoder, deeper": (deeper(encoder, 5, 113), decoder),
        "both, deeper": (deeper(encoder, 3, 94), deeper(decoder, 3, 94)),
        "two thirds in the decoder": (
            wider(encoder, smaller),
            wider(decoder, ((37, 74, 148), 295)),
        ),
        "one third in the decoder": (
            wider(encoder, ((37, 74, 148), 296)),
            wider(decoder, smaller),
        ),
    }
    return {name: reference.with_sides(*both) for name, both in sides.items()}


def plan(run_dir: Path, timeout: float | None) -> ConfirmationPlan:
    """Tuning of each arm's rates, then all arms with every seed.

    Args:
        run_dir: Where the run is kept.
        timeout: Seconds after which it pauses.
    """
    networks = arms()
    resolved = plan_search(
        StudyConfig(
            name="reference-network",
            dataset=DATA,
            family="conv2d",
            latent=LATENT,
            budget=max(network.counts.total_params for network in networks.values()),
            examples=EXAMPLES,
            precision="bf16",  # the same on every machine; slow where it is not native
            metrics=("mse", "psnr"),
            sampler="random",
            pruner="none",
            enqueue=(),
            run_dir=str(run_dir),
            timeout=timeout,
        )
    )
    contenders = [
        Contender(
            name=name,
            architecture=network,
            learning_rate=None,
            origin=f"{network.counts.total_params:,} parameters, {network.decoder_share:.3f} of "
            "them in the decoder",
            is_control=name != REFERENCE,
        )
        for name, network in networks.items()
    ]
    return ConfirmationPlan(
        config=replace(resolved.config, sampler=FIXED),
        confirmation=ConfirmationConfig(run_dir=str(run_dir), searches=1, seeds=SEEDS),
        space=resolved.space,
        data=resolved.data,
        entered=Entered(contenders, {}, []),
        grid=RateGrid(FIRST_RATE, 3),
    )
