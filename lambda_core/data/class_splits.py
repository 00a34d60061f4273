"""Which classes train, validate and test: the published splits of CIFAR-FS, FC100 and Omniglot."""

from __future__ import annotations

Splits = dict[str, tuple[str, ...]]


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Bertinetto et al. 2019, "Meta-learning with differentiable closed-form solvers": CIFAR-100's fine classes.
CIFAR_FS: Splits = {
    "train": _names(
        "train skyscraper turtle raccoon spider orange castle keyboard clock pear girl seal elephant apple "
        "aquarium_fish bus mushroom possum squirrel chair tank plate wolf road mouse boy shrew couch sunflower "
        "tiger caterpillar lion streetcar lawn_mower tulip forest dolphin cockroach bear porcupine bee hamster "
        "lobster bowl can bottle trout snake bridge pine_tree skunk lizard cup kangaroo oak_tree dinosaur rabbit "
        "orchid willow_tree ray palm_tree mountain house cloud"
    ),
    "val": _names(
        "otter motorcycle television lamp crocodile shark butterfly beaver beetle tractor flatfish maple_tree "
        "camel crab sea cattle"
    ),
    "test": _names(
        "baby bed bicycle chimpanzee fox leopard man pickup_truck plain poppy rocket rose snail sweet_pepper "
        "table telephone wardrobe whale woman worm"
    ),
}

# Oreshkin et al. 2018, "TADAM": CIFAR-100's fine classes, no superclass in two splits.
FC100: Splits = {
    "train": _names(
        "apple aquarium_fish bed bicycle bottle bowl bridge bus can castle chair clock cloud couch crocodile cup "
        "dinosaur flatfish forest house keyboard lamp lawn_mower lizard maple_tree motorcycle mountain mushroom "
        "oak_tree orange orchid palm_tree pear pickup_truck pine_tree plain plate poppy ray road rocket rose sea "
        "shark skyscraper snake streetcar sunflower sweet_pepper table tank telephone television tractor train "
        "trout tulip turtle wardrobe willow_tree"
    ),
    "val": _names(
        "bear camel cattle chimpanzee crab elephant hamster kangaroo leopard lion lobster mouse rabbit shrew "
        "snail spider squirrel tiger wolf worm"
    ),
    "test": _names(
        "baby beaver bee beetle boy butterfly caterpillar cockroach dolphin fox girl man otter porcupine possum "
        "raccoon seal skunk whale woman"
    ),
}

# Alphabets of Omniglot's background set kept for validation; the evaluation set is the test split.
OMNIGLOT_VAL = _names("Arcadian Braille Greek Korean Sanskrit")
