"""`lambda-core`: from images to a chosen pattern on the command line.

Exit codes: 0 done; 1 done, but the answer is no (select: nothing faster passes, or test classes did not confirm);
2 the input was wrong; 130 interrupted (what was done is kept).
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from lambda_core.config import RECIPES, MetaTrainConfig, SearchConfig, Settings, SweepConfig, TimingConfig, kind
from lambda_core.errors import LambdaError, StudyError
from lambda_core.system import Progress, Report

if TYPE_CHECKING:
    from lambda_core.studies import Study


F = TypeVar("F", bound=Callable[..., Any])


ROOT_HELP = "Folder of prepared data sets (default: $LAMBDA_DATA, else the user's cache folder)."


WORDS = "lambda_core.argv"  # where click's context keeps what was typed


class Group(click.Group):
    """Every LambdaError becomes one sentence on standard error and exit code 2; the words typed are kept."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> click.Context:
        words = list(args)
        context = super().make_context(info_name, args, *rest, **extra)
        context.meta[WORDS] = words
        return context

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LambdaError as error:
            _fail(str(error), 2)
        except KeyboardInterrupt:
            _fail("interrupted; what was done is kept, run the same command with --resume to go on", 130)


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"lambda-core: {message}", err=True)
    sys.exit(code)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="lambda-core")
def main() -> None:
    """Fast few-shot adaptation under Lambda patterns.

    From images to a chosen pattern:

    \b
      lambda-core data fetch cifar-fs
      lambda-core train  --dataset cifar-fs --ways 5 --shots 1 --out my-study
      lambda-core sweep  my-study
      lambda-core time   my-study
      lambda-core select my-study --threshold 1
    """


def settings_options(cls: type[Settings], *, skip: tuple[str, ...] = ()) -> Callable[[F], F]:
    """One command-line option for each field of a config dataclass: its name, type, help and default."""

    def decorate(command: F) -> F:
        for item in reversed(fields(cls)):  # type: ignore[arg-type]
            if item.name not in skip:
                command = _option(item)(command)
        return command

    return decorate


def _option(item: Any) -> Callable[[F], F]:
    flag, *former = (f"--{name.replace('_', '-')}" for name in (item.name, item.metadata["formerly"]) if name)
    required = item.default is MISSING
    note = "" if required else f"  [default: {item.default}]"
    if kind(item) is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", item.name, default=None, help=item.metadata["help"] + note)
    choices = item.metadata["choices"]
    form = click.Choice(choices) if choices else kind(item)
    return click.option(flag, *former, item.name, type=form, required=required, help=item.metadata["help"] + note)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


root_option = click.option("--root", type=click.Path(file_okay=False), help=ROOT_HELP)


def with_study(command: F) -> F:
    """The argument STUDY, loaded and checked."""

    @click.argument("study")
    @wraps(command)
    def wrapped(study: str, **options: Any) -> Any:
        return command(find_study(study), **options)

    return wrapped  # type: ignore[return-value]


def find_study(text: str) -> Study:
    """The study in folder `text`, or of that name among the shipped ones."""
    from lambda_core.studies import Study, check_name, studies_root

    if Path(text).is_dir():
        return Study.load(Path(text))
    if os.sep in text:
        raise StudyError(f"no study lies in {text}: there is no such folder")
    shipped = studies_root() / check_name(text)
    if not shipped.is_dir():
        names = ", ".join(sorted(path.name for path in studies_root().glob("*/"))) or "none"
        raise StudyError(f"there is no folder {text} and no shipped study of that name; shipped are: {names}")
    return Study.load(shipped)


def command_line() -> str:
    """What was typed, for study.json: `lambda-core …`, whichever way it was started; --resume changes no result."""
    words = click.get_current_context().find_root().meta[WORDS]
    return shlex.join(["lambda-core", *(word for word in words if word != "--resume")])


@contextmanager
def progress_bar(as_json: bool = False) -> Iterator[Report]:
    """A rich progress bar on standard error; where that is no terminal, a line every few seconds."""
    if as_json or not sys.stderr.isatty():
        yield _line_reporter(as_json)
        return
    columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}")]
    with Bars(*columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=Console(stderr=True)) as bars:
        task = bars.add_task("", note="")

        def show(p: Progress) -> None:
            note = f"{p.rate:.2f}/s " + " ".join(f"{name} {value:.3f}" for name, value in p.values.items())
            bars.update(task, description=p.what, completed=p.done, total=p.total, note=note)

        yield show


