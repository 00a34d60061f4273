"""Studies on disk: one meta-trained model with everything measured on it, read with distrust, written whole.

Belongs here: the file formats (docs/formats.md). Does not: what a study's numbers say (`analysis`). No torch at
import.
"""

from lambda_core.studies.library import known_folders, list_studies, load_checked, on_domain, own_copy, study_folders
from lambda_core.studies.metadata import SCHEMA, DatasetRecord, Environment, Measurement, Pretraining, StudyMetadata
from lambda_core.studies.metadata_checks import ON, check_name
from lambda_core.studies.places import find_folder, studies_root, studies_roots
from lambda_core.studies.study import Study
from lambda_core.studies.sums import read_file
from lambda_core.studies.tables import UNKNOWN, accuracies_of, read_table, write_table
from lambda_core.studies.title import dataset_title
from lambda_core.studies.writing import Change, commit, new_metadata, seal, settle, write_metadata, write_weights

__all__ = [
    "ON",
    "SCHEMA",
    "UNKNOWN",
    "Change",
    "DatasetRecord",
    "Environment",
    "Measurement",
    "Pretraining",
    "Study",
    "StudyMetadata",
    "accuracies_of",
    "check_name",
    "commit",
    "dataset_title",
    "find_folder",
    "known_folders",
    "list_studies",
    "load_checked",
    "new_metadata",
    "on_domain",
    "own_copy",
    "read_file",
    "read_table",
    "seal",
    "settle",
    "studies_root",
    "studies_roots",
    "study_folders",
    "write_metadata",
    "write_table",
    "write_weights",
]
