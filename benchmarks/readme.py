"""Puts the measured tables into README.md, docs/results.md and docs/findings.md: python -m benchmarks.readme

Up to `<!-- end -->`: after `<!-- report -->` what `lambda-core report --all` prints, after `<!-- studies -->` a few
rows of it and their conditions, after `<!-- peers -->` the ratios that the last `python -m benchmarks.adaptation`
wrote, after `<!-- compilers -->` what `python -m benchmarks.compilers` did, after `<!-- compilers-avx2 -->` what it did
with `--isa avx2`, after `<!-- sweep-episode -->` what `python -m benchmarks.sweep_episode` did, after `<!-- card -->`
what `python -m benchmarks.card` did on a GPU, after `<!-- chosen -->` the ratios of `python -m benchmarks.chosen`,
after `<!-- domains -->` what changes on other images, after `<!-- finer -->` what `python -m benchmarks.finer` found,
and after `<!-- rule -->` what `python -m benchmarks.rule_per_task` did; in docs/measuring.md the counts of the last
`python -m benchmarks.calibration`, in docs/choices.md those of `benchmarks.audit` and `benchmarks.choices`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.calibration.tables import calibration
from benchmarks.finer import in_markdown
from benchmarks.stated import stated
from lambda_core.analysis import as_markdown, default_condition, domains_table, short_table
from lambda_core.config import SweepConfig
from lambda_core.formatting import with_interval
from lambda_core.studies import Study, list_studies, studies_root

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
SHOWN = ("cifar-fs-5w1s-pretrained", "cifar-fs-5w5s-pretrained", "omniglot-20w1s", "glyphs-5w1s")  # in README.md

ELSEWHERE = tuple(f"{SHOWN[1]}@{dataset}" for dataset in ("hand-signs", "mnist"))  # there, too


def main() -> None:
    for name, render in DOCUMENTS.items():
        path = ROOT / name
        path.write_text(render(path.read_text(encoding="utf-8")), encoding="utf-8")


def readme(text: str) -> str:
    """README.md with its table as it is now."""
    listed = {study.name: study for study in list_studies(studies_root())[0]}
    studies = [listed[name] for name in SHOWN]
    text = _between(text, "studies", f"{short_table(studies)}\n\n{conditions(studies)}")
    elsewhere = [study for name, study in listed.items() if name in (SHOWN[1], *ELSEWHERE)]
    record = json.loads((RESULTS / "compilers.json").read_text(encoding="utf-8"))
    text = _between(text, "compilers", beside_compilers(record))
    return _between(text, "domains", domains_table(elsewhere))


def conditions(studies: Sequence[Study]) -> str:
    """What stands beside the numbers of these measured studies, in a sentence."""
    times = [default_condition(study) for study in studies]
    sweeps = [study.sweep_config or SweepConfig() for study in studies]
    episodes = sorted(sweep.episodes for sweep in sweeps)
    parts = [
        f"{episodes[0]} to {episodes[-1]} episodes",
        f"{_all([sweep.queries for sweep in sweeps])} queries a class",
        _all([sweep.query_statistics for sweep in sweeps]),
        f"training seed {_all([study.config.seed for study in studies])}",
        f"{_all([time.device for time in times])}, {_all([time.threads for time in times])} thread",
        f"on {_all([study.metadata.timed_with.processor for study in studies])}",
    ]
    return f"Conditions: {'; '.join(parts)}."


def _all(values: Iterable[Any]) -> str:
    """Every different value, in order."""
    return " or ".join(dict.fromkeys(map(str, values)))


def results(text: str) -> str:
    """docs/results.md with its tables as they are now."""
    found = {
        name: json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("adaptation", "card", "chosen", "compilers", "compilers-avx2", "sweep-episode")
    }
    tables = {"report": report(), "peers": peers(found["adaptation"]), "chosen": chosen(found["chosen"])}
    tables |= {name: compilers(found[name]) for name in ("compilers", "compilers-avx2")}
    tables |= {"card": card(found["card"]), "sweep-episode": sweep_episode(found["sweep-episode"])}
    for name, table in tables.items():
        text = _between(text, name, table)
    return text


def findings(text: str) -> str:
    """docs/findings.md with its tables as they are now."""
    text = _between(text, "stated", stated())
    text = _between(text, "domains", domains_table(list_studies(studies_root())[0]))
    text = _between(text, "finer", in_markdown(json.loads((RESULTS / "finer.json").read_text(encoding="utf-8"))))
    return _between(text, "rule", rule(json.loads((RESULTS / "rule-per-task.json").read_text(encoding="utf-8"))))


def measuring(text: str) -> str:
    """docs/measuring.md with the counts of the last `python -m benchmarks.calibration`."""
    return _between(text, "calibration", calibration(json.loads((RESULTS / "calibration.json").read_text("utf-8"))))


def choices(text: str) -> str:
    """docs/choices.md with what the last `benchmarks.audit` and `benchmarks.choices` wrote."""
    rows = json.loads((RESULTS / "audit.json").read_text("utf-8"))["rows"]
    text = _between(text, "audit", _rows(["what", "before", "now"], rows))
    found = json.loads((RESULTS / "choices.json").read_text("utf-8"))["choices"]
    head = ["study", "within", "before", "now", "points lost", "on test classes", "why"]
    return _between(text, "choices", _rows(head, [[f"{row[name]}" for name in head] for row in found]))


def _rows(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in [head, ["---"] * len(head), *rows])


DOCUMENTS: dict[str, Callable[[str], str]] = {
    "README.md": readme,
    "docs/results.md": results,
    "docs/findings.md": findings,
    "docs/measuring.md": measuring,
    "docs/choices.md": choices,
}


def rule(record: dict[str, Any]) -> str:
    """The table of rules that ask each task. record: what `benchmarks.rule_per_task` writes."""
    rows = [
        f"| `{name}` | {row['criterion']}, {kind} {row['share']:.0%} | {row['patterns picked']} | "
        f"{row['rule accuracy']:.1f} | {row['rule cost']:.2f} | `{row['fixed']}` | {row['fixed accuracy']:.1f} | "
        f"{row['fixed cost']:.2f} | {with_interval(*row['gain'])} |"
        for name, kinds in record["studies"].items()
        for kind, row in kinds.items()
    ]
    return "\n".join(
        ["| study | best rule | patterns it picks | test % | cost | fixed pattern | test % | cost | the rule gains |",
         "| --- | --- | ---: | ---: | ---: | --- | ---: | ---: | --- |", *rows]
    )  # fmt: skip


def report() -> str:
    return as_markdown([study for study in list_studies(studies_root())[0] if study.measured])


def peers(record: dict[str, Any]) -> str:
    """The table of goals. record: what `benchmarks.adaptation` writes."""
    rows = [
        f"| {row['what']} | {row['measured']:.2f} | {row['goal']} | {'yes' if row['met'] else 'no'} |"
        for row in record["goals"]
    ]
    return "\n".join(
        [f"{_where(record)}, {record['facts']['date']}:", "",
         "| ratio of medians, one interleaved run | measured | goal | met |", "| --- | --- | --- | --- |", *rows]
    )  # fmt: skip


def compilers(record: dict[str, Any]) -> str:
    """The table against compilers and libraries, the slowest ratio above it, the goals below. record: what
    `benchmarks.compilers` writes.
    """
    names = list(dict.fromkeys(name for row in record["rows"] for name in row["ms"]))
    rows = [
        f"| {row['model']} | {5 * row['shots']} | `{row['pattern']}` | "
        + " | ".join(f"{row['ms'][name]:.2f}" if name in row["ms"] else "" for name in names)
        + f" | {row['over the fastest']:.2f}× |"
        for row in record["rows"]
    ]
    first = {name: [row["first call, s"][name] for row in record["rows"] if name in row["ms"]] for name in names}
    calls = ", ".join(f"{name} {min(each):.1f} to {max(each):.1f}" for name, each in first.items())
    goals = [f"| {what} | {value:.2f} | {goal} |" for what, value, goal in compiler_goals(record)]
    return "\n".join(
        [f"{_where(record)}, {record['date']}, {record['rounds']} rounds. {instructions(record)}{slowest(record)}", "",
         f"| model | images | pattern | {' | '.join(names)} | ours over the fastest |",
         f"| --- | ---: | --- |{' ---: |' * (len(names) + 1)}", *rows, "",
         f"Seconds of the first call with these shapes: {calls}. {beside_torch_compile(record)}".strip(),
         *(["", "| ratio | measured | goal |", "| --- | ---: | --- |", *goals] if goals else [])]
    )  # fmt: skip


def instructions(record: dict[str, Any]) -> str:
    """What torch's and our kernels were compiled for, as they said themselves; nothing where a record does not tell."""
    if not (found := record.get("instructions")):
        return ""
    free = record.get("not kept to them", [])
    but = f" ({', '.join(free)} cannot be kept to them, and is left out of the last column)" if free else ""
    return f"Kernels of torch: {found['torch']}; ours: {found['ours']}{but}. "


