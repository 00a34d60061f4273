import threading

import numpy as np
import pytest
import torch

from lambda_core.adaptation.adapting import adapt
from lambda_core.adaptation.tracing import trace
from lambda_core.backbones.networks import conv4
from lambda_core.episodes.image_bank import EpisodeBank
from lambda_core.patterns.pattern import LambdaPattern
from tests.support.tiny import tiny_dataset


@pytest.fixture(scope="module")
def watched():
    torch.manual_seed(0)
    return conv4(3, 4, 1, 16), EpisodeBank(tiny_dataset(), "val", 3, 1, 4, seed=0)[0]


@pytest.mark.parametrize("text", ["11111", "00001", "01010/00001"])
def test_each_frame_is_the_state_after_so_many_steps(watched, text):
    model, episode = watched
    pattern = LambdaPattern.parse(text, 5)
    found = trace(model, episode, pattern, 3, 0.1)
    assert [frame.step for frame in found.states] == [0, 1, 2, 3]
    for frame in found.states:
        output = adapt(model, episode.support_x, episode.support_y, pattern, frame.step, 0.1).model(episode.query_x)
        assert frame.accuracy == pytest.approx((output.argmax(1) == episode.query_y).float().mean().item())
        np.testing.assert_allclose(frame.probabilities, output.detach().softmax(1).numpy(), atol=1e-4)
    assert np.diff(found.milliseconds).min() > 0
    assert len(found.plan.cells) == 3


def test_sessions_that_share_a_model_do_not_disturb_each_other(watched):
    """A functional call borrows a module's parameters while it runs, so a shared model must not be called itself."""
    model, episode = watched
    patterns = [LambdaPattern.parse(text, 5) for text in ("11111", "00001")] * 4
    alone = [trace(model, episode, pattern, 3, 0.1).states[-1].probabilities for pattern in patterns]
    found: dict[int, np.ndarray] = {}

    def work(place: int) -> None:
        found[place] = trace(model, episode, patterns[place], 3, 0.1).states[-1].probabilities

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(patterns))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, wanted in enumerate(alone):
        np.testing.assert_allclose(found[place], wanted, atol=1e-5)
