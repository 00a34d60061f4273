"""Prepared data sets and where they come from: built in, fetched, imported.

Belongs here: images, labels and class splits on disk. Does not: episodes drawn from them (`episodes`). No torch.
"""

from lambda_core.data.catalogue import DatasetInfo, describe, list_datasets
from lambda_core.data.dataset import SPLITS, ImageDataset, Pictures
from lambda_core.data.fetching import fetch
from lambda_core.data.fitting import Fit
from lambda_core.data.image_file import LARGEST_PICTURE, SUFFIXES, read_picture
from lambda_core.data.importing import find_splits, import_folder, passed_over
from lambda_core.data.looks import Looks, looks_of, refuse_uniform
from lambda_core.data.prepared import data_root, load_dataset

__all__ = [
    "LARGEST_PICTURE",
    "SPLITS",
    "SUFFIXES",
    "DatasetInfo",
    "Fit",
    "ImageDataset",
    "Looks",
    "Pictures",
    "data_root",
    "describe",
    "fetch",
    "find_splits",
    "import_folder",
    "list_datasets",
    "load_dataset",
    "looks_of",
    "passed_over",
    "read_picture",
    "refuse_uniform",
]
