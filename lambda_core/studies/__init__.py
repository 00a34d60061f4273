"""Studies on disk: one meta-trained model with everything measured on it, read with distrust, written whole.

Belongs here: the file formats (docs/formats.md). Does not: what a study's numbers say (`analysis`). No torch at
import.
"""

from lambda_core.studies.library import known_folders, list_studies, load_checked, own_copy, study_folders
from lambda_core.studies.metadata import SCHEMA, DatasetRecord, Environment, Measurement, Pretraining, StudyMetadata
from lambda_core.studies.metadata_checks import check_name
from lambda_core.studies.places import studies_root, studies_roots
from lambda_core.studies.study import Study
from lambda_core.studies.table_schemas import UNKNOWN
from lambda_core.studies.tables import read_table, write_table
from lambda_core.studies.writing import (
    write_accuracy,
    write_episodes,
    write_measured,
    write_metadata,
    write_search,
    write_timing,
    write_training,
    write_weights,
)

__all__ = [
    "SCHEMA",
    "UNKNOWN",
    "DatasetRecord",
    "Environment",
    "Measurement",
    "Pretraining",
    "Study",
    "StudyMetadata",
    "check_name",
    "known_folders",
    "list_studies",
    "load_checked",
    "own_copy",
    "read_table",
    "studies_root",
    "studies_roots",
    "study_folders",
    "write_accuracy",
    "write_episodes",
    "write_measured",
    "write_metadata",
    "write_search",
    "write_table",
    "write_timing",
    "write_training",
    "write_weights",
]
