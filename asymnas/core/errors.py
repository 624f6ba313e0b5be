"""Everything asymnas raises on purpose: what was given, what is allowed, what to do."""

from concurrent.futures import BrokenExecutor


class AsymnasError(Exception):
    """Base of all errors that asymnas raises on purpose; the message is one clear line."""


class ConfigError(AsymnasError, ValueError):
    """A setting is out of its range or contradicts another one."""


class OptionError(ConfigError):
    """An option's value breaks its rule.

    Args:
        name: The option, as it was given: `max_macs` in Python, `--max-macs` on the command line.
        rule: What a value must be.
        value: What was given.
    """

    def __init__(self, name: str, rule: str, value: object) -> None:
        super().__init__(name, rule, value)
        self.name = name
        self.rule = rule
        self.value = value

    def __str__(self) -> str:
        return f"{self.name} must be {self.rule} but got {self.value!r}"


class UnknownNameError(ConfigError):
    """A name that no registry entry has.

    Args:
        message: Says so and lists the known ones.
        name: The unknown name.
    """

    def __init__(self, message: str, *, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class BudgetError(ConfigError):
    """No architecture of the search space fits the budget; names the smallest that would."""


class DataError(AsymnasError, ValueError):
    """A data set is missing, unreadable or unusable."""


class PathError(AsymnasError):
    """A path stands for no place: there is no home directory to put in for its `~`."""


class StudyError(AsymnasError):
    """A run directory or storage cannot be used: another study's, in use, or without results."""


class DamageError(StudyError):
    """What was stored is not what was written: a disk, a copy or a program has changed it."""


class DeviceError(AsymnasError):
    """The hardware asked for is not there."""


class CheckpointError(AsymnasError):
    """A checkpoint is missing, cut short or damaged: its trial has to start again."""


class ExportError(AsymnasError):
    """A network cannot be written in a format."""


class WorkerError(AsymnasError, BrokenExecutor):
    """A worker failed and not the candidate that it trained: the rung is to be tried elsewhere.

    Args:
        message: What happened, in one line.
        workers: Names of the workers that failed on the call, each once. An executor that tries a
            call on several workers before it gives up names all of them.
        out_of_memory: Whether memory was short on each of them. That may be the candidate's doing:
            two workers that run out of memory on one call suggest so.
    """

    def __init__(
        self, message: str, *, workers: tuple[str, ...] = (), out_of_memory: bool = False
    ) -> None:
        super().__init__(message)
        self.workers, self.out_of_memory = workers, out_of_memory


class WorkerStartError(AsymnasError):
    """Worker processes cannot be started; the message has the reason and the log's place."""
