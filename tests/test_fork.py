"""A process that is forked while other threads compute: the child computes as well.

A lock that a thread holds at that moment is never given back in the child, and what it has half
done stays so. Each child here does what the threads do, compares, and ends; one that hangs is
killed, and the test fails.

BLAS has one thread: with more, OpenBLAS hangs in a fork while it multiplies large matrices, in
NumPy alone as well.
"""

import os
import signal
import threading
import time
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from convreg import ConvolutionOperator
from convreg._numerics.threads import OneThread, in_threads, one_thread
from convreg.symbol import Symbol

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # Python 3.12 warns of threads
]

FORKS = 20
PATIENCE = 10.0  # seconds: a child takes some milliseconds


def ends_well(compute):
    """Whether a child comes to the end, and what it computes is true."""
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = 0 if compute() else 1
        finally:
            os._exit(status)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def operator(shape, N, **keywords):
    return ConvolutionOperator(np.random.default_rng(0).standard_normal(shape), N, **keywords)


def forward(M):
    return M @ np.ones((M.shape[1], 3))


def backward(M):
    return M.T @ np.ones((M.shape[0], 3))


def gradient(M):
    return M.kernel_adjoint(np.ones((M.shape[1], 3)), np.ones((M.shape[0], 3)))


def made_anew(M):
    """With what an operator computes when it is first asked for."""
    return ConvolutionOperator(M.kernel, M.N) @ np.ones(M.shape[1])


def largest(M):
    symbol = Symbol(M)
    return np.array([symbol.largest_on_torus(), symbol.peaks.values.max()])


def parts(M):
    return np.array(in_threads(lambda part: (M @ np.full(M.shape[1], part)).sum(), range(4)))


OWN = "threads of our own"  # as many as BLAS has, which has one meanwhile
TAPS, FOURIER, WINOGRAD = ((3, 3, 8, 8), 24), ((15, 15, 1, 1), 40), ((3, 3, 128, 128), 10)

COMPUTED = {
    "taps that read": partial(forward, operator(*TAPS)),
    "taps that add": partial(backward, operator(*TAPS, stride=2)),
    "taps around a circle": partial(backward, operator(*TAPS, stride=3, padding="circular")),
    "the gradient by taps": partial(gradient, operator(*TAPS)),
    "Fourier": partial(forward, operator(*FOURIER)),
    "the spectrum of the kernel": partial(made_anew, operator(*FOURIER)),
    "the gradient by Fourier": partial(gradient, operator(*FOURIER)),
    "Winograd": partial(forward, operator(*WINOGRAD)),
    "the adjoint by Winograd": partial(backward, operator(*WINOGRAD)),
    "the symbol": partial(largest, operator((3, 3, 2, 2), 8)),
    OWN: partial(parts, operator((3, 3, 4, 4), 12)),
}


@pytest.mark.parametrize("name", COMPUTED)
def test_a_child_computes_what_a_thread_was_computing(name):
    compute = COMPUTED[name]
    expected = compute()
    with threadpool_limits(2 if name == OWN else 1, "blas"), threads_in(compute):
        for _ in range(FORKS):
            assert ends_well(lambda: np.allclose(compute(), expected, rtol=1e-12))


@contextmanager
def threads_in(compute):
    """Two threads that compute this again and again."""
    stop = threading.Event()

    def again():
        while not stop.is_set():
            compute()

    threads = [threading.Thread(target=again) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_the_limit_of_threads_that_are_gone_is_lifted():
    """In a child BLAS has the threads that it had, with nobody left inside."""
    inside, leave = threading.Event(), threading.Event()

    def holds():
        with one_thread:
            inside.set()
            leave.wait()

    def free():
        with one_thread:
            pass
        return blas_threads() == {2}

    with threadpool_limits(2, "blas"):
        thread = threading.Thread(target=holds)
        thread.start()
        inside.wait()
        try:
            assert blas_threads() == {1}
            assert ends_well(free)
            assert blas_threads() == {1}  # the parent's is as it was
        finally:
            leave.set()
            thread.join()


def test_a_child_of_the_thread_inside_leaves_as_its_parent_does():
    with threadpool_limits(2, "blas"):
        assert ends_well(left_in_the_child)


def left_in_the_child():
    """The child forks once more from inside, and that child leaves."""
    with one_thread:
        child = os.fork()
        if blas_threads() != {1}:
            return False
    if child == 0:
        os._exit(0 if blas_threads() == {2} else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and blas_threads() == {2}


def test_a_lock_that_another_thread_holds_is_none_in_the_child():
    one = OneThread(of_scipy=False)
    with one._lock:
        assert ends_well(partial(entered, one))


def entered(limit):
    with limit:
        return blas_threads() == {1}


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
