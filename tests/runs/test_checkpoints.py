"""What a run keeps of its trials: whole files, found again by trial and examples."""

import pytest
import torch
from problems import space_of

from asymnas.core.config import DataSpec
from asymnas.core.errors import StudyError
from asymnas.core.files import write_whole
from asymnas.networks.families import Problem
from asymnas.runs.directory import Checkpoints, load_trained, reconstruction_path
from asymnas.training.rung import Job, train_rung


def test_checkpoints_are_found_by_trial_and_examples(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.trials() == set()
    assert checkpoints.load(3, 640) is None
    for trial, examples in ((3, 640), (3, 1280), (12, 640), (123456, 640)):
        checkpoints.save(trial, examples, f"{trial} {examples}".encode())
    assert checkpoints.load(3, 640) == b"3 640"
    assert checkpoints.load(3, 1280) == b"3 1280"
    assert checkpoints.load(3, 64) is None
    assert checkpoints.trials() == {3, 12, 123456}


def test_keeping_one_deletes_the_others_of_its_trial_alone(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for trial in (1, 11):
        for examples in (64, 640):
            checkpoints.save(trial, examples, b"x")
    checkpoints.keep(1, 640)
    assert [checkpoints.load(1, n) for n in (64, 640)] == [None, b"x"]
    assert [checkpoints.load(11, n) for n in (64, 640)] == [b"x", b"x"]
    checkpoints.keep(11)
    assert checkpoints.trials() == {1}


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "new" / "file.txt"
    write_whole(path, "first")
    write_whole(path, b"second")
    assert path.read_text() == "second"

    def fail(self, content):
        with open(self, "wb") as file:
            file.write(content[:2])
        raise OSError("disk full")

    monkeypatch.setattr(type(path), "write_bytes", fail)
    with pytest.raises(OSError, match="disk full"):
        write_whole(path, b"third")
    assert path.read_text() == "second"
    monkeypatch.undo()
    write_whole(path, b"fourth")
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_a_trained_model_comes_back_with_its_weights(tmp_path):
    problem = Problem(shape=(1, 8, 8), latent=4)
    architecture = space_of("conv2d", problem, budget=5_000).sample(0).architecture
    job = Job(
        architecture=architecture,
        data=DataSpec(name="digits"),
        learning_rate=1e-3,
        batch_size=64,
        seed=0,
        until=3,
        total=3,
        device="cpu",
        samples=True,
    )
    result = train_rung(job)
    Checkpoints(tmp_path).save(7, 192, result.checkpoint)
    model = load_trained(tmp_path, 7, 192, architecture)
    assert not model.training
    x, output = (torch.from_numpy(array) for array in result.samples)
    with torch.inference_mode():
        torch.testing.assert_close(model(x), output)
    with pytest.raises(StudyError, match=r"no weights of trial 8: .*front"):
        load_trained(tmp_path, 8, 192, architecture)


def test_pictures_are_named_by_trial(tmp_path):
    assert reconstruction_path(tmp_path, 7).relative_to(tmp_path).parts == (
        "artifacts",
        "reconstructions",
        "trial_00007.png",
    )
