"""Networks made by hand, compared at learning rates of their own: the plan of such a study."""

from collections.abc import Mapping
from dataclasses import replace

from asymnas import Architecture, StudyConfig
from asymnas.analysis.tuning import RateGrid
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.runs.confirmation_plan import ConfirmationPlan
from asymnas.runs.contenders import Contender, Entered
from asymnas.runs.plan import plan_search
from asymnas.runs.study import FIXED

FIRST_RATE = 2e-3  # where tuning begins; the grid goes on until the best is inside
REFERENCE = "reference"


def plan_arms(
    study: StudyConfig,
    arms: Mapping[str, Architecture],
    seeds: int,
    rates: Mapping[str, tuple[float, float]],
) -> ConfirmationPlan:
    """Tuning of each arm's rates on one seed, then all arms with every seed, scored on the test.

    Args:
        study: Data, kind, length of training and metrics; nothing is searched.
        arms: The networks by name; the one named `REFERENCE` is what they are compared with.
        seeds: Of each arm; more can be added to what is there.
        rates: Of arms whose rates are known: learning rate, and the decoder's over the encoder's.
    """
    study = replace(
        study,
        budget=max(arm.counts.total_params for arm in arms.values()),
        sampler="random",
        pruner="none",
        enqueue=(),
    )
    resolved = plan_search(study)
    contenders = [
        Contender(
            name=arm,
            architecture=architecture,
            learning_rate=rates[arm][0] if arm in rates else None,
            rate_ratio=rates[arm][1] if arm in rates else 1.0,
            origin=f"{architecture.counts.total_params:,} parameters, "
            f"{architecture.decoder_share:.3f} of them in the decoder",
            is_control=arm != REFERENCE,
        )
        for arm, architecture in arms.items()
    ]
    return ConfirmationPlan(
        config=replace(resolved.config, sampler=FIXED),
        confirmation=ConfirmationConfig(run_dir=str(study.run_dir), searches=1, seeds=seeds),
        space=resolved.space,
        data=resolved.data,
        entered=Entered(contenders, {}, []),
        grid=RateGrid(FIRST_RATE, 3),
    )
