"""The tables of a study: their columns, their files, and the largest of them in memory.

Belongs here: what one table must be by itself. Does not: what it must be beside other files of the study
(`studies.checks`), what its numbers say (`selection`). No torch.
"""

from lambda_core.studies.tables.accuracies import Accuracies, Loose, Swept, accuracies_of, read_accuracies
from lambda_core.studies.tables.files import parse_table, read_table, rows_of_split, write_table
from lambda_core.studies.tables.schemas import TABLES, UNKNOWN, Column

__all__ = [
    "TABLES",
    "UNKNOWN",
    "Accuracies",
    "Column",
    "Loose",
    "Swept",
    "accuracies_of",
    "parse_table",
    "read_accuracies",
    "read_table",
    "rows_of_split",
    "write_table",
]
