import dataclasses

import pytest

from lambda_core.config import RECIPES, MetaTrainConfig, SweepConfig, TimingConfig
from lambda_core.errors import ConfigError

CONFIGS = [MetaTrainConfig(dataset="glyphs"), SweepConfig(), TimingConfig()]


@pytest.mark.parametrize("config", CONFIGS)
def test_settings_survive_a_round_trip(config):
    assert type(config).from_dict(config.to_dict()) == config


@pytest.mark.parametrize("config", CONFIGS)
def test_every_setting_explains_itself(config):
    for item in dataclasses.fields(config):
        assert item.metadata["help"]


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_made_of_right_settings(name):
    MetaTrainConfig.from_dict({"dataset": name, **RECIPES[name]})


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"dataset": "glyphs", "way": 5}, "no setting is named 'way'"),
        ({}, "'dataset' is missing"),
        ({"dataset": "glyphs", "ways": "5"}, "ways must be of type int"),
        ({"dataset": "glyphs", "ways": True}, "ways must be of type int"),
        ({"dataset": "glyphs", "ways": 0}, "ways must lie between 1 and 100"),
        ({"dataset": "glyphs", "lr": float("inf")}, "lr must be a finite number"),
        ({"dataset": "glyphs", "order": "third"}, "order must be one of second, first"),
        ({"dataset": "glyphs", "rotations": 1}, "rotations must be of type bool"),
    ],
)
def test_a_wrong_setting_is_named(values, complaint):
    with pytest.raises(ConfigError, match=complaint):
        MetaTrainConfig.from_dict(values)


def test_whole_numbers_do_for_floats():
    assert MetaTrainConfig(dataset="glyphs", lr=1).lr == 1.0


def test_a_changed_copy_is_checked_too():
    with pytest.raises(ConfigError, match="steps must lie between"):
        CONFIGS[0].but(steps=0)
