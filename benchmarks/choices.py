"""Every choice that the documents state, one a line: python -m benchmarks.choices

For each measured study and each threshold of the report: pattern, steps, speed-up, points lost on validation classes,
and what test classes say. Two versions of the code are compared by the two outputs.
"""

from __future__ import annotations

import click

from lambda_core.analysis import choose
from lambda_core.formatting import times, with_interval
from lambda_core.selection import SelectionSettings
from lambda_core.studies import list_studies, studies_root

THRESHOLDS = (0.5, 1.0, 2.0)  # points


@click.command()
@click.option("--confidence", default=0.95, show_default=True)
def main(confidence: float) -> None:
    for study in list_studies(studies_root())[0]:
        if study.measured:
            for threshold in THRESHOLDS:
                choice, seen = choose(study, SelectionSettings(threshold, confidence))
                lost, confirmed = with_interval(*choice.degradation), with_interval(*seen.degradation)
                chosen = f"{choice.pattern} × {choice.steps:<2} {times(choice.speed_up):>6}"
                told = f"{study.name:27} {threshold:<3g} {chosen}  {lost:18} test {confirmed:18} {seen.verdict}"
                click.echo(told)


if __name__ == "__main__":
    main()
