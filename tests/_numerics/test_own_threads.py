"""Parts of the work in threads of our own, while BLAS has one."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from convreg._numerics.threads import OneThread, in_threads, one_thread


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_results_are_in_the_order_of_the_parts(threads):
    """However long each part takes; BLAS has one thread in each, and its own again afterwards."""
    seen = []

    def square(part):
        time.sleep(0.002 * (part % 3))
        seen.append((threading.get_ident(), *blas_threads()))
        return part**2

    with threadpool_limits(threads, "blas"):
        assert in_threads(square, iter(range(9))) == [part**2 for part in range(9)]
        assert blas_threads() == {threads}
    names = {name for name, _ in seen}
    assert {size for _, size in seen} == {1}
    assert 1 <= len(names) <= threads
    assert (names == {threading.get_ident()}) == (threads == 1)
    assert in_threads(square, []) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_a_part_is_raised_and_the_threads_are_given_back(threads):
    def fails(part):
        raise ZeroDivisionError

    with threadpool_limits(threads, "blas"):
        with pytest.raises(ZeroDivisionError):
            in_threads(fails, range(3))
        assert blas_threads() == {threads}


def test_there_is_one_thread_at_least_outside_and_inside():
    assert one_thread.threads == 1
    with one_thread:
        assert one_thread.threads >= 1


def test_the_bound_on_a_torus_does_not_depend_on_the_threads():
    from convreg import ConvolutionOperator
    from convreg.symbol import Symbol

    K = np.random.default_rng(0).standard_normal((3, 3, 40, 40))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"):
            found.append(Symbol(ConvolutionOperator(K, 8)).largest_on_torus())
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_whichever_thread_is_first_in_or_last_out():
    """One limits, another one lifts; and while a third has limited all to 3 of its own."""
    first, second = OneThread(of_scipy=False), OneThread(of_scipy=False)
    with threadpool_limits(3, "blas"), ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        for limit in (first, second, first):
            one.submit(limit.__enter__).result()
            assert blas_threads() == {1}
            two.submit(limit.__enter__).result()
            one.submit(limit.__exit__).result()
            assert blas_threads() == {1}
            two.submit(limit.__exit__).result()
            assert blas_threads() == {3}
        with threadpool_limits(2, "blas"):
            assert blas_threads() == {2}
        assert blas_threads() == {3}
