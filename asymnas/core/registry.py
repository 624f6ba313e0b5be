"""One registry per kind of addition: files of this package and plug-ins of other packages.

An entry registers itself when its module is imported. On the first look-up a registry imports

1. every module of its own folder, so that an addition to this package is one new file, and
2. every module that an installed package names in the registry's entry-point group, so that an
   addition from outside needs no change here. Worker processes look entries up in the same way.
"""

import importlib
import inspect
import pkgutil
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from asymnas.core.errors import ConfigError, UnknownNameError

T = TypeVar("T")

#: Held while modules are imported, by one thread at a time and for all registries together: a
#: module of one registry may look up another one.
_DISCOVERY = threading.RLock()

#: Why a module named by an entry point failed to import, by the entry point's value: a module may
#: stand in the groups of several registries, and is not imported again for the next one.
_FAILED: dict[str, str] = {}


class PluginWarning(UserWarning):
    """An installed plug-in cannot be used; the message names its package and the error."""


class Registry(Generic[T]):
    """Maps names to entries that modules register by decorator.

    Args:
        noun: What an entry is, for messages ("upsampling").
        package: Import path of the package whose modules register entries.
        group: Entry-point group in which other installed packages name modules that register
            entries; the name of an entry point is a name that its module registers.
    """

    def __init__(self, noun: str, package: str, group: str) -> None:
        self.noun = noun
        self.group = group
        self._package = package
        self._entries: dict[str, T] = {}
        self._descriptions: dict[str, str] = {}
        self._failures: dict[str, str] = {}  # by name of the entry point
        self._discovered = False
        self._discovering = False
        self._own_failure: Exception | None = None

    def register(self, name: str, description: str = "") -> Callable[[T], T]:
        """Returns a decorator that files its target under `name`.

        Args:
            name: What users call it.
            description: What it is, in a line, for an entry that has no `description` and is no
                function or class with a docstring.

        Raises:
            ConfigError: The name is taken.
        """

        def add(entry: T) -> T:
            # Without the lock: a thread that imports this module on its own holds the module's
            # import lock, for which the thread that discovers may be waiting.
            if name in self._entries:
                raise ConfigError(f"{self.noun} {name!r} is registered twice")
            self._entries[name] = entry
            self._descriptions[name] = description
            return entry

        return add

    def get(self, name: str) -> T:
        """Returns the entry called `name`.

        Raises:
            UnknownNameError: No entry has that name; the message lists those that exist, or says
                why the plug-in of that name could not be loaded.
        """
        self._discover()
        if name in self._entries:
            return self._entries[name]
        if name in self._failures:
            raise UnknownNameError(self._failures[name], name=name)
        known = ", ".join(self.names())
        raise UnknownNameError(f"no {self.noun} is called {name!r}; there are: {known}", name=name)

    def description(self, name: str) -> str:
        """What an entry is, in a line without a full stop; empty where nothing says so.

        Raises:
            UnknownNameError: No entry has that name.
        """
        entry = self.get(name)
        own = self._descriptions.get(name) or getattr(entry, "description", "")
        if not own and (inspect.isroutine(entry) or inspect.isclass(entry)):
            own = (inspect.getdoc(entry) or "").partition("\n")[0]
        return str(own).rstrip(".")

    def names(self) -> tuple[str, ...]:
        """All registered names, sorted."""
        self._discover()
        return tuple(sorted(self._entries))

    @contextmanager
    def temporary(self) -> Iterator[None]:
        """Within the context, what is registered is kept until its end only; for tests."""
        self._discover()
        entries = dict(self._entries)
        try:
            yield
        finally:
            self._entries = entries

    def _discover(self) -> None:
        if self._discovered:
            return
        with _DISCOVERY:
            if self._discovered or self._discovering:  # by another thread; by a module imported
                return
            self._discovering = True
            try:
                self._import_own()
                self._import_plugins()
                self._discovered = True
            finally:
                self._discovering = False
        for message in self._failures.values():
            warnings.warn(message, PluginWarning, stacklevel=3)

    def _import_own(self) -> None:
        if self._own_failure is not None:  # what it registered before would be registered twice
            raise self._own_failure
        try:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self._package}.{module.name}")
        except Exception as error:  # of any kind: a file of this package is broken
            self._own_failure = error
            raise

    def _import_plugins(self) -> None:
        for point in sorted(entry_points(group=self.group), key=_distribution_and_name):
            known_before = point.name in self._entries
            if reason := _import_plugin(point):
                if not known_before:  # registered before the import failed
                    self._entries.pop(point.name, None)
            elif point.name not in self._entries:
                reason = f"{point.value} registers no {self.noun} of that name"
            if reason:
                self._failures[point.name] = (
                    f"the {self.noun} {point.name!r} of the package "
                    f"{_distribution_and_name(point)[0]} cannot be loaded: {reason}"
                )


def _import_plugin(point: EntryPoint) -> str | None:
    """Imports what an entry point names; why that failed, or `None`."""
    if point.value not in _FAILED:
        try:
            point.load()
        except Exception as error:  # whatever a plug-in raises, all other entries stay usable
            _FAILED[point.value] = " ".join(f"{type(error).__name__}: {error}".split())
    return _FAILED.get(point.value)


def _distribution_and_name(point: EntryPoint) -> tuple[str, str]:
    distribution = point.dist
    return f"{distribution.name} {distribution.version}" if distribution else "?", point.name
