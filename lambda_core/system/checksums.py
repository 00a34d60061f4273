"""SHA-256 of bytes, of files, and of a JSON object that lists its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OWN = "sha256"  # the key under which a JSON object holds the sum of all else in it


def sum_of(content: bytes) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sum_of_file(path: Path) -> str:
    """Of a file of any size, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def own_sum(content: Mapping[str, Any]) -> str:
    """Of a JSON object, its own sum left out; the order of keys and the layout do not matter."""
    rest = {key: value for key, value in content.items() if key != OWN}
    return sum_of(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode())
