"""Storage URLs without their secrets: what may be shown, logged and stored."""

import re
from contextlib import suppress
from urllib.parse import unquote

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

HIDDEN = "***"
_SECRET_NAMES = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)([^:/@]*):(.*)@", re.DOTALL)


def public_url(url: str) -> str:
    """The URL with its password, and secrets among its query options, replaced by `***`.

    Args:
        url: A storage URL, perhaps malformed; whatever could be a password in it is hidden.
    """
    front, mark, query = url.partition("?")
    shown = _USERINFO.sub(rf"\1:{HIDDEN}@", front)
    options = [
        f"{name}={HIDDEN}" if equals and _SECRET_NAMES.search(name) else f"{name}{equals}{value}"
        for name, equals, value in (option.partition("=") for option in query.split("&"))
    ]
    return shown + mark + "&".join(options)


def without_secrets(text: str, url: str) -> str:
    """A text, such as a driver's message, in which the URL and its secrets are hidden.

    Args:
        text: Any text.
        url: The URL whose secrets it may hold.
    """
    text = text.replace(url, public_url(url))
    secrets = sorted(_secrets(url), key=len, reverse=True)
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    # A password that holds @, : or / is cut there by whatever reads the URL, and quoted in part.
    for part in {part for secret in secrets for part in re.split("[@:/]", secret) if part}:
        text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", lambda match: HIDDEN, text)
    return text


def without_password(url: str) -> str:
    """A URL whose hidden secrets are removed, so that the driver looks for them by itself."""
    front, mark, query = url.partition("?")
    options = [option for option in query.split("&") if not option.endswith(f"={HIDDEN}")]
    shown = front.replace(f":{HIDDEN}@", "@")
    return shown + (mark + "&".join(options) if any(options) else "")


def _secrets(url: str) -> set[str]:
    front, _, query = url.partition("?")
    found = {match[2] for match in _USERINFO.finditer(front)}
    for name, _, value in (option.partition("=") for option in query.split("&")):
        if _SECRET_NAMES.search(name):
            found.add(value)
    with suppress(ArgumentError, ValueError):  # malformed: what looks like one is in there already
        found.add(make_url(url).password or "")
    return {part for secret in found for part in (secret, unquote(secret)) if part}
