"""Images as visitors may send them, sound, odd and hostile, through what the app's uploads go through.

Each upload knows what must become of it: its four quarters in their colours, a refusal in one sentence, or either where
chance damaged it.
"""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from app.live.kept_images import Kept
from lambda_core.errors import DataError
from tests.faults.memory import peak

QUARTERS = [(220, 30, 30), (30, 200, 30), (30, 30, 220), (230, 220, 40)]  # top left, top right, bottom left, right
SIZE = 32
PATIENCE = 30.0  # seconds for one, on a busy machine
MOST_MEMORY = 600 << 20  # bytes that decoding one may take


@dataclass(frozen=True)
class Wanted:
    """What is right to come of an upload. quarters: its four are seen in their colours, or in their greys."""

    shown: bool = False
    refused: bool = False
    quarters: bool = False
    grey: bool = False


SHOWN, GREY = Wanted(shown=True, quarters=True), Wanted(shown=True, quarters=True, grey=True)
ANY_COLOR, REFUSED, EITHER = Wanted(shown=True), Wanted(refused=True), Wanted(shown=True, refused=True)


@dataclass(frozen=True)
class Upload:
    """What it is, for a person; the file; what must become of it."""

    what: str
    name: str
    data: bytes
    wanted: Wanted = SHOWN


