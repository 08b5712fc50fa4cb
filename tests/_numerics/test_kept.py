"""What is kept between calls: one user at a time, nothing half done, a bounded number."""

from threading import Barrier, Thread

import numpy as np
import pytest

from convreg import ConvolutionOperator
from convreg._numerics import taps
from convreg._numerics.kept import Kept, kept_property


def test_it_is_made_once_and_used_by_one_at_a_time():
    made = []

    def make(kind):
        made.append(kind)
        return [kind]

    kept = Kept(make, most=2)
    with kept("a") as first, kept("a") as second:
        assert first is not second
    assert made == ["a", "a"]
    with kept("a") as again, kept("a") as other:
        assert {id(again), id(other)} == {id(first), id(second)}
    assert made == ["a", "a"]


def test_the_last_few_are_kept():
    kept = Kept(lambda kind: [kind], most=2)
    for kind in "abca":
        with kept(kind):
            pass
    assert len(kept) == 2
    with kept("c") as c, kept("a") as a:
        assert len(kept) == 0
    assert (a, c) == (["a"], ["c"])
    kept.clear()
    assert len(kept) == 0


def test_threads_share_nothing_meanwhile():
    kept, barrier, seen = Kept(list, most=4), Barrier(4), []

    def use():
        for _ in range(50):
            barrier.wait()
            with kept() as mine:
                barrier.wait()
                seen.append(id(mine))
                barrier.wait()

    threads = [Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    at_once = [set(seen[i : i + 4]) for i in range(0, len(seen), 4)]
    assert all(len(ids) == 4 for ids in at_once)
    assert len(set(seen)) == 4  # the same four, again and again


@pytest.mark.parametrize("stops", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("channels", "keywords"), [(4, {"stride": 2}), (128, {})])
def test_an_interrupted_product_leaves_nothing_behind(
    stops, transposed, channels, keywords, monkeypatch
):
    """Half of an image beside the work arrays' own would be read by the next product."""
    K = np.random.default_rng(0).standard_normal((3, 3, channels, channels))
    M = ConvolutionOperator(K, 12, **keywords)
    x, y = np.ones(M.shape[1]), np.ones(M.shape[0])
    expected = M @ x, M.T @ y
    multiply, calls = np.matmul, []

    def stopped(*factors, out):
        calls.append(out)
        if len(calls) == 3:
            raise stops
        multiply(*factors, out=out)

    with monkeypatch.context() as patch:
        patch.setattr(taps, "WORK", 1)  # a line at a time
        taps.kept_taps.clear()
        patch.setattr(np, "matmul", stopped)
        with pytest.raises(stops):
            M.T @ y if transposed else M @ x
    assert len(calls) == 3
    assert np.allclose(M @ x, expected[0], rtol=1e-12)
    assert np.allclose(M.T @ y, expected[1], rtol=1e-12)
    taps.kept_taps.clear()


def test_a_property_is_computed_once_for_each_object():
    class Thing:
        @kept_property
        def value(self):
            return object()

    first, second = Thing(), Thing()
    assert first.value is first.value is not second.value
