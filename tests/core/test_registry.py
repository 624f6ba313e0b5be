"""The registry: by name, found on first look-up, clear about what is not there."""

import sys
from pathlib import Path

import pytest

from asymnas.core.errors import ConfigError, UnknownNameError
from asymnas.core.registry import Registry

ENTRY = "from {package} import THINGS\nTHINGS.register({name!r})({value})\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request):
    """A package of a registry and two entries, by its name."""
    name = f"made_{request.node.name.partition('[')[0]}"
    folder = tmp_path / name
    folder.mkdir()
    registry = f"from asymnas.core.registry import Registry\nTHINGS = Registry('thing', {name!r})\n"
    (folder / "__init__.py").write_text(registry)
    for entry, value in (("second", 2), ("first", 1)):
        (folder / f"{entry}.py").write_text(ENTRY.format(package=name, name=entry, value=value))
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for module in [m for m in sys.modules if m.partition(".")[0] == name]:
        del sys.modules[module]


def things(package: Path) -> Registry[int]:
    return __import__(package.name).THINGS


def test_entries_are_found_on_the_first_look_up_and_not_before(package):
    registry = things(package)
    assert f"{package.name}.first" not in sys.modules
    assert registry.get("first") == 1
    assert f"{package.name}.second" in sys.modules
    assert registry.names() == ("first", "second")


def test_adding_an_entry_is_adding_a_file(package):
    text = ENTRY.format(package=package.name, name="a third", value=3)
    (package / "third.py").write_text(text)
    registry = things(package)
    assert registry.names() == ("a third", "first", "second")
    assert registry.get("a third") == 3


def test_an_entry_may_come_from_outside_the_package(package):
    registry = things(package)
    registry.register("mine")(7)
    assert registry.get("mine") == 7
    assert registry.names() == ("first", "mine", "second")


def test_the_decorator_returns_what_it_decorates():
    registry: Registry[object] = Registry("thing", "asymnas.runs.pruners")

    @registry.register("named")
    def entry() -> int:
        return 5

    assert entry() == 5
    assert registry.get("named") is entry


def test_a_name_is_taken_once(package):
    registry = things(package)
    registry.register("mine")(7)
    with pytest.raises(ConfigError, match=r"^thing 'mine' is registered twice$"):
        registry.register("mine")(8)
    assert registry.get("mine") == 7


def test_two_files_of_one_name_are_refused(package):
    (package / "again.py").write_text(ENTRY.format(package=package.name, name="first", value=0))
    with pytest.raises(ConfigError, match="thing 'first' is registered twice"):
        things(package).names()


def test_an_unknown_name_lists_the_known_ones(package):
    with pytest.raises(
        UnknownNameError, match=r"^no thing is called 'thrid'; there are: first, second$"
    ):
        things(package).get("thrid")


def test_a_broken_file_is_not_forgotten_at_the_second_look_up(package):
    (package / "broken.py").write_text("raise ImportError('no such library')\n")
    registry = things(package)
    for _ in range(2):
        with pytest.raises(ImportError, match="no such library"):
            registry.names()


def test_an_unknown_name_is_a_config_error_and_a_value_error():
    assert issubclass(UnknownNameError, ConfigError)
    assert issubclass(ConfigError, ValueError)