def _line_reporter(as_json: bool, every: float = 10.0) -> Report:
    last = -every

    def show(p: Progress) -> None:
        nonlocal last
        import time

        if time.monotonic() - last < every and p.done < p.total:
            return
        last = time.monotonic()
        record = {"what": p.what, "done": p.done, "total": p.total, "rate": p.rate, "left_s": p.left, **p.values}
        words = f"{p.what}: {p.done}/{p.total}, {p.rate:.2f}/s, {p.left:.0f} s left"
        numbers = "".join(f", {name} {value:.3f}" for name, value in p.values.items())
        click.echo(json.dumps(record) if as_json else words + numbers, err=True)

    return show


@main.command()
@settings_options(MetaTrainConfig)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the new study.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint, to the result of an unbroken run.")
@click.option("--stop-at", type=click.IntRange(1), help="Stop after so many iterations, to go on another time.")
@click.option("--threads", default=1, show_default=True, help="CPU threads.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@root_option
@json_option
def train(
    out: Path,
    resume: bool,
    stop_at: int | None,
    threads: int,
    device: str,
    root: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Meta-train a model and start a study with it.

    \b
    lambda-core train --dataset glyphs --ways 5 --shots 1 --out my-study
    lambda-core train --dataset glyphs --ways 5 --shots 1 --out my-study --resume

    More processes: torchrun --nproc-per-node 2 -m lambda_core train … (they share the tasks of a meta-gradient).
    Settings that are not given follow the data set's recipe. The weights kept are those best on validation classes.
    """
    from lambda_core.system import best_device
    from lambda_core.workflows import train_study

    given = _given(settings)
    config = MetaTrainConfig.from_dict(RECIPES.get(given["dataset"], {}) | given)
    device = best_device() if device == "auto" else device
    with progress_bar(as_json) as report:
        study = train_study(
            config,
            out,
            root=root,
            resume=resume,
            stop_at=stop_at,
            threads=threads,
            device=device,
            command=command_line(),
            report=report,
        )
    best = study.training["val_accuracy"].max()
    done = study.about["iterations_done"]
    record = {"study": str(out), "iterations": done, "best_val_accuracy": float(best)}
    words = f"{out}: {done} iterations, best validation score {best:.4f}"
    next_step = "open it in the app" if config.dataset == "sinusoid" else f"lambda-core sweep {out}"
    _say(as_json, record, f"{words}. Next: {next_step}")


@main.command()
@with_study
@settings_options(SweepConfig)
@click.option("--processes", default=1, show_default=True, help="Processes of one thread each.")
@root_option
@json_option
def sweep(study: Study, processes: int, root: str | None, as_json: bool, **settings: Any) -> None:
    """Measure every pattern at every step count on validation and test classes.

    Finished parts are kept: run the same command again to go on after a stop.
    """
    from lambda_core.workflows import sweep_study

    config = SweepConfig.from_dict(_given(settings))
    with progress_bar(as_json) as report:
        done = sweep_study(study, config, root=root, processes=processes, command=command_line(), report=report)
    count = done.about["sweep"]["episodes"]
    words = f"{done.name}: {count} episodes of validation and of test classes"
    _say(as_json, {"study": done.name, "episodes": count}, f"{words}. Next: lambda-core time {study.folder}")


@main.command("time")
@with_study
@settings_options(TimingConfig)
@root_option
@json_option
def time_command(study: Study, root: str | None, as_json: bool, **settings: Any) -> None:
    """Time every pattern at every step count, interleaved, on this machine."""
    from lambda_core.workflows import time_study

    config = TimingConfig.from_dict(_given(settings))
    with progress_bar(as_json) as report:
        done = time_study(study, config, root=root, command=command_line(), report=report)
    words = f"{done.name}: {config.repeats} rounds on {config.device}, {config.threads} thread(s)"
    _say(as_json, {"study": done.name, "repeats": config.repeats},
         f"{words}. Next: lambda-core select {study.folder} --threshold 1")  # fmt: skip


@main.command()
@with_study
@click.option("--threshold", required=True, type=float, help="Allowed degradation, in percentage points.")
@click.option("--confidence", default=0.95, show_default=True, help="Of the verdicts, over all candidates together.")
@click.option("--any-lr", is_flag=True, help="Choose over all step sizes that were swept.")
@click.option("--axis", type=click.Choice(["milliseconds", "multiply_adds"]), default="milliseconds", show_default=True)
@click.option("--explain", is_flag=True, help="Show the candidates that decided, as a table.")
@json_option
def select(
    study: Study, threshold: float, confidence: float, any_lr: bool, axis: Any, explain: bool, as_json: bool
) -> None:
    """Choose the fastest pattern within a threshold on validation classes; confirm it once on test classes.

    A candidate passes if a paired one-sided test, corrected over all candidates, shows that it loses at most the
    threshold. Exit code 1: nothing faster than the full pattern passes, or test classes do not confirm the choice.
    """
    from lambda_core.analysis import choose
    from lambda_core.selection import SelectionSettings, sentence

    choice, confirmation = choose(study, SelectionSettings(threshold, confidence, axis, any_lr))
    _say(as_json, {"study": study.name, **choice.as_dict(), "confirmation": vars(confirmation)},
         sentence(choice, confirmation, study.layers))  # fmt: skip
    if explain and not as_json:
        click.echo(_explanation(choice))
    sys.exit(0 if confirmation.verdict == "pass" and not choice.is_reference else 1)


def _explanation(choice: Any) -> str:
    columns = ["pattern", "steps", "lr", "speed_up", "degradation", "degradation_low", "degradation_high", "p_adjusted",
               "verdict"]  # fmt: skip
    table = choice.verdicts.sort_values("speed_up", ascending=False)
    faster = table[table["speed_up"] >= choice.speed_up]
    return str(faster[columns].to_string(index=False, float_format=lambda value: f"{value:.3g}"))


@main.command()
@with_study
@click.option("--episodes-from", "folder", required=True, type=click.Path(path_type=Path), help="Folder of episodes.")
@click.option("--pattern", default="maml", show_default=True, help="Lambda pattern: digits, maml, anil or boil.")
@click.option("--steps", type=click.IntRange(0, 1000), help="Inner steps.  [default: the study's]")
@click.option("--query-statistics", type=click.Choice(["transductive", "support"]), default="transductive",
              show_default=True, help="Statistics that normalise the queries.")  # fmt: skip
@json_option
def evaluate(study: Study, folder: Path, pattern: str, steps: int | None, query_statistics: str, as_json: bool) -> None:
    """Score a study on fixed episodes: <episode>/support/<class>/*.png and <episode>/query/<class>/*.png."""
    from lambda_core.measurement import evaluate_folder
    from lambda_core.patterns import LambdaPattern

    steps = study.config.steps if steps is None else steps
    parsed = LambdaPattern.parse(pattern, len(study.layers))
    found = evaluate_folder(study, folder, parsed, steps, query_statistics)
    half = "" if found.half_width is None else f" ± {100 * found.half_width:.2f}"
    words = f"{study.name}, {parsed}, {steps} steps: {100 * found.accuracy:.2f}{half} %"
    _say(as_json, vars(found) | {"study": study.name}, f"{words} over {found.episodes} episodes ({query_statistics})")


@main.command()
@click.argument("studies", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All shipped studies.")
@json_option
def report(studies: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Print the table that the README shows, for the studies named (or all)."""
    from lambda_core.analysis import as_markdown, report_table
    from lambda_core.studies import list_studies, studies_root

    if not studies and not every:
        raise click.UsageError("name one or more studies, or --all")
    found = list_studies(studies_root())[0] if every else [find_study(text) for text in studies]
    measured = [study for study in found if study.measured]
    click.echo(report_table(measured).to_json(orient="records", indent=1) if as_json else as_markdown(measured))


@main.command("race")
@with_study
@click.option("--threshold", required=True, type=float, help="Allowed degradation, in percentage points.")
@click.option("--confidence", default=0.95, show_default=True, help="Of the choice, whenever the race ends.")
@click.option("--cached", is_flag=True, help="Replay on the study's accuracy table, beside the exhaustive choice.")
@click.option("--episodes", default=600, show_default=True, help="The most that a candidate sees, where it runs live.")
@click.option("--any-lr", is_flag=True, help="Race over all step sizes that were swept (with --cached).")
@click.option("--axis", type=click.Choice(["milliseconds", "multiply_adds"]), default="milliseconds", show_default=True)
@root_option
@json_option
def race_command(
    study: Study,
    threshold: float,
    confidence: float,
    cached: bool,
    episodes: int,
    any_lr: bool,
    axis: Any,
    root: str | None,
    as_json: bool,
) -> None:
    """Find the fastest pattern within a threshold for few adaptations: episodes are spent where they decide.

    Runs live on validation episodes, fewest first; finished parts are kept. Exit codes are those of select.
    """
    from lambda_core.analysis import race_tables
    from lambda_core.selection import SelectionSettings

    rival: dict[str, Any] | None = None
    if any_lr and not cached:
        raise click.UsageError("--any-lr needs --cached: a live race runs at the study's own step size")
    settings = SelectionSettings(threshold, confidence, axis, any_lr)
    if cached:
        result, seen, rival = race_tables(study, settings)
    else:
        from lambda_core.workflows import race_live

        with progress_bar(as_json) as show:
            result, seen = race_live(study, settings, episodes=episodes, root=root, report=show)
    record = {"study": study.name, **result.as_dict(), "confirmation": vars(seen), "against_exhaustive": rival}
    _say(as_json, record, result.words(seen, study.layers, rival))
    sys.exit(0 if seen.verdict == "pass" and not result.is_reference else 1)


@main.command("search")
@with_study
@settings_options(SearchConfig)
@root_option
@json_option
def search_command(study: Study, root: str | None, as_json: bool, **settings: Any) -> None:
    """Search step × layer patterns for ones that per-layer patterns do not reach; judge them on fresh episodes.

    Writes STUDY/search.parquet.

    Finished parts are kept: run the same command again to go on after a stop.
    """
    from lambda_core.selection import in_words
    from lambda_core.studies import write_search
    from lambda_core.workflows import note, search_live

    config = SearchConfig.from_dict(_given(settings))
    with progress_bar(as_json) as show:
        found, table = search_live(study, config, root=root, report=show)
    write_search(study.folder, table)
    note(study, "search", config.to_dict(), command_line())
    record = {
        "study": study.name,
        "patterns": len(found.accuracy),
        "adaptations": found.adaptations,
    }
    _say(as_json, record, in_words(found, table))


@main.command()
@click.argument("studies", nargs=-1)
@click.option("--threshold", default=1.0, show_default=True, help="Allowed degradation, in percentage points.")
@click.option("--confidence", default=0.95, show_default=True, help="Of the choice, and of each verdict elsewhere.")
@click.option("--any-lr", is_flag=True, help="Choose over all step sizes that were swept.")
@json_option
def transfer(studies: tuple[str, ...], threshold: float, confidence: float, any_lr: bool, as_json: bool) -> None:
    """Does a pattern chosen on one study hold on another? All pairs of the studies named (or all that are measured)."""
    from lambda_core.analysis import as_text, transfer_table
    from lambda_core.selection import SelectionSettings
    from lambda_core.studies import list_studies, studies_root

    every = list_studies(studies_root())[0]
    found = [find_study(text) for text in studies] or [study for study in every if study.measured]
    if not found:
        raise StudyError("no study is measured yet; make one with: lambda-core sweep and lambda-core time")
    table = transfer_table(found, SelectionSettings(threshold, confidence, any_lr=any_lr))
    click.echo(table.to_json(orient="records", indent=1) if as_json else as_text(table))


@main.group()
def data() -> None:
    """Prepared data sets: list, fetch, import, show."""


@data.command("list")
@root_option
@json_option
def data_list(root: str | None, as_json: bool) -> None:
    """What data sets there are, and which are at hand."""
    from lambda_core.data import list_datasets

    for info in list_datasets(root):
        _say(as_json, vars(info), f"{info.name:12} {info.state:12} {info.summary}")


@data.command("fetch")
@click.argument("name")
@root_option
def data_fetch(name: str, root: str | None) -> None:
    """Download and prepare cifar-fs, fc100 or omniglot (through torchvision)."""
    from lambda_core.data import fetch

    with progress_bar() as show:
        folder = fetch(name, root, lambda done, total, what: show(Progress(what, done, total, 0.0, 0.0)))
    click.echo(f"{name} is ready in {folder}")


@data.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Name of the new data set: small letters, digits and hyphens.")
@click.option("--size", default=32, show_default=True, help="Side of the square images, in pixels.")
@click.option("--channels", type=click.Choice(["1", "3"]), default="3", show_default=True, help="1: grey, 3: colour.")
@click.option("--val", default=0.2, show_default=True, help="Share of the classes kept for validation.")
@click.option("--test", default=0.2, show_default=True, help="Share of the classes kept for test.")
@click.option("--seed", default=0, show_default=True, help="Of the division of the classes.")
@root_option
def data_import(folder: Path, name: str, channels: str, root: str | None, **options: Any) -> None:
    """Prepare FOLDER, one folder of images a class (or train, val and test folders of such)."""
    from lambda_core.data import import_folder, passed_over

    made = import_folder(folder, name, root, channels=int(channels), **options)
    click.echo(f"{name} is ready in {made}")
    if others := passed_over(folder):
        shown = ", ".join(path.name for path in others[:3]) + (", …" if len(others) > 3 else "")
        click.echo(f"{len(others)} files were passed over, being no PNG, JPEG or WebP images: {shown}", err=True)


@data.command("show")
@click.argument("name")
@root_option
@json_option
def data_show(name: str, root: str | None, as_json: bool) -> None:
    """Classes, images, shape, splits and source of a data set."""
    from lambda_core.data import describe, load_dataset

    facts = describe(load_dataset(name, root))
    _say(as_json, facts, "\n".join(f"{key:16} {value}" for key, value in facts.items()))


def _say(as_json: bool, record: dict[str, Any], words: str) -> None:
    click.echo(json.dumps(record, default=str) if as_json else words)


if __name__ == "__main__":
    main()
