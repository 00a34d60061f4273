"""Files of studies and prepared data sets, spoilt at random: by chance, by a careless program, by an enemy.

`python -m tests.faults.mutations FOLDER FILE COUNT SEED` tries so many on one file and prints a line of JSON for each
before (what is about to be tried) and after (what came of it): a crash or a hang is seen by whoever reads the lines.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lambda_core.data.prepared import load_folder
from lambda_core.errors import DataError, StudyError
from lambda_core.studies import Study
from lambda_core.system import OWN, own_sum, sum_of_file
from tests.faults.memory import peak
from tests.faults.spoilers import spoilers_of
from tests.faults.victims import TABLES

PATIENCE = 30  # seconds of processor time for one load
MOST_MEMORY = 1 << 30  # bytes that a load may take
MANY = 100_000  # rows; no table of a victim has as many
MOST_MENDED = 1 << 28  # bytes of a file whose checksum an enemy of ours mends
# a sentence; the same values; other ones with a list of checksums to match; a table that counts as not measured yet
SOUND = ("refused", "equal", "loaded as listed", "told as missing")
SEALED_IN = {True: "study.json", False: "dataset.json"}


@dataclass(frozen=True)
class Result:
    """What came of one mutation. end: one of SOUND, or what is wrong."""

    what: str
    end: str
    sentence: str = ""

    @property
    def is_sound(self) -> bool:
        return self.end in SOUND


def tried(folder: Path, file: str, count: int, seed: int) -> list[Result]:
    """Mutate a file of a study or data set `count` times, in a process of its own, and load each."""
    command = [sys.executable, "-m", "tests.faults.mutations", str(folder), file, str(count), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    results = [Result(**record) for record in records if "end" in record]
    if done.returncode:
        results.append(
            Result(records[-1]["what"] if records else "start", f"died: {done.returncode}", done.stderr[-900:])
        )
    return results


def main(folder: Path, file: str, count: int, seed: int) -> None:
    """Try them, here."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch) / folder.name
        shutil.copytree(folder, work)
        expected = _loaded(work)
        for what, spoil, reseal in _chosen(file, count, seed):
            print(json.dumps({"what": what}), flush=True)  # noqa: T201 (read by `tried`)
            spoil(work / file)
            result = _result(work, file, what, expected, mended=reseal and _mend_sums(work, file))
            print(json.dumps(vars(result)), flush=True)  # noqa: T201
            _restore(folder, work, file)


def _chosen(file: str, count: int, seed: int) -> Iterator[tuple[str, Callable[[Path], None], bool]]:
    """Name, what to do, and whether the enemy mends the checksums afterwards. Each kind in turn."""
    spoilers = spoilers_of(file)
    for number in range(count):
        name = list(spoilers)[number % len(spoilers)]
        chosen = random.Random(f"{file} {seed} {number}")
        reseal = chosen.random() < 0.5
        title = f"{file}, {name}, {seed}/{number}{', sums mended' if reseal else ''}"
        yield title, lambda path, name=name, chosen=chosen: spoilers[name](path, chosen), reseal  # type: ignore[misc]


def _result(work: Path, file: str, what: str, expected: dict[str, Any], *, mended: bool) -> Result:
    with peak() as grown:
        _limit_time(PATIENCE)
        result = _what_comes(work, file, what, expected, mended=mended)
        _limit_time(0)
        return result if grown() <= MOST_MEMORY else Result(what, f"took {grown() >> 20} MB", result.sentence)


def _what_comes(work: Path, file: str, what: str, expected: dict[str, Any], *, mended: bool) -> Result:
    try:
        found = _loaded(work)
    except (StudyError, DataError) as error:
        named = file in str(error) or _about_whole(str(error), work)
        return Result(what, "refused" if named and "\n" not in str(error) else "not named", str(error)[:300])
    except Exception as error:
        return Result(what, f"raised {type(error).__name__}", str(error)[:300])
    if any(f"lacks the {file}" in warning for warning in found.get("warnings", [])):
        return Result(what, "told as missing")
    return Result(what, "equal" if found == expected else "loaded as listed" if mended else "other values")


def _limit_time(seconds: int) -> None:
    """End this process where it has computed for so long, or waited ten times as long; 0: no longer."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(10 * seconds)


def _about_whole(sentence: str, work: Path) -> bool:
    """Two files that do not fit each other: the sentence names the other, or the data set."""
    return work.name in sentence


def _loaded(folder: Path) -> dict[str, Any]:
    """Everything that a load gives, to compare."""
    if (folder / "images.npy").exists() or "dataset" in folder.name:
        data = load_folder(folder)
        return {"fingerprint": data.fingerprint(), "source": data.source, "name": data.name}
    study = Study.load(folder)
    tables = {name: getattr(study, name) for name in TABLES}
    texts = {name: None if table is None else _text(table) for name, table in tables.items()}
    return texts | {"weights": study.weights_sum, "about": study.metadata.to_dict(), "warnings": study.warnings}


def _text(table: pd.DataFrame) -> str:
    """All of it; of one with more rows than any of ours how many: its text would take more memory than the load."""
    return table.to_csv() if len(table) < MANY else f"{len(table)} rows"


def _mend_sums(work: Path, file: str) -> bool:
    """List the sums of the files as they are now, as an enemy would. No: there is nothing to list."""
    path = work / SEALED_IN[(work / "study.json").exists()]
    try:
        if not path.is_file() or path.stat().st_size > MOST_MENDED:
            return False
        content = json.loads(path.read_text(encoding="utf-8"))
        if file != path.name:
            if not (work / file).is_file() or (work / file).stat().st_size > MOST_MENDED:
                return False
            content["files"][file] = sum_of_file(work / file)
        path.write_text(json.dumps(content | {OWN: own_sum(content)}))
    except (OSError, ValueError, TypeError, KeyError, RecursionError, AttributeError):
        return False
    return True


def _restore(folder: Path, work: Path, file: str) -> None:
    for name in {file, *SEALED_IN.values()}:
        path = work / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        if (folder / name).exists():
            shutil.copy2(folder / name, path)
    for path in work.iterdir():  # what was put beside it
        if not (folder / path.name).exists():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
