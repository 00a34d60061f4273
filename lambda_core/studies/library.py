"""All studies below a folder: one bad study never hides the good ones."""

from __future__ import annotations

import shutil
from pathlib import Path

from lambda_core.errors import StudyError
from lambda_core.studies.metadata import DatasetRecord
from lambda_core.studies.metadata_checks import ON
from lambda_core.studies.places import is_installed, studies_root, studies_roots
from lambda_core.studies.study import Study
from lambda_core.studies.sums import read_file, refuse_escape
from lambda_core.studies.writing import write_metadata
from lambda_core.system import first_line, rename_folder, sum_of


def known_folders() -> list[tuple[Path, Path]]:
    """(root, folder) of every study of the user and of the package; of two with one name the user's.

    Raises StudyError where a root cannot be listed.
    """
    found: dict[str, tuple[Path, Path]] = {}
    for root in studies_roots():
        for folder in study_folders(root):
            found.setdefault(folder.name, (root, folder))
    return [found[name] for name in sorted(found)]


def own_copy(study: Study) -> Study:
    """The study itself, or where it came with the package, a copy among the user's own, to be measured anew.

    Raises StudyError where the copy cannot be made.
    """
    if not is_installed(study.folder):
        return study
    copy = studies_root() / study.name
    part = copy.with_name(f".{study.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of a copying that was stopped
        shutil.copytree(study.folder, part)
        rename_folder(part, copy)
    except OSError as error:
        raise StudyError(f"{study.name} cannot be copied to {copy}: {first_line(error)}") from error
    return Study.load(copy).with_code(study.code)


def on_domain(study: Study, domain: DatasetRecord) -> Study:
    """The study of this model on another data set: the folder NAME@DATASET beside it, made where it is not there yet.

    It holds the weights and, since the network is the same, the times; accuracies are measured anew. Raises StudyError
    where it cannot be made, or is there for other weights or another version of the data.
    """
    base = own_copy(study)
    folder = base.folder.resolve().with_name(f"{base.name.partition(ON)[0]}{ON}{domain.name}")
    if not folder.exists():
        _make_domain(base, folder, domain)
    found = Study.load(folder)
    there = found.metadata.domain
    if there is None or (there.fingerprint, there.inverted) != (domain.fingerprint, domain.inverted):
        raise StudyError(f"{folder} was measured on another version of {domain.name}; remove it to measure anew")
    if found.weights_sum != study.weights_sum:
        raise StudyError(f"{folder} holds other weights than {study.folder}; remove it to measure anew")
    return found.with_code(study.code)


def _make_domain(study: Study, folder: Path, domain: DatasetRecord) -> None:
    part = folder.with_name(f".{folder.name}.part")
    metadata = study.metadata.on(domain, folder.name)
    try:
        shutil.rmtree(part, ignore_errors=True)  # of a making that was stopped
        part.mkdir(parents=True)
        contents = {name: read_file(study.folder, name, study.metadata.sums) for name in _shared_files(study)}
        for name, content in contents.items():
            (part / name).write_bytes(content)
        write_metadata(part, metadata.with_sums({name: sum_of(content) for name, content in contents.items()}))
        rename_folder(part, folder)
    except OSError as error:
        raise StudyError(f"{folder} cannot be made: {first_line(error)}") from error


def _shared_files(study: Study) -> list[str]:
    """What holds on any images: it is of the network, not of what it is shown."""
    timed = [] if study.timing is None else ["timing.parquet"]
    return ["weights.safetensors", "training.parquet", *timed]


def list_studies(root: Path | str) -> tuple[list[Study], list[StudyError]]:
    """Every study below `root`, by name, and what is wrong with the others: one bad study never hides the good ones.

    Raises StudyError only where `root` itself cannot be listed; a missing root holds no studies.
    """
    studies: list[Study] = []
    errors: list[StudyError] = []
    for folder in study_folders(root):
        try:
            studies.append(load_checked(folder, root))
        except StudyError as error:
            errors.append(error)
    return studies, errors


def study_folders(root: Path | str) -> list[Path]:
    """The folders below `root` that should hold a study, by name: neither hidden nor in their first training.

    Raises StudyError where `root` cannot be listed; a missing root holds none.
    """
    root = Path(root)
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StudyError(f"the studies in {root} cannot be listed: {first_line(error)}") from error
    return [folder for folder in folders if not _in_training(folder)]


def load_checked(folder: Path, root: Path | str) -> Study:
    """The study in one of the `study_folders` of `root`.

    Raises StudyError that says what is wrong with it; a folder that is a link out of `root` is refused unread.
    """
    refuse_escape(folder, Path(root))
    return Study.load(folder)


def _in_training(folder: Path) -> bool:
    """A checkpoint and no study.json: no study yet, and nothing is wrong with it."""
    try:
        return (folder / "checkpoint").is_dir() and not (folder / "study.json").exists()
    except OSError:  # it cannot be looked into: loading it says why
        return False
