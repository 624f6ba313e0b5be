"""One registry for every kind of addition: a new file in a package, found on first look-up."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Generic, TypeVar

from asymnas.core.errors import ConfigError, UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps names to entries that modules of one package register by decorator.

    Args:
        noun: What an entry is, for messages ("upsampling").
        package: Import path of the package whose modules register entries; they are imported on
            the first look-up, so adding an entry is adding a file.
    """

    def __init__(self, noun: str, package: str) -> None:
        self.noun = noun
        self._package = package
        self._entries: dict[str, T] = {}
        self._discovered = False

    def register(self, name: str) -> Callable[[T], T]:
        """Returns a decorator that files its target under `name`.

        Raises:
            ConfigError: The name is taken.
        """

        def add(entry: T) -> T:
            if name in self._entries:
                raise ConfigError(f"{self.noun} {name!r} is registered twice")
            self._entries[name] = entry
            return entry

        return add

    def get(self, name: str) -> T:
        """Returns the entry called `name`.

        Raises:
            UnknownNameError: No entry has that name; the message lists those that exist.
        """
        self._discover()
        if name not in self._entries:
            known = ", ".join(self.names())
            raise UnknownNameError(f"no {self.noun} is called {name!r}; there are: {known}")
        return self._entries[name]

    def names(self) -> tuple[str, ...]:
        """All registered names, sorted."""
        self._discover()
        return tuple(sorted(self._entries))

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        try:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self._package}.{module.name}")
        except BaseException:
            self._discovered = False  # so that the next look-up fails too, with the cause
            raise
