"""`lambda-core`: from images to a chosen pattern on the command line.

Exit codes: 0 done; 1 done, but the answer is no (select: nothing faster passes, or test classes did not confirm);
2 the input was wrong; 130 interrupted (what was done is kept).
"""

from __future__ import annotations

import errno
import io
import sys
from typing import Any, NoReturn

import click

from lambda_core.commands.app import app
from lambda_core.commands.data import data
from lambda_core.commands.export import export
from lambda_core.commands.measure import evaluate, merge, sweep, time_command
from lambda_core.commands.options import ARGV
from lambda_core.commands.select import race, search, select
from lambda_core.commands.start import start
from lambda_core.commands.studies import check, report, transfer
from lambda_core.commands.train import train
from lambda_core.errors import LambdaError
from lambda_core.system import first_line, stopped_by_sigterm

NOTHING_WRITTEN = "nothing was written"
GOES_ON = "finished parts are kept: run the same command again to go on"
AFTER_A_STOP = {
    "train": "what was done is kept: run the same command with --resume to go on",
    "sweep": GOES_ON,
    "merge": GOES_ON,
    "race": GOES_ON,
    "search": GOES_ON,
    "time": "times of one run belong together: none were kept, and what the study held before is as it was",
    "data": "no half data set was left: run the same command again",
}


class Group(click.Group):
    """Every LambdaError becomes one sentence on standard error and exit code 2; what was typed is kept."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> click.Context:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a terminal of few signs shows ? for the others
                stream.reconfigure(errors="replace")
        argv = list(args)
        context = super().make_context(info_name, args, *rest, **extra)
        context.meta[ARGV] = argv
        return context

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with stopped_by_sigterm():
                return super().invoke(ctx)
        except LambdaError as error:
            _fail(str(error), 2)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read our output has enough
                raise
            _fail(f"{error.filename or 'a file'}: {first_line(error)}; what was there before is as it was", 2)
        except KeyboardInterrupt:
            _fail(f"interrupted; {AFTER_A_STOP.get(ctx.invoked_subcommand or '', NOTHING_WRITTEN)}", 130)


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


COMMANDS = (
    train,
    start,
    sweep,
    merge,
    time_command,
    select,
    evaluate,
    report,
    race,
    search,
    transfer,
    check,
    export,
    data,
    app,
)

for command in COMMANDS:
    main.add_command(command)

if __name__ == "__main__":
    main()