def beside_torch_compile(record: dict[str, Any]) -> str:
    """That peer alone beside us, in a sentence, where it was measured."""
    if not (row := record.get("torch.compile")):
        return ""
    ours, theirs = row["ms"]["ours"], row["ms"]["torch.compile"]
    first = row["first call, s"]["torch.compile"]
    return (
        f"`torch.compile` of a step of `{row['pattern']}`, 5 images, in turns with us alone ({row['rounds']} rounds): "
        f"{theirs:.2f} ms for five steps, ours {ours:.2f} ({theirs / ours:.2f}×); its first call {first:.0f} s."
    )


def slowest(record: dict[str, Any]) -> str:
    """In a sentence, for 4-CONV and for the deeper network."""
    parts = []
    for model in dict.fromkeys(row["model"] for row in record["rows"]):
        rows = [row for row in record["rows"] if row["model"] == model]
        least = min(rows, key=lambda row: row["over the fastest"])
        which = f"`{least['pattern']}`, {5 * least['shots']} images"
        parts.append(f"{least['over the fastest']:.2f}× for {model} ({which})")
    return f"The slowest ratio to the fastest peer: {'; '.join(parts)}."


def sweep_episode(record: dict[str, Any]) -> str:
    """What `python -m benchmarks.sweep_episode` measured. record: what it writes."""
    rows = [
        [row["shots"], f"{row['before']:.2f}", f"{row['ours']:.2f}", f"{row['ratio']:.2f}×"] for row in record["rows"]
    ]
    return "\n\n".join([
        f"{_where(record)}, {record['date']}, {record['rounds']} rounds.",
        _rows(["shots", "for any model, s", "compiled, s", "ratio"], rows)])  # fmt: skip


