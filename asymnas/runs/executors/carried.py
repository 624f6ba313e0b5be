"""Rungs whose files travel with them, for workers that may not see the coordinator's disk.

The checkpoint that a rung goes on from is sent with the call, and what the rung writes comes back
with its result; in between, the worker keeps both in a folder of its own for as long as the call
takes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from asymnas.core.errors import CheckpointError
from asymnas.core.files import write_whole
from asymnas.training.machine_failures import machine_failure
from asymnas.training.rung import Job

READ = ("checkpoint",)  # fields of a job that name a file that it reads
WRITTEN = ("save", "losses")  # and files that it writes

Call = tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Brought:
    """The value of a call, and the files that it wrote, each by the path it is meant for."""

    value: Any
    files: dict[Path, bytes]


def pack(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call:
    """A call that does the same on a machine that has none of its files.

    A file that is missing stays so: the call has its own failure for that.
    """
    if not (len(args) == 1 and isinstance(args[0], Job)):
        return function, args, kwargs
    (job,) = args
    files: dict[str, bytes] = {}
    for name in READ:
        path: Path | None = getattr(job, name)
        if path is not None and path.is_file():
            files[name] = path.read_bytes()
    return make, (function, job, files), kwargs


def make(
    function: Callable[..., Any], job: Job, files: Mapping[str, bytes], **kwargs: Any
) -> Brought:
    """Makes a call in a folder of its own, by a worker.

    Args:
        function: What is called with the job.
        job: Names files where the coordinator sees them.
        files: What is in those that it reads, by field.
        kwargs: The call's keyword arguments.
    """
    with TemporaryDirectory(prefix="asymnas-") as folder:
        named = {name: path for name in (*READ, *WRITTEN) if (path := getattr(job, name))}
        here: dict[str, Any] = {name: Path(folder) / name for name in named}
        for name, content in files.items():
            here[name].write_bytes(content)
        try:
            value = function(replace(job, **here), **kwargs)
        except CheckpointError as error:  # the file's own name means something to people
            message = str(error)
            for name, path in here.items():
                message = message.replace(str(path), str(named[name]))
            raise CheckpointError(message) from error
        written = [name for name in WRITTEN if name in here and here[name].is_file()]
        return Brought(value, {named[name]: here[name].read_bytes() for name in written})


def unpack(value: Any) -> Any:
    """The value of a call, its files written where they belong.

    Raises:
        AsymnasError: One of them cannot be written.
    """
    if not isinstance(value, Brought):
        return value
    try:
        for path, content in value.files.items():
            write_whole(path, content)
    except OSError as error:
        raise machine_failure(error) or error from error
    return value.value
