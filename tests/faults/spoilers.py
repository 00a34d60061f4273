"""Ways to spoil a file, each a function of its path and of a source of chance; those of its kind come on top."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.faults import hostile_files

Spoil = Callable[[Path, Random], None]


def spoilers_of(file: str) -> dict[str, Spoil]:
    """By name: those of any file, and those of this kind of file."""
    kinds = {".parquet": hostile_files.TABLES, ".safetensors": hostile_files.WEIGHTS, ".npy": hostile_files.ARRAYS}
    return ANY | (JSON if file.endswith(".json") else kinds[Path(file).suffix])


def _bytes(change: Callable[[bytearray, Random], bytes | bytearray]) -> Spoil:
    def spoil(path: Path, chance: Random) -> None:
        path.write_bytes(change(bytearray(path.read_bytes()), chance))

    return spoil


def _flip(content: bytearray, chance: Random) -> bytearray:
    for _ in range(chance.choice([1, 1, 1, 8, 100])):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return content


def _one_bit(content: bytearray, chance: Random) -> bytearray:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return content


def _overwrite(content: bytearray, chance: Random) -> bytearray:
    place, length = chance.randrange(len(content)), chance.randint(1, 400)
    content[place : place + length] = chance.choice([bytes(length), b"\xff" * length, chance.randbytes(length)])
    return content


def _move(content: bytearray, chance: Random) -> bytes:
    place = chance.randrange(len(content))
    return content[place:] + content[:place]


def _link(target: str) -> Spoil:
    def spoil(path: Path, chance: Random) -> None:  # noqa: ARG001
        path.unlink()
        path.symlink_to(target)

    return spoil


def _instead(make: Callable[[Path], Any]) -> Spoil:
    def spoil(path: Path, chance: Random) -> None:  # noqa: ARG001
        path.unlink()
        make(path)

    return spoil


def _huge(path: Path, chance: Random) -> None:
    os.truncate(path, 1 << chance.randint(30, 42))  # a file of holes: it costs no disk


NAMES = [
    "-rf",
    "a\nb",
    "%s%n",
    "\udcff",
    "x" * 240,
    "con",
    "a b'\";",
    "study.json\u202e",
    ".next",
    "CHECKPOINT",
    "日本",
]


def _beside(path: Path, chance: Random) -> None:
    """Files and folders with tricks in their names, beside it."""
    other = path.with_name(chance.choice(NAMES))
    chance.choice([other.mkdir, lambda: other.write_bytes(b"x"), lambda: other.symlink_to("/etc")])()


ANY: dict[str, Spoil] = {
    "truncated": _bytes(lambda content, chance: content[: chance.randrange(len(content))]),
    "bits flipped": _bytes(_flip),
    "one bit flipped": _bytes(_one_bit),
    "overwritten": _bytes(_overwrite),
    "turned around": _bytes(_move),
    "added to": _bytes(lambda content, chance: content + chance.randbytes(chance.randint(1, 99))),
    "random": _bytes(lambda content, chance: chance.randbytes(len(content))),
    "empty": _bytes(lambda content, chance: b""),  # noqa: ARG005
    "a file of holes": _huge,
    "gone": lambda path, chance: path.unlink(),  # noqa: ARG005
    "a link out": _link("/etc/passwd"),
    "a link to a device": _link("/dev/zero"),
    "a link to nowhere": _link("nowhere"),
    "a link to itself": lambda path, chance: _link(path.name)(path, chance),
    "a pipe": _instead(os.mkfifo),
    "a folder": _instead(Path.mkdir),
    "others beside it": _beside,
}


VALUES: list[Any] = [
    None, True, False, -1, 0, 1, 99, 2**63, 10**400, 1e308, -0.0, 0.5, "", "x", "../../etc/passwd", "a" * 70, "\u202e",
    "\x00", "<script>", [], [1], [[]], ["x", "x"], {}, {"x": 1}, {"seed": 0}, [None], "9" * 5000,
]  # fmt: skip


def _json(change: Callable[[Any, Random], Any]) -> Spoil:
    def spoil(path: Path, chance: Random) -> None:
        path.write_text(json.dumps(change(json.loads(path.read_text()), chance)))

    return spoil


def _places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for key, each in inner for place in _places(each, (*way, key)))]


def _at(value: Any, way: tuple[Any, ...]) -> Any:
    for key in way:
        value = value[key]
    return value


def _other_value(content: Any, chance: Random) -> Any:
    way = chance.choice(_places(content)[1:])
    _at(content, way[:-1])[way[-1]] = chance.choice(VALUES)
    return content


def _lost_key(content: Any, chance: Random) -> Any:
    way = chance.choice(_places(content)[1:])
    del _at(content, way[:-1])[way[-1]]
    return content


def _other_key(content: Any, chance: Random) -> Any:
    return content | {chance.choice(["x", "", "__class__", "a" * 999]): chance.choice(VALUES)}


def _text(make: Callable[[str, Random], str]) -> Spoil:
    return lambda path, chance: path.write_text(make(path.read_text(), chance)) and None


JSON: dict[str, Spoil] = {
    "another value": _json(_other_value),
    "two other values": _json(lambda content, chance: _other_value(_other_value(content, chance), chance)),
    "a key lost": _json(_lost_key),
    "a key more": _json(_other_key),
    "a schema from the future": _json(lambda content, chance: content | {"schema": chance.randint(4, 99)}),
    "deep": _text(lambda text, chance: text[:-2] + ', "x": ' + "[" * chance.randint(900, 200_000)),
    "deep and closed": _text(lambda text, chance: '{"x": ' + "[" * 99_000 + "]" * 99_000 + "}"),  # noqa: ARG005
    "no number": _text(lambda text, chance: text.replace("0", chance.choice(["NaN", "Infinity", "1e999"]), 1)),
    "large": _text(lambda text, chance: " " * (chance.randint(2, 80) << 20) + text),
    "a key twice": _text(lambda text, chance: '{"name": "other", ' + text[1:]),  # noqa: ARG005
}
