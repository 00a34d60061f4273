"""How far a choice reaches: for new episodes, classes and trainings, and on which machines.

Belongs here: what is said of a choice beside its verdict. Does not: the choice itself (`analysis.study_choice`), the
statistics (`selection.variance`). No torch.
"""

from lambda_core.analysis.reach.for_whom import WHOM, describe_populations, populations, reach_table
from lambda_core.analysis.reach.machines import OnMachine, describe_machines, on_machines
from lambda_core.analysis.reach.trainings import StudyOfTrainings, find_trainings, pooled, trainings_of
from lambda_core.analysis.reach.undecided import describe_undecided

__all__ = [
    "WHOM",
    "OnMachine",
    "StudyOfTrainings",
    "describe_machines",
    "describe_populations",
    "describe_undecided",
    "find_trainings",
    "on_machines",
    "pooled",
    "populations",
    "reach_table",
    "trainings_of",
]