def card(record: dict[str, Any]) -> str:
    """What `python -m benchmarks.card` measured on a GPU. record: what it writes."""
    names = list(dict.fromkeys(name for row in record["single"] for name in row["ms"]))
    single = [[5 * row["shots"], f"`{row['pattern']}`", *(_ms(row["ms"], name) for name in names)]
              for row in record["single"]]  # fmt: skip
    many = [[row["at once"], f"`{row['pattern']}`", *(f"{row['a second'][n]:,.0f}" for n in ("ours", "one by one"))]
            for row in record["many"]]  # fmt: skip
    sweeps = [[row["device"], row["shots"], row["episodes"], f"{row['a second']:.1f}"] for row in record["sweeps"]]
    meta = [[row["shots"], *(f"{row['ms'][name]:.1f}" for name in ("ours", "one by one", "one core"))]
            for row in record["meta-gradients"]]  # fmt: skip
    differences = [[name, f"{value:.1e}"] for name, value in record["differences"].items()]
    return "\n\n".join([
        f"{record['environment']['card']}, torch {record['environment']['torch']}, {record['date']}.",
        _rows(["images", "pattern", *(f"{name}, ms" for name in names)], single),
        _rows(["at once", "pattern", "ours, adaptations a second", "one by one"], many),
        _rows(["sweep on", "shots", "episodes", "a second"], sweeps),
        _rows(["meta-gradient, shots", "ours, ms", "one by one", "one core of its machine"], meta),
        _rows(["difference from the definition on the CPU", "relative"], differences)])  # fmt: skip


