"""What of a directory is data: links once, nothing that systems and asymnas itself put there."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymnas.core.errors import DataError
from asymnas.data.listing import list_files


def grow(place, tree):
    """Makes files; a name with an arrow is a link to what stands after it."""
    for text in tree:
        name, _, target = text.partition(" -> ")
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if target:
            path.symlink_to(target)
        elif name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.touch()


def listed_below(place, tree, **options):
    grow(place, tree)
    listing = list_files(place / "d", (".png", ".jpg"), **options)
    return sorted("/".join(parts) for parts in listing.files), [*listing.left_out]


#: What is there, what of it is data, and what is said of the rest.
TREES = {
    "classes that are links": (
        ["store/a/1.png", "store/b/2.png", "d/a -> ../store/a", "d/b -> ../store/b"],
        ["a/1.png", "b/2.png"],
        [],
    ),
    "links in what a link leads to": (
        ["s/1/1.png", "t/2.png", "s/1/more -> ../../t", "d/a -> ../s/1"],
        ["a/1.png", "a/more/2.png"],
        [],
    ),
    "a link to its own directory": (
        ["d/a/1.png", "d/a/again -> ."],
        ["a/1.png"],
        ["left out, links to what is there already: a/again"],
    ),
    "a link to the directory above all": (
        ["d/1.png", "other/2.png", "d/up -> .."],
        ["1.png"],
        ["left out, links to what is there already: up"],
    ),
    "links that lead to one another": (
        ["a/1.png", "b/2.png", "a/b -> ../b", "b/a -> ../a", "d/a -> ../a"],
        ["a/1.png", "a/b/2.png"],
        ["left out, links to what is there already: a/b/a"],
    ),
    "a link to itself": (
        ["d/1.png", "d/self -> self"],
        ["1.png"],
        ["left out, links that lead nowhere: self"],
    ),
    "the latest of several": (
        ["d/2023/1.png", "d/2024/2.png", "d/latest -> 2024"],
        ["2023/1.png", "2024/2.png"],
        ["left out, links to what is there already: latest"],
    ),
    "two links to one place": (
        ["s/1.png", "d/a -> ../s", "d/b -> ../s"],
        ["a/1.png"],
        ["left out, links to what is there already: b"],
    ),
    "a link to what holds one that was followed": (
        ["s/a/1.png", "s/2.png", "d/a -> ../s/a", "d/s -> ../s"],
        ["a/1.png", "s/2.png"],
        ["left out, links to what is there already: s/a"],
    ),
    "files that are links": (
        ["s/1.png", "s/2.png", "d/a/x.png -> ../../s/1.png", "d/b/y.png -> ../../s/2.png"],
        ["a/x.png", "b/y.png"],
        [],
    ),
    "files that are there on two ways": (
        [
            "d/a/1.png",
            "d/best/1.png -> ../a/1.png",
            "s/2.png",
            "d/b/2.png -> ../../s/2.png",
            "d/c/2.png -> ../../s/2.png",
        ],
        ["a/1.png", "b/2.png"],
        ["left out, links to what is there already: best/1.png, c/2.png"],
    ),
    "a link to a directory that is gone": (
        ["d/1.png", "d/a -> ../nowhere"],
        ["1.png"],
        ["left out, links that lead nowhere: a"],
    ),
    "a link to a picture that is gone, which its reader names": (
        ["d/1.png", "d/2.png -> ../nowhere.png"],
        ["1.png", "2.png"],
        [],
    ),
    "directories of systems and viewers": (
        [
            "d/a/1.png",
            "d/a/@eaDir/1.png",
            "d/__MACOSX/a/1.png",
            "d/Thumbnails/1.png",
            "d/$RECYCLE.BIN/1.png",
            "d/a/thumbs/1.jpg",
            "d/lost+found/",
        ],
        ["a/1.png"],
        [
            "left out, of the system or a viewer: $RECYCLE.BIN, Thumbnails, __MACOSX, a/@eaDir, "
            "a/thumbs and 1 more"
        ],
    ),
    "what is hidden": (
        ["d/1.png", "d/.2.png", "d/._1.png", "d/.ipynb_checkpoints/1.png", "d/.thumbnails/1.png"],
        ["1.png"],
        [],
    ),
    "a run among the pictures": (
        ["d/1.png", "d/runs/x/study.db", "d/runs/x/artifacts/reconstructions/trial_1.png"],
        ["1.png"],
        ["left out, written by asymnas: runs/x"],
    ),
    "a run whose study is elsewhere": (
        ["d/1.png", "d/r/storage.json", "d/r/artifacts/trial_1.png", "d/s -> r"],
        ["1.png"],
        ["left out, links to what is there already: s", "left out, written by asymnas: r"],
    ),
    "a run in the very directory": (
        ["d/1.png", "d/study.db", "d/artifacts/a.png", "d/control/study.db", "d/control/a.png"],
        ["1.png"],
        [
            "left out, written by asymnas: artifacts, control",
            "files of other formats left out: 1 .db",
        ],
    ),
    "other formats": (
        ["d/1.png", "d/2.heic", "d/3.HEIC", "d/a.txt", "d/4.JPG", "d/README", "d/x.png.bak"],
        ["1.png", "4.JPG"],
        ["files of other formats left out: 2 .heic, 1 .bak, 1 .txt, 1 without a suffix"],
    ),
    "a directory called like a picture": (["d/a.png/1.png"], ["a.png/1.png"], []),
}


@pytest.mark.parametrize("case", TREES)
def test_what_is_data_and_what_is_left_out(tmp_path, case):
    tree, files, notes = TREES[case]
    found, left_out = listed_below(tmp_path, tree)
    assert (found, sorted(left_out)) == (files, sorted(notes))


def test_the_caches_are_no_data(tmp_path):
    tree = ["d/a/1.png", "d/images/x.npy", "d/cache -> images"]
    found, notes = listed_below(tmp_path, tree, without=[tmp_path / "d" / "images"])
    assert found == ["a/1.png"]
    assert "left out, written by asymnas: images" in notes


def test_directories_that_hold_nothing_but_runs_are_no_folders(tmp_path):
    grow(tmp_path, ["d/a/1.png", "d/runs/x/study.db", "d/empty/"])
    assert list_files(tmp_path / "d", (".png",)).folders == [("a",), ("empty",)]


def test_a_pipe_is_not_waited_for(tmp_path):
    grow(tmp_path, ["d/1.png", "d/b.png -> a.png"])
    os.mkfifo(tmp_path / "d" / "a.png")
    found, notes = listed_below(tmp_path, [])
    assert (found, notes) == (["1.png"], ["left out, no files: a.png, b.png"])


def test_names_that_are_not_utf8(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    found, notes = listed_below(tmp_path, [f"d/{name}/{name}.png", f"d/{name}/a.{name}"])
    assert found == [f"{name}/{name}.png"]
    assert notes == ["files of other formats left out: 1 .caf\N{REPLACEMENT CHARACTER}"]


def test_a_directory_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    grow(tmp_path, ["d/a/1.png", "d/b/2.png"])
    plain = os.scandir

    def scandir(place):
        if Path(place).name == "b":
            raise PermissionError(13, "Permission denied", str(place))
        return plain(place)

    monkeypatch.setattr(os, "scandir", scandir)
    message = r"d/b cannot be read \(Permission denied\): make it readable, or move it out of .*/d$"
    with pytest.raises(DataError, match=message):
        list_files(tmp_path / "d", (".png",))


#: Steps that make a tree below directory 0: each entry lies in a directory made before.
STEPS = st.lists(
    st.tuples(st.sampled_from(["dir", "dir", "file", "link", "file link"])).flatmap(
        lambda kind: st.tuples(st.just(kind[0]), st.integers(0, 99), st.integers(0, 99))
    ),
    max_size=25,
)


@given(steps=STEPS, root=st.integers(0, 99))
def test_any_tree_with_links_ends_and_each_file_counts_once(steps, root):
    with tempfile.TemporaryDirectory() as place:
        place = os.path.realpath(place)
        folders, files = [os.path.join(place, "top")], []
        os.mkdir(folders[0])
        links, file_links = [], []  # where they lie, and where they lead
        for number, (kind, where, target) in enumerate(steps):
            parent = folders[where % len(folders)]
            if kind == "dir":
                folders.append(os.path.join(parent, f"d{number}"))
                os.mkdir(folders[-1])
            elif kind == "file":
                files.append(os.path.join(parent, f"f{number}.png"))
                Path(files[-1]).touch()
            elif kind == "link":
                links.append((parent, folders[target % len(folders)]))
                os.symlink(links[-1][1], os.path.join(parent, f"l{number}"))
            elif files:
                file_links.append((parent, files[target % len(files)]))
                os.symlink(file_links[-1][1], os.path.join(parent, f"k{number}.png"))
        top = folders[root % len(folders)]

        reached, more = set(), {top}
        while more - reached:
            reached |= more
            more = {folder for folder in folders if os.path.dirname(folder) in reached} | {
                target
                for parent, target in links
                if parent in reached and os.path.commonpath([parent, target]) != target
            }
        expected = {name for name in files if os.path.dirname(name) in reached}
        expected |= {target for parent, target in file_links if parent in reached}
        found = list_files(Path(top), (".png",)).files
        assert sorted(os.path.realpath(os.path.join(top, *parts)) for parts in found) == sorted(
            expected
        )
