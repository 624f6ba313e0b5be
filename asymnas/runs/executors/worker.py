"""How a worker answers calls, and the local process that reads them and writes its answers.

The first message of a process says that it is ready. Then it answers each call with a status
(`RESULT`, `ERROR` or `BROKEN`) and a value. Calls and answers travel as bytes within a pickle, so
that one that cannot be unpacked leaves the pipe whole, beside the call's number, so that no answer
is taken for another call's. After a failure of its own and not the call's it ends, to be replaced
by a new process.

It imports the standard library and the package's errors alone: a call imports what it needs. What
all calls need can be imported ahead, while the parent prepares the first one. It ignores Ctrl-C,
which is for the coordinator, and ends when its input does.
"""

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from asymnas.core.errors import WorkerError

STARTED, RESULT, ERROR, BROKEN = "started", "result", "error", "broken"


def main(ahead: str) -> None:
    """Serves calls until the input ends; first imports a module, unless its name is empty."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    calls = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a call prints must not mix with the answers
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)  # nor may it read calls
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    pickle.dump(STARTED, answers)
    answers.flush()
    if ahead:
        with suppress(Exception, SystemExit):  # a call that needs it raises the same again
            import_module(ahead)
    while True:
        try:
            number, call = pickle.load(calls)
        except EOFError:
            return
        status, answered = answer(call)
        pickle.dump((number, answered), answers)
        answers.flush()
        if status == BROKEN:
            os._exit(1)  # at once: tidying up may hang where the accelerator has failed


def append_output_to(log: Path) -> None:
    """Has what this process prints appended to a file; a call, made before all others."""
    with log.open("ab") as file:
        for printed in (1, 2):
            os.dup2(file.fileno(), printed)


def answer(call: bytes) -> tuple[str, bytes]:
    """Makes a call: its status, and the answer with the same status and the value, as bytes.

    Args:
        call: Function, arguments and keyword arguments, pickled.
    """
    try:
        function, args, kwargs = pickle.loads(call)
    except (Exception, SystemExit) as error:  # whatever unpacking, which imports, can raise
        broken = isinstance(error, ImportError | MemoryError | OSError | SystemExit)
        return _failure(BROKEN if broken else ERROR, error)
    try:
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
        return RESULT, pickle.dumps((RESULT, function(*args, **kwargs)))
    except Exception as error:  # whatever the call or packing its value can raise
        broken = isinstance(error, WorkerError | MemoryError | OSError)
        return _failure(BROKEN if broken else ERROR, error)


def _failure(status: str, error: Exception | SystemExit) -> tuple[str, bytes]:
    traceback.print_exception(error)
    try:
        if isinstance(error, SystemExit):  # it would end whoever unpacks and raises it
            raise TypeError
        answer = pickle.dumps((status, error))
        pickle.loads(answer)
    except Exception:  # whatever packing or unpacking can raise
        answer = pickle.dumps((status, RuntimeError(f"{type(error).__name__}: {error}")))
    return status, answer


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