def picture(chance: Random, mode: str = "RGB") -> Image.Image:
    """Four quarters of four colours, of any even size and of any shape: its middle square is looked at."""
    short = 2 * chance.randint(20, 150)
    width, height = chance.choice([(short, short), (short, short + 40), (short + 60, short)])
    image = Image.new("RGB", (width, height))
    for number, color in enumerate(QUARTERS):
        place = (width // 2 * (number % 2), height // 2 * (number // 2))
        image.paste(color, (*place, place[0] + width // 2, place[1] + height // 2))
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


KINDS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
EXACT: dict[str, dict[str, Any]] = {"PNG": {}, "JPEG": {"quality": 95}, "WEBP": {"quality": 95}}


def _sound(chance: Random) -> Upload:
    kind = chance.choice(list(KINDS))
    modes = {"PNG": ["RGB", "RGBA", "P", "L", "LA"], "JPEG": ["RGB", "L", "CMYK"], "WEBP": ["RGB", "RGBA"]}
    mode = chance.choice(modes[kind])
    data = saved(picture(chance, mode), kind, **EXACT[kind])
    return Upload(f"sound {kind} {mode}", f"a.{KINDS[kind]}", data, GREY if mode in ("L", "LA") else SHOWN)


def _sixteen_bits(chance: Random) -> Upload:
    grey = np.asarray(picture(chance, "L")).astype(np.uint16) * 257
    return Upload("16-bit grey", "a.png", saved(Image.fromarray(grey), "PNG"), GREY)


def _turned(chance: Random) -> Upload:
    """Stored turned or mirrored, with the note that says how to hold it."""
    note, kind = chance.randint(1, 8), chance.choice(list(KINDS))
    exif = Image.Exif()
    exif[0x0112] = note
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # orientation: the transposition that stores it so
    image = picture(chance)
    stored = image if note == 1 else image.transpose(Image.Transpose(undo[note]))
    assert ImageOps.exif_transpose(_with(stored, exif)).size == image.size
    return Upload(f"orientation {note} {kind}", f"a.{KINDS[kind]}", saved(stored, kind, exif=exif, **EXACT[kind]))


def _with(image: Image.Image, exif: Image.Exif) -> Image.Image:
    return Image.open(io.BytesIO(saved(image, "PNG", exif=exif)))


def _animated(chance: Random) -> Upload:
    kind = chance.choice(["PNG", "WEBP"])
    first = picture(chance)
    others = [Image.new("RGB", first.size, "black") for _ in range(chance.randint(1, 5))]
    data = saved(first, kind, save_all=True, append_images=others, **EXACT[kind])
    return Upload(f"animated {kind}", f"a.{KINDS[kind]}", data)


def _wrong_suffix(chance: Random) -> Upload:
    kind, suffix = chance.choice(list(KINDS)), chance.choice(["png", "jpg", "webp", "jpeg", "PNG"])
    return Upload(f"{kind} called {suffix}", f"a.{suffix}", saved(picture(chance), kind, **EXACT[kind]))


def _transparent(chance: Random) -> Upload:
    image = picture(chance, "RGBA")
    clear = Image.new("RGBA", (image.width * 2, image.height * 2), (255, 0, 255, 0))
    clear.paste(image, (image.width // 2, image.height // 2))
    return Upload("transparent border", "a.png", saved(clear.crop((image.width // 2, image.height // 2,
                  image.width * 3 // 2, image.height * 3 // 2)), "PNG"))  # fmt: skip


def _other_kind(chance: Random) -> Upload:
    kind = chance.choice(["GIF", "BMP", "TIFF", "PPM", "ICO", "PDF", "TGA"])
    return Upload(kind, chance.choice(["a.png", "a.jpg"]), saved(picture(chance), kind), REFUSED)


TEXTS = [
    b"", b"\0", b"x", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", b"GIF89a",
    b"<!DOCTYPE html><html><body onload=alert(1)>", b"PK\3\4" + b"\0" * 99, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0",
    b"RIFF\xff\xff\xff\xffWEBPVP8 ", b"%PDF-1.7", b"#!/bin/sh\nrm -rf /", b"\x80\x04\x95cos\nsystem\n", b"\0" * 100_000,
]  # fmt: skip


def _no_image(chance: Random) -> Upload:
    text = chance.choice([*TEXTS, chance.randbytes(chance.randint(1, 5000))])
    return Upload(f"no image {text[:12]!r}", chance.choice(["a.png", "a.jpg", "a.webp"]), text, REFUSED)


def _truncated(chance: Random) -> Upload:
    kind = chance.choice(list(KINDS))
    data = saved(picture(chance), kind)
    return Upload(f"truncated {kind}", f"a.{KINDS[kind]}", data[: chance.randrange(len(data) // 2)], REFUSED)


def _damaged(chance: Random) -> Upload:
    kind = chance.choice(list(KINDS))
    data = bytearray(saved(picture(chance), kind))
    for _ in range(chance.choice([1, 3, 30])):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return Upload(f"damaged {kind}", f"a.{KINDS[kind]}", bytes(data), EITHER)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, depth: int = 8, color: int = 2, lines: bytes = b"", more: bytes = b"") -> bytes:
    """A PNG with a header as given, whatever its lines hold."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + more + png_chunk(b"IDAT", zlib.compress(lines)) + png_chunk(b"IEND", b"")


def _huge(chance: Random) -> Upload:
    width, height = chance.choice([(1, 50_000_000), (100_000, 100_000), (2**31 - 1, 1), (30_000, 3), (8_000, 8_000)])
    return Upload(f"claims {width}×{height}", "a.png", png_of(width, height), REFUSED)


def _huge_jpeg(chance: Random) -> Upload:
    data = bytearray(saved(picture(chance), "JPEG"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", 65_000, chance.choice([65_000, 1, 30_000]))
    return Upload("a JPEG that claims 65,000 lines", "a.jpg", bytes(data), REFUSED)


def _bomb(chance: Random) -> Upload:
    """Within the limits, and made of nothing: a few kB that become some fifty million pixels."""
    side = chance.choice([5_000, 6_500])
    lines = (b"\0" + b"\x80" * side) * side
    return Upload(f"{side}×{side} of one grey", "a.png", png_of(side, side, color=0, lines=lines), ANY_COLOR)


def _text_bomb(chance: Random) -> Upload:
    kind, size = chance.choice([b"zTXt", b"iTXt", b"iCCP"]), chance.randint(1, 300) << 20
    start = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}[kind]
    note = png_chunk(kind, start + zlib.compress(b"\0" * size))
    return Upload(f"{kind.decode()} of {size >> 20} MB", "a.png", png_of(8, 8, lines=b"\0" * 200, more=note), EITHER)


NAMES = ["../../etc/x.png", "a\nb.png", "<script>.png", "x" * 400 + ".png", "\u202egnp.png", "", "con.png", "日本.png"]


def _odd_name(chance: Random) -> Upload:
    data = chance.choice([b"no image", saved(picture(chance), "PNG")])
    return Upload("odd name", chance.choice(NAMES), data, REFUSED if data == b"no image" else SHOWN)


MAKERS: list[Callable[[Random], Upload]] = [
    _sound, _sixteen_bits, _turned, _animated, _wrong_suffix, _transparent, _other_kind, _no_image, _truncated,
    _damaged, _huge, _huge_jpeg, _bomb, _text_bomb, _odd_name, _sound, _turned, _damaged,
]  # fmt: skip


def generated(number: int, seed: int = 0) -> Upload:
    """The upload of this number; each kind in turn."""
    return MAKERS[number % len(MAKERS)](Random(f"{seed} {number}"))


def fault_of(upload: Upload) -> str | None:
    """What is wrong with what became of an upload; None: nothing."""
    start = time.monotonic()
    with peak() as grown:
        fault = _fault_of(Kept(upload.name, upload.data), upload.wanted)
        seconds = time.monotonic() - start
        if fault is None and (grown() > MOST_MEMORY or seconds > PATIENCE):
            fault = f"{grown() >> 20} MB, {seconds:.0f} s"
    return None if fault is None else f"{upload.what}: {fault}"


def _fault_of(kept: Kept, wanted: Wanted) -> str | None:
    try:
        shown = kept.picture(SIZE, 3)
    except DataError as error:
        if wanted.refused and _is_one_sentence(str(error)):
            return None
        return f"refused: {str(error)!r}"
    except Exception as error:
        return f"raised {error!r}"
    if not wanted.shown:
        return "shown"
    return _wrong_colors(shown, wanted.grey) if wanted.quarters else None


def _is_one_sentence(text: str) -> bool:
    return len(text) < 400 and text.isprintable()


def _wrong_colors(shown: np.ndarray, grey: bool) -> str | None:
    if shown.shape != (SIZE, SIZE, 3) or shown.dtype != np.uint8:
        return f"{shown.shape} {shown.dtype}"
    quarter = SIZE // 4
    for number, color in enumerate(QUARTERS):
        row, column = quarter + SIZE // 2 * (number // 2), quarter + SIZE // 2 * (number % 2)
        wanted = np.array([round(0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2])] * 3 if grey else color)
        if np.abs(shown[row, column].astype(int) - wanted).max() > 24:
            return f"quarter {number} is {shown[row, column]}, not {wanted}"
    return None
