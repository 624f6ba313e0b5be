"""The registry: entries of its own folder and of plug-ins, looked up by name, from any thread."""

import importlib
import itertools
import sys
import threading
import warnings
from pathlib import Path

import pytest

from asymnas.core.errors import ConfigError, UnknownNameError
from asymnas.core.registry import PluginWarning, Registry

REGISTRY = "from asymnas.core.registry import Registry\nTHINGS = Registry('thing', {0!r}, {0!r})\n"
ENTRY = "from {package} import THINGS\nTHINGS.register({name!r})({value})\n"

NUMBERS = itertools.count()  # failures are remembered by the module's name


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A package of a registry and two entries; its name is the entry-point group too."""
    name = f"made_package_{next(NUMBERS)}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(REGISTRY.format(name))
    for entry, value in (("second", 2), ("first", 1)):
        (folder / f"{entry}.py").write_text(ENTRY.format(package=name, name=entry, value=value))
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for module in [m for m in sys.modules if m.startswith(name)]:
        del sys.modules[module]


def things(package: Path) -> Registry[int]:
    return importlib.import_module(package.name).THINGS


def install(package: Path, points: dict[str, str], code: str, distribution: str = "extra") -> None:
    """Lays a distribution of one module and some entry points beside the package."""
    module = f"{package.name}_{distribution}"
    (package.parent / f"{module}.py").write_text(code.format(package=package.name))
    info = package.parent / f"{distribution}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    lines = [f"{name} = {value.format(module)}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{package.name}]", *lines]))


def test_entries_are_imported_on_the_first_look_up_and_not_before(package):
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


def test_a_second_thread_never_sees_a_half_filled_registry(package):
    slow = "import time\ntime.sleep(0.2)\n" + ENTRY.format(
        package=package.name, name="slow", value=3
    )
    (package / "a_slow_one.py").write_text(slow)
    registry, seen = things(package), []
    threads = [threading.Thread(target=lambda: seen.append(registry.names())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [("first", "second", "slow")] * 4


def test_a_module_may_look_up_what_is_registered_while_it_is_imported(package):
    (package / "third.py").write_text(
        f"from {package.name} import THINGS\n"
        "THINGS.register('third')(sum(map(THINGS.get, THINGS.names())))\n"
    )
    assert things(package).get("third") == 1 + 2


def test_the_decorator_returns_what_it_decorates(package):
    @things(package).register("named")
    def entry() -> int:
        return 5

    assert entry() == 5
    assert things(package).get("named") is entry


def test_a_name_is_taken_once(package):
    registry = things(package)
    registry.register("mine")(7)
    with pytest.raises(ConfigError, match=r"^thing 'mine' is registered twice$"):
        registry.register("mine")(8)
    assert registry.get("mine") == 7


def test_two_files_of_one_name_are_an_error(package):
    (package / "again.py").write_text(ENTRY.format(package=package.name, name="first", value=0))
    with pytest.raises(ConfigError, match="thing 'first' is registered twice"):
        things(package).names()


def test_an_unknown_name_lists_the_known_ones(package):
    with pytest.raises(
        UnknownNameError, match=r"^no thing is called 'thrid'; there are: first, second$"
    ):
        things(package).get("thrid")


def test_a_broken_file_of_the_folder_fails_every_look_up_with_its_cause(package):
    registers_first = ENTRY.format(package=package.name, name="broken", value=0)
    (package / "broken.py").write_text(f"{registers_first}raise ImportError('no such library')\n")
    registry = things(package)
    for _ in range(2):
        with pytest.raises(ImportError, match="no such library"):
            registry.names()


def test_an_unknown_name_is_a_config_error_and_a_value_error():
    assert issubclass(UnknownNameError, ConfigError)
    assert issubclass(ConfigError, ValueError)


def test_what_is_registered_in_a_temporary_context_is_gone_after_it(package):
    registry = things(package)
    registry.register("before")(0)
    with registry.temporary():
        registry.register("mine")(7)
        assert registry.get("mine") == 7
        assert registry.names() == ("before", "first", "mine", "second")
    assert registry.names() == ("before", "first", "second")
    registry.register("mine")(8)
    assert registry.get("mine") == 8


def test_an_installed_package_adds_entries_by_its_entry_points(package):
    install(
        package,
        {"seven": "{}", "eight": "{}:OBJECT"},
        "from {package} import THINGS\nOBJECT = object()\n"
        "THINGS.register('seven')(7)\nTHINGS.register('eight')(8)\n",
    )
    registry = things(package)
    assert registry.names() == ("eight", "first", "second", "seven")
    assert registry.get("seven") == 7


@pytest.mark.parametrize(
    ("code", "point", "reason"),
    [
        ("import no_such_library\n", "broken", "No module named 'no_such_library'"),
        ("raise RuntimeError('two\\nlines')\n", "broken", "RuntimeError: two lines"),
        ("syntax error\n", "broken", "SyntaxError: invalid syntax"),
        ("", "broken", "_extra registers no thing of that name"),
        (
            "from {package} import THINGS\nTHINGS.register('broken')(0)\nraise OSError('later')\n",
            "broken",
            "OSError: later",
        ),
        (
            "from {package} import THINGS\nTHINGS.register('first')(0)\n",
            "first",
            "ConfigError: thing 'first' is registered twice",
        ),
    ],
)
def test_a_broken_plug_in_is_named_once_and_breaks_no_other_look_up(package, code, point, reason):
    install(package, {point: "{}"}, code)
    install(
        package,
        {"works": "{}"},
        "from {package} import THINGS\nTHINGS.register('works')(9)\n",
        "fine",
    )
    registry = things(package)
    with pytest.warns(PluginWarning) as caught:
        assert registry.get("first") == 1
    (message,) = (str(warning.message) for warning in caught)
    assert message.startswith(f"the thing {point!r} of the package extra 1.2 cannot be loaded: "), (
        message
    )
    assert reason in message
    assert "\n" not in message
    with warnings.catch_warnings(action="error"):  # once
        assert registry.names() == ("first", "second", "works")
        assert registry.get("works") == 9
        if point != "first":
            with pytest.raises(UnknownNameError) as error:
                registry.get(point)
            assert str(error.value) == message


def test_a_broken_module_named_by_two_registries_gives_its_own_error_twice(package):
    (package / "__init__.py").write_text(
        REGISTRY.format(package.name) + f"OTHERS = Registry('other', {package.name!r}, 'others')\n"
    )
    install(
        package,
        {"mine": "{}"},
        "from {package} import OTHERS, THINGS\nTHINGS.register('mine')(0)\n"
        "OTHERS.register('mine')(0)\nraise OSError('the cause')\n",
    )
    points = package.parent / "extra-1.2.dist-info" / "entry_points.txt"
    points.write_text(points.read_text() + f"\n[others]\nmine = {package.name}_extra\n")
    module = importlib.import_module(package.name)
    for registry in (module.THINGS, module.OTHERS):
        with pytest.warns(PluginWarning, match="OSError: the cause"):
            registry.names()
