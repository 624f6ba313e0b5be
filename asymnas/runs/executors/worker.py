"""The process behind `LocalProcesses`: reads pickled calls, writes pickled answers.

Both travel as bytes within a pickle, so that one that cannot be unpacked leaves the pipe whole.

It leaves Ctrl-C to the coordinator and ends when its input does.
"""

import os
import pickle
import signal
import threading
import time


def main() -> None:
    """Serves calls until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    calls = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a call prints must not mix with the answers
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)  # nor may it read calls
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    import torch

    torch.set_num_threads(1)
    while True:
        try:
            call = pickle.load(calls)
        except EOFError:
            return
        try:
            function, args, kwargs = pickle.loads(call)
            answer = pickle.dumps((True, function(*args, **kwargs)))
        except Exception as error:
            answer = _as_answer(error)
        pickle.dump(answer, answers)
        answers.flush()


def _as_answer(error: Exception) -> bytes:
    try:
        answer = pickle.dumps((False, error))
        pickle.loads(answer)
    except Exception:
        answer = pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
    return answer


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main()
