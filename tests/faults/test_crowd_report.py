"""The rule by which a crowd's memory is judged, and what is counted of it."""

from __future__ import annotations

import pytest

from tests.faults.crowd_report import Crowd

MB = 1 << 20


def crowd(sizes: list[int]) -> Crowd:
    """Whose memory was so many MB every five seconds."""
    return Crowd(
        2, memory=[(5.0 * place, size * MB) for place, size in enumerate(sizes)], waits=[("live", 2.0)], all_there=0.0
    )


@pytest.mark.parametrize(
    ("sizes", "flat"),
    [
        ([200 + 100 * min(place, 20) for place in range(60)], True),  # as visitors come
        ([1000] * 59 + [3000], True),  # one high moment
        ([1000 + 2 * place for place in range(60)], True),
        ([1000 + 9 * place for place in range(60)], False),
        ([1000] * 40 + [1200] * 20, False),
        ([1000 + 99 * place for place in range(20)], None),  # too short to judge
    ],
)
def test_memory_that_grows_is_a_fault(sizes: list[int], flat: bool | None) -> None:
    assert crowd(sizes).is_flat() is flat
    assert len(crowd(sizes).all_faults()) == (1 if flat is False else 0)


def test_who_is_there_when_the_time_is_up_was_held() -> None:
    found = crowd([1000] * 60)
    found.cut_off("live never settled", is_over=True)
    found.cut_off("live never settled", is_over=False)
    assert (found.held, found.faults) == (1, ["TimeoutError: live never settled"])
    assert found.left(300.0) <= 300.0
    said = "\n".join(found.report())
    assert "sessions held: 1 of 2, all there after 0 s; 1 visits, 1 errors" in said
    assert "minute 1: 1000, minute 2: 1000, minute 3: 1000, minute 4: 1000, minute 5: 1000" in said
    assert "p50 2.0, p95 2.0" in said


def test_the_time_begins_when_all_have_come() -> None:
    found = Crowd(2)
    found.arrived()
    assert (found.left(300.0), found.all_there) == (300.0, None)
    found.arrived()
    assert found.left(300.0) < 300.0
