import pytest

from lambda_core.errors import PatternError
from lambda_core.patterns.pattern import LambdaPattern
from lambda_core.patterns.plan import count_cost, plan_adaptation

COSTS = [100, 200, 40, 10, 1]


def words(text, steps):
    plan = plan_adaptation(LambdaPattern.parse(text, 5), steps, COSTS)
    return [["".join(word[0] for word in (cell.forward, *cell.backward.split())) for cell in row] for row in plan.cells]


def test_head_only_computes_the_body_once():
    assert words("00001", 3) == [["cn", "cn", "cn", "cn", "cw"], ["rn", "rn", "rn", "rn", "cw"], ["rn"] * 4 + ["cw"]]
    assert count_cost(LambdaPattern.parse("00001", 5), 3, COSTS) == 350 + 3 * 2 * 1


def test_backward_passes_through_what_it_does_not_update():
    assert words("01001", 1) == [["cn", "cw", "ci", "ci", "cb"]]


def test_scale_and_shift_need_no_filter_gradient_but_input_gradients_still_flow():
    assert words("n0n01", 1) == [["cs", "ci", "cias", "ci", "cb"]]
    body = sum(COSTS)
    assert count_cost(LambdaPattern.parse("nnnnn", 5), 2, COSTS) == 2 * (body + body - COSTS[0])
    assert count_cost(LambdaPattern.parse("0000n", 5), 2, COSTS) == 350 + 2 * COSTS[4]


def test_what_lies_between_the_maps_of_the_lowest_layer_is_paid_by_what_is_updated_there():
    inner, of_scales = [7, 7, 7, 7, 7], [3, 3, 3, 3, 3]
    costs = [count_cost(LambdaPattern.parse(text, 5), 1, COSTS, inner, of_scales) for text in ("00010", "000n0")]
    assert costs == [340 + 10 * 2 + 7 + 1 * 2, 340 + 10 + 3 + 1 * 2]


def test_a_change_below_makes_what_is_above_stale():
    assert words("10000/00001/00001", 3) == [
        ["cw", "ci", "ci", "ci", "ci"],
        ["cn", "cn", "cn", "cn", "cw"],
        ["rn", "rn", "rn", "rn", "cw"],
    ]


def test_a_step_that_updates_nothing_is_skipped():
    plan = plan_adaptation(LambdaPattern.parse("00001/00000", 5), 3, COSTS)
    assert [cell.forward for cell in plan.cells[1]] == ["skipped"] * 5
    assert plan.cost[1:].sum() == 0


def test_full_adaptation_costs_three_products_a_layer_but_two_in_the_lowest():
    assert count_cost(LambdaPattern.named("maml", 5), 4, COSTS) == 4 * (3 * sum(COSTS) - COSTS[0])


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_cost_grows_with_what_is_updated(steps):
    chain = [LambdaPattern.parse(text, 5) for text in ("00000", "00001", "00011", "00111", "01111", "11111")]
    costs = [count_cost(pattern, steps, COSTS) for pattern in chain]
    assert costs == sorted(costs)


def test_costs_of_other_layers_are_refused():
    with pytest.raises(PatternError, match="5 columns for 3 layers"):
        plan_adaptation(LambdaPattern.parse("00001", 5), 1, [1, 2, 3])
