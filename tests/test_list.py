"""`asymnas list`: every entry of every registry has one line."""

import pytest
from command_line import asymnas

from asymnas.core.registry import Registry
from asymnas.list import REGISTRIES, registry_of


@pytest.mark.parametrize("things", REGISTRIES)
def test_every_entry_is_a_line_that_describes_it(things: str) -> None:
    result = asymnas("list", things)
    assert (result.exit_code, result.stderr) == (0, "")
    listed = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    registry = registry_of(things)
    assert tuple(listed) == registry.names()
    assert listed == {name: registry.description(name) for name in registry.names()}
    for description in listed.values():
        assert 8 <= len(description) <= 100
        assert not description.endswith(".")
        assert "see the module" not in description


def test_a_thing_that_there_is_not_is_one_line_with_those_that_there_are() -> None:
    result = asymnas("list", "optimizers")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    words = "must be one of families, kinds, upsampling, downsampling, presets, metrics, pruners, "
    assert words in result.stderr
    assert "but got 'optimizers'" in result.stderr


class Described:
    """A class."""

    description = "by a field"


@pytest.mark.parametrize(
    ("entry", "given", "description"),
    [
        (Described(), "", "by a field"),
        (Described, "", "by a field"),
        (Described(), "when it was registered", "when it was registered"),
        (len, "", "Return the number of items in a container"),
        (lambda: None, "", ""),
        ({"a": 1}, "", ""),
    ],
)
def test_a_description_comes_from_one_place(entry: object, given: str, description: str) -> None:
    registry = Registry("thing", "asymnas.networks.source", "asymnas.tests_of_nothing")
    registry.register("it", given)(entry)
    assert registry.description("it") == description
