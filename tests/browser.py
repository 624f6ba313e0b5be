"""Debian's Chromium as Playwright drives it, for tests of pages."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic")

in_a_browser = pytest.mark.skipif(
    CHROMIUM is None or find_spec("playwright") is None, reason="needs Chromium and Playwright"
)


class Tab:
    """A page in the browser.

    Args:
        page: Playwright's.

    Attributes:
        page: It.
        said: What the console said, and what was raised or could not be loaded.
    """

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("requestfailed", lambda request: self.said.append(request.url))

    def open(self, address: str, plots: int = 0) -> None:
        """Goes to an address and waits until as many plots as asked for are drawn."""
        self.page.goto(address, wait_until="load")
        self.page.wait_for_function(
            "plots => document.querySelectorAll('.plot-container').length >= plots", arg=plots
        )

    def style(self, selector: str, name: str) -> str:
        """A property of an element's style as it is drawn."""
        drawn = self.page.locator(selector).first
        return str(drawn.evaluate(f"element => getComputedStyle(element)['{name}']"))

    @property
    def overflows(self) -> bool:
        """Whether the page is wider than the window."""
        root = "document.documentElement"
        return bool(self.page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"))


@contextmanager
def tab(width: int = 1000, **given: Any) -> Iterator[Tab]:
    """A page of its own browser, which ends with it.

    Args:
        width: Of the window, in pixels.
        given: To Playwright's `new_page`.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield Tab(browser.new_page(viewport={"width": width, "height": 900}, **given))
        browser.close()


@contextmanager
def dashboard(directory: Path) -> Iterator[str]:
    """The address of a run's dashboard, which its command serves in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "asymnas.dashboard", str(directory), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"{address}/api/studies") as answer:
                assert answer.status == 200
                break
            time.sleep(0.1)
        yield f"{address}/dashboard"
    finally:
        process.kill()
        process.wait()
