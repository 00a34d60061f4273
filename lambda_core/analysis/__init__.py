"""Questions to whole studies: their choice, race, transfer, findings, the report and the paper's claims.

Belongs here: the one path from a study to a choice, that command line, report and app all take. Does not: the
statistics (`selection`). No torch.
"""

from lambda_core.analysis.findings import full_accuracy
from lambda_core.analysis.literature import Literature, literature_for
from lambda_core.analysis.pairs import PAIRED, PairOfStudies, pairs_beside_first, pairs_table, share_episodes
from lambda_core.analysis.profiles import losses, profile
from lambda_core.analysis.reach import (
    OnMachine,
    StudyOfTrainings,
    describe_machines,
    describe_populations,
    describe_undecided,
    find_trainings,
    on_machines,
    pooled,
    populations,
    reach_table,
    trainings_of,
)
from lambda_core.analysis.report import (
    as_markdown,
    claims_markdown,
    claims_records,
    domains_table,
    report_table,
    short_table,
)
from lambda_core.analysis.study_choice import (
    answerable,
    choose,
    compare_study,
    default_condition,
    study_best_gain,
    study_gain,
)
from lambda_core.analysis.study_race import race_tables, study_entrants
from lambda_core.analysis.transfer import judge_transfer, transfer_choice, transfer_table, transfer_text

__all__ = [
    "PAIRED",
    "Literature",
    "OnMachine",
    "PairOfStudies",
    "StudyOfTrainings",
    "answerable",
    "as_markdown",
    "choose",
    "claims_markdown",
    "claims_records",
    "compare_study",
    "default_condition",
    "describe_machines",
    "describe_populations",
    "describe_undecided",
    "domains_table",
    "find_trainings",
    "full_accuracy",
    "judge_transfer",
    "literature_for",
    "losses",
    "on_machines",
    "pairs_beside_first",
    "pairs_table",
    "pooled",
    "populations",
    "profile",
    "race_tables",
    "reach_table",
    "report_table",
    "share_episodes",
    "short_table",
    "study_best_gain",
    "study_entrants",
    "study_gain",
    "trainings_of",
    "transfer_choice",
    "transfer_table",
    "transfer_text",
]
