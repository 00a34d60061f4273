"""What the literature says of MAML with 4-CONV, with its sources."""

from __future__ import annotations

from dataclasses import dataclass

from lambda_core.studies import Study


@dataclass(frozen=True)
class Literature:
    """An accuracy of full MAML with 4-CONV in %, with its half-width, and where it was read."""

    accuracy: float
    margin: float
    source: str


R2D2 = "R2D2 paper, via ArnoutDevos/maml-cifar-fs"
FINN = "Finn et al. 2017, via tristandeleu/pytorch-maml"
LITERATURE = {
    ("cifar-fs", 5, 1): Literature(58.9, 1.9, R2D2),
    ("cifar-fs", 5, 5): Literature(71.5, 1.0, R2D2),
    ("omniglot", 5, 1): Literature(98.7, 0.4, FINN),
    ("omniglot", 5, 5): Literature(99.9, 0.1, FINN),
    ("omniglot", 20, 1): Literature(95.8, 0.3, FINN),
    ("omniglot", 20, 5): Literature(98.9, 0.2, FINN),
}


def literature_for(study: Study) -> Literature | None:
    """The number to compare full MAML of this study with, where there is one: same data, ways, shots and backbone,
    trained with all layers, at the end at least.
    """
    config = study.config
    comparable = config.backbone == "conv4" and config.order == "second" and study.ends_with_all_layers
    comparable &= study.metadata.domain is None
    return LITERATURE.get((config.dataset, config.ways, config.shots)) if comparable else None
