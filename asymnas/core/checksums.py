"""Checksums of JSON values that are stored where nothing else notices a changed bit.

SQLite and JSON files hold whatever the disk gives back: a digit that has become another one is as
valid as before. A checksum beside the values shows it. It protects against damage, not against
someone who changes values on purpose, and computes it anew.

Decision: docs/decisions/0027-checksums-beside-values.md.
"""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from asymnas.core.errors import DamageError

CHECKSUM = "checksum"  # the key beside the values


def checksum(values: Any) -> str:
    """The checksum of JSON values, whatever the order of keys."""
    text = json.dumps(values, sort_keys=True)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def with_checksum(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as JSON gives them back, with their checksum among them."""
    plain = json.loads(json.dumps({n: value for n, value in values.items() if n != CHECKSUM}))
    return {**plain, CHECKSUM: checksum(plain)}


def checked(values: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The values without their checksum, once it agrees with them.

    Args:
        values: What `with_checksum` gave, or values of an earlier version, which have none.
        what: What they are, for the message.

    Raises:
        DamageError: They are not what was written.
    """
    plain = {name: value for name, value in values.items() if name != CHECKSUM}
    if CHECKSUM in values and values[CHECKSUM] != checksum(plain):
        raise DamageError(
            f"{what} is damaged: it does not agree with its checksum; put a copy in its place, or "
            f"delete its field {CHECKSUM!r} if you changed it on purpose"
        )
    return plain
