"""Examples of Hypothesis take as long as the machine is busy: no deadline."""

from hypothesis import settings

settings.register_profile("analysis", deadline=None)
settings.load_profile("analysis")
