"""Files are written whole or not at all."""

import os
import threading

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


def test_the_content_is_on_disk_before_the_file_takes_its_name(tmp_path, monkeypatch):
    path, synced = tmp_path / "file.txt", []

    def fsync(descriptor):
        synced.append((os.fstat(descriptor).st_size, path.exists()))

    monkeypatch.setattr("os.fsync", fsync)
    write_whole(path, b"content")
    assert synced == [(7, False)]
    assert path.read_bytes() == b"content"


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
