"""Which errors are the machine's, and that a rung raises them as such."""

import pickle

import pytest
import torch
from test_rung import job_of

from asymnas.core.errors import DataError, StudyError, WorkerError
from asymnas.training.machine_failures import machine_failure
from asymnas.training.rung import train_rung

MACHINE = {
    "illegal access": (RuntimeError("CUDA error: an illegal memory access\nCUDA kernel"), False),
    "cudnn": (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), False),
    "cublas": (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), True),
    "cuda memory": (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
    "memory": (MemoryError(), True),
    "cpu memory": (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
    "mount": (OSError(5, "Input/output error"), False),
}
CANDIDATE = {
    "shape": RuntimeError("mat1 and mat2 shapes cannot be multiplied (64x3 and 4x5)"),
    "device": RuntimeError("Expected all tensors on the same device, but found cuda:0 and cpu"),
    "value": ValueError("CUDA error: as text only"),
    "key": KeyError("weight"),
}


@pytest.mark.parametrize(("error", "memory"), MACHINE.values(), ids=MACHINE)
def test_the_machines_errors(error, memory):
    failure = machine_failure(error)
    assert failure.out_of_memory is memory
    assert str(failure).startswith(type(error).__name__)
    assert "\n" not in str(failure)
    assert len(failure.workers) == 1


@pytest.mark.skipif(not hasattr(torch, "AcceleratorError"), reason="a class of newer torch")
def test_accelerator_errors_are_the_machines_whatever_they_say():
    error = torch.AcceleratorError("misaligned address")
    assert machine_failure(error) is not None


@pytest.mark.parametrize("error", CANDIDATE.values(), ids=CANDIDATE)
def test_errors_that_a_candidate_may_cause(error):
    assert machine_failure(error) is None


@pytest.mark.parametrize("error", [MACHINE["illegal access"][0], MACHINE["mount"][0]], ids=str)
def test_a_rung_raises_them_as_failures_of_its_worker(monkeypatch, error):
    def fail(*arguments):
        raise error

    monkeypatch.setattr("asymnas.training.rung.loaded_dataset", fail)
    with pytest.raises(WorkerError) as caught:
        train_rung(job_of("dense"))
    assert caught.value.__cause__ is error
    sent = pickle.loads(pickle.dumps(caught.value))
    assert (str(sent), sent.workers) == (str(caught.value), caught.value.workers)


@pytest.mark.parametrize("error", [CANDIDATE["shape"], DataError("the data are gone")], ids=str)
def test_a_rung_raises_all_others_as_they_are(monkeypatch, error):
    def fail(*arguments):
        raise error

    monkeypatch.setattr("asymnas.training.rung.loaded_dataset", fail)
    with pytest.raises(type(error)) as caught:
        train_rung(job_of("dense"))
    assert caught.value is error


def test_a_file_that_cannot_be_written_is_the_machines_failure(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(WorkerError, match=r"NotADirectoryError|FileExistsError"):
        train_rung(job_of("dense", until=1, save=tmp_path / "file" / "rung.pt"))


def of_torch(number, text):
    """What torch raises where its writer fails, which hides what the system said."""
    error = RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 7 vs 6")
    error.__context__ = OSError(number, text)
    return error


FULL = [
    (28, "No space left on device"),
    (122, "Disk quota exceeded"),
    (30, "Read-only file system"),
]


@pytest.mark.parametrize("make", [OSError, of_torch])
@pytest.mark.parametrize(("number", "text"), FULL)
def test_storage_that_takes_no_more_ends_the_run(make, number, text, monkeypatch, tmp_path):
    def fail(*arguments):
        raise make(number, text)

    monkeypatch.setattr("asymnas.training.rung.write_checkpoint", fail)
    with pytest.raises(StudyError, match=f"a rung cannot be saved: {text}. What had finished is"):
        train_rung(job_of("dense", save=tmp_path / "c.pt"))


def test_other_errors_of_storage_are_the_worker_s_in_torch_s_words_too():
    failure = machine_failure(of_torch(5, "Input/output error"))
    assert isinstance(failure, WorkerError)
    assert str(failure) == "OSError: [Errno 5] Input/output error"
