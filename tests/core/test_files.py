"""Files are written whole or not at all."""

import os
import stat
import threading
from pathlib import Path

import pytest

from asymnas.core.files import whole_file, write_whole


def test_a_file_is_replaced_by_the_whole_content(tmp_path):
    path = tmp_path / "new" / "file.txt"
    write_whole(path, "first")
    write_whole(path, b"second")
    assert path.read_text() == "second"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_text_is_utf8_and_shows_the_bytes_of_names_that_are_not(tmp_path):
    write_whole(tmp_path / "a.html", f"\N{MINUS SIGN}1 {os.fsdecode(b'caf' + bytes([233]))}")
    assert (tmp_path / "a.html").read_text("utf-8") == "\N{MINUS SIGN}1 caf\\udce9"


def test_what_fails_midway_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "file.txt"
    write_whole(path, "first")

    def fail():
        with whole_file(path) as file:
            file.write(b"se")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_content_and_then_names_are_on_disk(tmp_path, monkeypatch):
    path, synced = tmp_path / "a" / "b" / "file.txt", []

    def fsync(descriptor):
        what = Path(os.readlink(f"/proc/self/fd/{descriptor}")).relative_to(tmp_path)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            synced.append((str(what), path.exists()))
        else:
            synced.append((os.fstat(descriptor).st_size, path.exists()))

    monkeypatch.setattr("os.fsync", fsync)
    write_whole(path, b"content")
    folders = {("a", False), (".", False)}  # each holds the name of one that was made
    assert set(synced[:2]) == folders
    assert synced[2:] == [(7, False), ("a/b", True)]
    synced.clear()
    write_whole(path, b"other one")
    assert synced == [(9, True), ("a/b", True)]
    assert path.read_bytes() == b"other one"


@pytest.mark.parametrize("error", [OSError(22, "Invalid argument"), PermissionError(13, "no")])
def test_a_folder_that_cannot_be_synced_is_no_failure(error, tmp_path, monkeypatch):
    def fsync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise error

    monkeypatch.setattr("os.fsync", fsync)
    write_whole(tmp_path / "new" / "file.txt", b"content")
    assert (tmp_path / "new" / "file.txt").read_bytes() == b"content"


def test_content_that_cannot_be_synced_is_one(tmp_path, monkeypatch):
    def fsync(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(OSError, match="Input/output"):
        write_whole(tmp_path / "file.txt", b"content")
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    path = tmp_path / "file.txt"
    inside = threading.Barrier(2, timeout=100)

    def write(content):
        with whole_file(path) as file:
            file.write(content[:1])
            inside.wait()
            file.write(content[1:])

    threads = [threading.Thread(target=write, args=(content,)) for content in (b"one", b"two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in (b"one", b"two")
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]
