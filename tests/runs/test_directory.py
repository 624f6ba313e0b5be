"""A run directory: where its study is, and the files named by trial and examples."""

import json

import pytest
import torch
from problems import space_of

from asymnas.core.config import DataSpec
from asymnas.core.errors import StudyError
from asymnas.core.files import DATABASE, STORAGE, delete_drafts, holds_run, whole_file
from asymnas.networks.families import Problem
from asymnas.runs.directory import (
    Checkpoints,
    load_trained,
    reconstruction_path,
    storage_of,
)
from asymnas.training.rung import Job, train_rung


def write(checkpoints, *names):
    for trial, examples in names:
        path = checkpoints.path(trial, examples)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_checkpoints_are_named_by_trial_and_examples(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.trials() == set()
    write(checkpoints, (3, 640), (3, 1280), (12, 640), (123456, 640))
    assert len(list((tmp_path / "artifacts" / "checkpoints").iterdir())) == 4
    assert checkpoints.trials() == {3, 12, 123456}


def test_deleting_leaves_the_other_trials_alone(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    write(checkpoints, *((trial, examples) for trial in (1, 11) for examples in (64, 640)))
    checkpoints.delete(1, except_examples=640)
    assert not checkpoints.path(1, 64).exists()
    assert checkpoints.path(1, 640).exists()
    assert all(checkpoints.path(11, n).exists() for n in (64, 640))
    checkpoints.delete(11)
    assert checkpoints.trials() == {1}


def test_drafts_of_killed_writers_are_deleted_and_nothing_else(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    write(checkpoints, (1, 64))
    kept = {tmp_path / name for name in (".study.db.x.lock", ".hidden", "best/a.json")}
    kept.add(checkpoints.path(1, 64))
    drafts = []
    for path in (*kept, checkpoints.path(1, 128)):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path):
            (draft,) = path.parent.glob(f".{path.name}.*")
        drafts.append(draft)
    for draft in drafts:
        draft.write_bytes(b"of a process that was killed")
    delete_drafts(tmp_path)
    left = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert left == kept | {checkpoints.path(1, 128)}


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
        save=Checkpoints(tmp_path).path(7, 192),
    )
    result = train_rung(job)
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


def test_an_empty_directory_holds_no_run(tmp_path):
    assert not holds_run(tmp_path)
    with pytest.raises(StudyError, match=r"holds no run: it has no study\.db; start one"):
        storage_of(tmp_path)


def test_the_study_is_in_the_directory_unless_a_file_names_its_storage(tmp_path):
    (tmp_path / DATABASE).touch()
    assert holds_run(tmp_path)
    assert storage_of(tmp_path) == (f"sqlite:///{tmp_path / DATABASE}", None)
    elsewhere = {"storage": "postgresql://db/studies", "study": "digits"}
    (tmp_path / STORAGE).write_text(json.dumps(elsewhere))
    assert storage_of(tmp_path) == ("postgresql://db/studies", "digits")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"storage": "sqlite:///a.db"}'])
def test_a_damaged_file_of_the_storage_is_named(tmp_path, content):
    (tmp_path / STORAGE).write_text(content)
    with pytest.raises(StudyError, match=r"storage\.json is damaged"):
        storage_of(tmp_path)
