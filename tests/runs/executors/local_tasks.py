"""What the tests ask local workers to do; importable by them."""

import os
import pickle
import signal
import sys
import time
from pathlib import Path
from typing import IO

from asymnas.core.errors import WorkerError

IN_PROCESS = {"poisoned": False}


class UnreadableError(Exception):
    """Needs two arguments, so that pickle can write it but not read it."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def add(a: int, b: int = 0) -> int:
    return a + b


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def meet(mine: Path, others: Path) -> bool:
    """Whether another call, which does the same with the files swapped, runs meanwhile."""
    mine.touch()
    end = time.monotonic() + 100
    while not others.exists() and time.monotonic() < end:
        time.sleep(0.01)
    return others.exists()


def device_beside_others(folder: Path, name: str, others: int) -> str:
    """The device of this worker, once so many calls have come together on workers of their own."""
    (folder / name).touch()
    end = time.monotonic() + 100
    while len(list(folder.iterdir())) < others and time.monotonic() < end:
        time.sleep(0.01)
    return device()


def spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def fail(message: str) -> None:
    raise KeyError(message)


def fail_unpicklably() -> None:
    raise UnreadableError("this", "that")


def fail_with_a_closure() -> None:
    error = ValueError("holds a function")
    error.handler = lambda: None  # type: ignore[attr-defined]
    raise error


def give_a_closure() -> object:
    return lambda: None


def die(code: int = 3) -> None:
    os._exit(code)


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def chat(lines: int) -> str:
    for number in range(lines):
        print("line", number)
        sys.stderr.write(f"error {number}\n")
    os.write(1, b"straight to the descriptor\n")
    os.system("echo from a child")
    sys.stdout.flush()
    return "done"


def write_twice() -> None:
    """From now on this process writes each of its answers twice."""
    write = pickle.dump

    def twice(answer: object, pipe: IO[bytes]) -> None:
        write(answer, pipe)
        write(answer, pipe)

    pickle.dump = twice  # type: ignore[assignment]


def read_input() -> str:
    return sys.stdin.readline()


def threads() -> int:
    import torch

    return torch.get_num_threads()


class Foreign:
    """Can be written by a worker and not be read by the process that asked."""

    def __reduce__(self):
        return (_only_in_a_worker, (os.getpid(),))


def _only_in_a_worker(pid: int) -> str:
    if os.getpid() != pid:
        raise AttributeError("not in this process")
    return "read"


class Treacherous:
    """Can be written by the process that asks and not be read by a worker."""

    def __reduce__(self):
        return (_only_in_a_worker, (os.getpid(),))


def imported(module: str) -> bool:
    return module in sys.modules


def device() -> str:
    return os.environ["CUDA_VISIBLE_DEVICES"]


def on_poisoned_process(flag: Path, number: int) -> int:
    """The first process that is asked is poisoned: it fails on this call and on all later ones."""
    try:
        flag.touch(exist_ok=False)
        IN_PROCESS["poisoned"] = True
    except FileExistsError:
        pass
    if IN_PROCESS["poisoned"]:
        raise MemoryError("poisoned")
    time.sleep(0.05)  # a sound worker takes longer than one that fails at once
    return number


def hang_once(flag: Path) -> int:
    """The first process that is asked hangs, and is in the file; others say which they are."""
    try:
        with flag.open("x") as file:
            file.write(f"{os.getpid()}\n")
    except FileExistsError:
        return os.getpid()
    time.sleep(3600)
    return 0


def on_poisoned_device(number: int) -> int:
    """The worker of one device fails always, in every process that replaces it."""
    if device() == "bad":
        raise WorkerError("CUDA error: an illegal memory access was encountered")
    time.sleep(0.05)
    return number


def run_out_of_memory() -> None:
    raise MemoryError


def lose_the_mount() -> None:
    raise OSError(5, "Input/output error", "/mnt/data")
