"""The seeds of the weights and batches that a run trains with, derived from the study's seed."""

import numpy as np


def trial_seed(study: int, trial: int) -> int:
    """The seed of the weights and batches of a search's trial."""
    return int(np.random.SeedSequence((study, 1, trial)).generate_state(1)[0])


def replicate_seed(study: int, place: int) -> int:
    """The seed of the weights and batches of a replicate, the same for all architectures."""
    return int(np.random.SeedSequence((study, 2, place)).generate_state(1)[0])
