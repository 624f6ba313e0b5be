"""Everything asymnas raises on purpose: what was given, what is allowed, what to do."""


class AsymnasError(Exception):
    """Base of all errors that asymnas raises on purpose; the message is one clear line."""


class ConfigError(AsymnasError, ValueError):
    """A setting is out of its range or contradicts another one."""


class UnknownNameError(ConfigError):
    """A name that no registry entry has; the message lists the known ones."""


class BudgetError(ConfigError):
    """No architecture of the search space fits the budget; names the smallest that would."""


class DataError(AsymnasError, ValueError):
    """A data set is missing, unreadable or unusable."""


class StudyError(AsymnasError):
    """A run directory or storage cannot be used: another study's, in use, or without results."""


class DeviceError(AsymnasError):
    """The hardware asked for is not there."""


class CheckpointError(AsymnasError):
    """A checkpoint is missing, cut short or damaged: its trial has to start again."""
