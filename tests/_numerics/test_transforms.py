"""Fourier transforms and forks: neither begins while the other is under way."""

import os
import threading

import numpy as np
import pytest
import scipy.fft

from convreg._numerics.transforms import Gate, irfftn, rfftn

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
LONG = 60.0  # seconds, for what comes at once


class Watched(Gate):
    """A gate that says when a fork has come to it."""

    def __init__(self):
        super().__init__()
        self.wanted = threading.Event()

    def _close(self):
        self.wanted.set()
        super()._close()


def forked(gate):
    """The exit status of a child that goes through the gate, once all others let it be forked."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with gate:
                status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_they_are_scipys():
    x = np.random.default_rng(0).standard_normal((2, 5, 6)).astype(np.float32)
    assert np.array_equal(rfftn(x, axes=(1, 2)), scipy.fft.rfftn(x, axes=(1, 2)))
    waves = scipy.fft.rfft2(x)
    assert np.array_equal(irfftn(waves, (5, 6), axes=(1, 2)), scipy.fft.irfft2(waves, (5, 6)))


@forks
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_waits_for_the_transforms_that_have_begun_and_they_for_it():
    gate, ended, entered = Watched(), [], threading.Event()

    def fork():
        ended.append(forked(gate))

    def enter():
        with gate:
            entered.set()

    with gate:
        forking = threading.Thread(target=fork)
        forking.start()
        assert gate.wanted.wait(LONG)
        entering = threading.Thread(target=enter)
        entering.start()
        with gate:  # who is in it already is not kept out
            assert not entered.wait(0.1)
        assert ended == []
    forking.join(LONG)
    entering.join(LONG)
    assert ended == [0]
    assert entered.is_set()


@forks
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_who_is_in_the_gate_may_fork():
    gate = Gate()
    with gate:
        assert forked(gate) == 0
    with gate:
        pass
    assert gate._inside == []
