"""What the tests ask local workers to do; importable by them."""

import os
import signal
import sys
import time


class UnreadableError(Exception):
    """Needs two arguments, so that pickle can write it but not read it."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def add(a: int, b: int = 0) -> int:
    return a + b


def sleep(seconds: float) -> None:
    time.sleep(seconds)


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
