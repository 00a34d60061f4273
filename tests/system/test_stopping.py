"""A Ctrl-C or SIGTERM ends the work, whatever runs at that instant."""

from __future__ import annotations

import ctypes
import os
import signal

import pytest

from lambda_core.system.progress import Meter
from lambda_core.system.stopping import stopped_by_sigterm


@pytest.fixture(autouse=True)
def _listens():
    """As in a terminal: what a shell starts in the background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_a_callback_from_c_drops_is_raised_by_the_next_report(number):
    called = ctypes.CFUNCTYPE(None)(lambda: os.kill(os.getpid(), number))
    meter, reached = Meter("work", 3, None), []

    def work():
        called()
        reached.append("after the callback")
        meter.advance()
        reached.append("after the report")

    stopped(work)
    assert reached == ["after the callback"]
    meter.advance()  # answered: it does not come again


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_elsewhere_it_interrupts_at_once_and_handlers_are_put_back(number):
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    stopped(lambda: os.kill(os.getpid(), number) or pytest.fail("it went on"))
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    Meter("work", 3, None).advance()


def stopped(work):
    with pytest.raises(KeyboardInterrupt), stopped_by_sigterm():
        work()
