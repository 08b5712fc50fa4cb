"""Other strides, dilations and paddings: what is verified, and that a wrong gradient is seen."""

import numpy as np
import pytest

from convreg.examples import start_kernel
from convreg.gradients import kernel_gradient, kernel_gradient_index_sum
from convreg.matrix import conv_matrix
from convreg.penalty import penalty
from convreg.studies import geometries
from convreg.studies.geometries import Setting, settings, verified

K = start_kernel(3, 1, 2)
CASES = settings(K, 6)
every_case = pytest.mark.parametrize("name", CASES)


def test_the_settings_depart_from_the_papers_one_by_one_and_together():
    how = {name: case.how for name, case in CASES.items()}
    assert how == {
        "the paper's": {},
        "stride 2": {"stride": 2},
        "stride 3": {"stride": 3},
        "dilation 2": {"dilation": 2},
        "no padding": {"padding": "valid"},
        "circular": {"padding": "circular"},
        "oblong kernel": {},
        "oblong image": {},
        "all of these": {"stride": (2, 1), "dilation": (1, 2), "padding": (1, 2)},
    }
    oblong = ("oblong kernel", "all of these")
    for name, case in CASES.items():
        assert case.K.shape == ((3, 2, 1, 2) if name in oblong else K.shape)
        assert case.N == ((6, 9) if name in ("oblong image", "all of these") else 6)
    assert len({verified(case, 1.0).penalty for case in CASES.values()}) == len(CASES)


@pytest.mark.parametrize("name", ["stride 3", "dilation 2"])
def test_settings_without_a_gradient_are_refused(name):
    """On the plateau of M'M, or where no more can be said of the lower end of the spectrum."""
    kernel = np.ones((3, 3, 1, 1))
    case = settings(kernel, 6)[name]
    alpha = penalty(*case[:2], **case.how) + 1
    with pytest.raises(ValueError, match=r"alpha: wanted less than sigma_max\^2 / 2 \("):
        settings(kernel, 6, alpha)


@every_case
def test_what_is_verified_is_the_papers_statement(name):
    """The penalty and the shape are those of the dense matrix; the right gradient passes."""
    kernel, N, how = CASES[name]
    M = conv_matrix(kernel, N, **how).toarray()
    found = verified(CASES[name], 2.0)
    assert found.shape == M.shape
    assert found.penalty == pytest.approx(np.linalg.norm(M.T @ M - 2 * np.eye(M.shape[1]), 2))
    assert (round(found.right), round(found.wrong)) == (2, 1)
    assert found.differences > 1e5
    assert found.sums < 1e-12


def wrong_at(index):
    """A gradient that is off by a tenth in one entry."""

    def gradient(*arguments, **how):
        G = kernel_gradient(*arguments, **how)
        G[index] *= 1.1
        return G

    return gradient


@every_case
def test_a_wrong_gradient_is_seen(name, monkeypatch):
    monkeypatch.setattr(geometries, "kernel_gradient", wrong_at((1, 1, 0, 0)))
    found = verified(CASES[name], 1.0)
    assert found.right < 1.5
    assert found.differences < 1e4
    assert found.sums > 1e-3


def of_the_papers(function):
    """The paper's setting in place of the one that is asked for."""
    return lambda K, N, u, v, **how: function(K, N, u, v)


def test_index_sums_over_other_places_are_seen(monkeypatch):
    case = Setting(K, 6, {"padding": "circular"})  # where M has the paper's shape
    monkeypatch.setattr(
        geometries, "kernel_gradient_index_sum", of_the_papers(kernel_gradient_index_sum)
    )
    assert verified(case, 1.0).sums > 1e-3