def _ms(times: dict[str, float], name: str) -> str:
    return f"{times[name]:.2f}" if name in times else ""


LIBRARIES, EXPORT = ("copy + SGD", "higher", "torchopt"), "our export in onnxruntime"


def compiler_goals(record: dict[str, Any]) -> list[tuple[str, float, str]]:
    """(what, measured, goal), of 4-CONV; none before all its rows are measured, nor where not all are kept to the same
    instructions.
    """
    rows = {(row["shots"], row["pattern"]): row for row in record["rows"] if row["model"] == "4-CONV"}
    wanted = {"11111": "1.25", "01111": "1.0", "00111": "1.5", "00011": "1.5", "00001": "1.8"}
    if not {(1, text) for text in wanted} <= set(rows) or record.get("not kept to them"):
        return []
    ours = {key: row["ms"]["ours"] for key, row in rows.items()}
    full = rows[1, "11111"]["ms"]
    compiled = min(value for name, value in full.items() if name not in ("ours", *LIBRARIES))
    eager = min(value for name, value in full.items() if name in LIBRARIES)
    each = [
        (f"`{text}`, {5 * shots} images, over the fastest peer", row["over the fastest"], f"≥ {goal}")
        for (shots, text), row in rows.items()
        for goal in [wanted[text] if shots == 1 else "1.0"]
    ]
    floors = [
        (f"`{text}`: time over the floor", ours[1, text] / least, f"≤ {goal}")
        for (text, least), goal in zip(record["floor, ms"].items(), (1.6, 2.0), strict=True)
    ]
    exported = [
        (f"`{text}`: exported, in onnxruntime, over our own time", rows[1, text]["ms"][EXPORT] / ours[1, text], "≤ 1.5")
        for text in ("00001", "00011", "00111")
    ]
    whole = [
        ("`00001` over the fastest compiler's `11111`", compiled / ours[1, "00001"], "≥ 15"),
        ("`00001` over the fastest library's `11111`", eager / ours[1, "00001"], "≥ 35"),
        ("`11111` over the fastest library's", eager / ours[1, "11111"], "≥ 2.8"),
    ]
    return [*each, *whole, *floors, *exported]


def beside_compilers(record: dict[str, Any]) -> str:
    """The sentence of README.md."""
    parts = []
    for name, peers in {"jax.jit": ("jax.jit",), EXPORT: (EXPORT,), "eager libraries": LIBRARIES}.items():
        times = [(row["ms"][peer], row["ms"]["ours"]) for row in record["rows"] for peer in peers if peer in row["ms"]]
        ratios = [theirs / ours for theirs, ours in times]
        parts.append(f"{name} {min(ratios):.2f} to {max(ratios):.2f}")
    return f"Times of others over ours (one core, in turns): {', '.join(parts)}. {slowest(record)}"


def chosen(record: dict[str, Any]) -> str:
    """The table of choices. record: what `benchmarks.chosen` writes."""
    rows = [
        f"| {name} | `{row['pattern']}` × {row['steps']} | {row['milliseconds']['our choice']:.1f} | "
        f"{row['over our full']:.1f}× | {row['over the peer']:.1f}× |"
        for name, row in record["studies"].items()
    ]
    return "\n".join(
        [f"{_where(record)}, {record['rounds']} rounds:", "",
         "| study | choice within 1 point | ms | over our full pattern | over the fastest peer's full pattern |",
         "| --- | --- | --- | --- | --- |", *rows]
    )  # fmt: skip


def _where(record: dict[str, Any]) -> str:
    where = record["environment"]
    return f"{where['processor']}, one thread, torch {where['torch']}"


def _between(text: str, name: str, new: str) -> str:
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    _, _, after = rest.partition("<!-- end -->")
    return f"{before}<!-- {name} -->\n{new}\n<!-- end -->{after}"


if __name__ == "__main__":
    main()
