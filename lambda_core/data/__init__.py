"""Prepared data sets and where they come from; free of torch.

`lambda_core.data.fetch` downloads, `lambda_core.data.import_folder` reads class folders of images.
"""

from lambda_core.data.catalogue import DatasetInfo, describe, list_datasets
from lambda_core.data.dataset import SPLITS, ImageDataset
from lambda_core.data.prepared import load_dataset

__all__ = ["SPLITS", "DatasetInfo", "ImageDataset", "describe", "list_datasets", "load_dataset"]
