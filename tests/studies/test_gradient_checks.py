"""Theorems 2.2 and 2.3: the kernels of either sign, and gradients beside wrong ones."""

import numpy as np
import pytest
from dense import kernel
from strategies import reference_adjoint, reference_gram, reference_matrix

from convreg import conv_matrix
from convreg.examples import identity, start_kernel
from convreg.studies import gradient_checks
from convreg.studies.gradient_checks import (
    alternative_gradients,
    both_signs,
    remedy_gradients,
    sigma_gradients,
    without_a_pixel,
)
from convreg.verify import remainder_order


@pytest.mark.parametrize("alpha", [1.0, 9.0])
@pytest.mark.parametrize("shape", [(3, 3, 2, 3), (2, 2, 1, 1), (3, 3, 2, 2)])
def test_both_signs_of_u_and_v(shape, alpha):
    K = start_kernel(shape[0], *shape[2:]) * alpha**0.5
    kernels = both_signs(K, 4, alpha)
    assert kernels["u = v"] is K
    small = 0.3 * alpha**0.5 * K / np.linalg.norm(conv_matrix(K, 4).toarray(), 2)
    assert kernels["u = -v"] + small == pytest.approx(0.6 * alpha**0.5 * identity(*shape[1:]))
    for name, sign in (("u = v", 1), ("u = -v", -1)):
        M = conv_matrix(kernels[name], 4).toarray()
        values = np.linalg.eigvalsh(M.T @ M - alpha * np.eye(M.shape[1]))
        assert values[np.argmax(abs(values))] * sign > 0
        assert np.sort(abs(values))[-1] > 1.0001 * np.sort(abs(values))[-2]  # simple
    assert list(both_signs(start_kernel(3, 3, 2), 4, alpha)) == ["u = v"]


def test_the_pixel_that_is_dropped_has_the_largest_row():
    G = np.array([[1.0, 1.0], [-2.0, 0.5], [1.5, 1.2]])
    assert without_a_pixel(G).tolist() == [[1.0, 1.0], [0.0, 0.0], [1.5, 1.2]]
    assert G[1, 0] == -2


@pytest.mark.parametrize("alpha", [1.0, 6.0])
def test_both_signs_of_the_remedy_s_gradient(alpha, monkeypatch):
    taken = []
    tables = gradient_checks.gradient_tables
    monkeypatch.setattr(
        gradient_checks,
        "gradient_tables",
        lambda name, f, K, gradients: taken.append((f(K), K)) or tables(name, f, K, gradients),
    )
    K = kernel(3, 3, 2, 1)
    found = remedy_gradients(K, 4, alpha)
    assert [(table["statement"], table["gradient"]) for table in found] == [
        (f"MM', {sign}", which)
        for sign in ("u = v", "u = -v")
        for which in ("right", "missing term")
    ]
    assert [round(remainder_order(table)) for table in found] == [2, 1, 2, 1]
    assert np.array_equal(taken[0][1], K)
    for (R, of), sign in zip(taken, (1, -1), strict=True):
        values = np.linalg.eigvalsh(reference_gram(reference_matrix(of, 4), alpha, "rows"))
        assert max(abs(values)) == pytest.approx(R)
        assert sign * values[-1 if sign > 0 else 0] == pytest.approx(
            R
        )  # the end of that sign decides


def test_each_gradient_is_right_and_its_half_is_not():
    tables = alternative_gradients(kernel(3, 3, 2, 2), 5)
    assert [(table["statement"], table["gradient"]) for table in tables] == [
        (name, which)
        for name in ("spectral norm of W", "orthogonality of W", "Frobenius", "self-convolution")
        for which in ("right", "missing factor")
    ]
    assert [round(remainder_order(table)) for table in tables] == [2, 1] * 4


def test_the_frobenius_penalty_is_that_of_the_image_asked_for(monkeypatch):
    asked = []

    def recorded(K, N, alpha):
        asked.append((N, alpha))
        return float(np.sum(K**2)), 2 * K

    monkeypatch.setattr(gradient_checks.alternatives, "frobenius_penalty", recorded)
    alternative_gradients(kernel(2, 2, 1, 1), 7)
    assert set(asked) == {(7, 2.0)}


def taken_by(monkeypatch):
    """What `gradient_tables` is given: the value, the kernel and the gradients, by statement."""
    taken = {}
    tables = gradient_checks.gradient_tables

    def recorded(name, f, K, gradients):
        taken[name] = (f(K), K, gradients)
        return tables(name, f, K, gradients)

    monkeypatch.setattr(gradient_checks, "gradient_tables", recorded)
    return taken


@pytest.mark.parametrize("shape", [(3, 3, 2, 2), (3, 3, 3, 1), (3, 3, 1, 2)], ids=str)
def test_the_gradients_of_what_depends_on_the_singular_values_themselves(shape, monkeypatch):
    taken = taken_by(monkeypatch)
    K, N = start_kernel(3, *shape[2:]), 4
    tables = sigma_gradients(K, N)
    assert [(table["statement"], table["gradient"]) for table in tables] == [
        ("values, $\\sigma_{max}$", "right"),
        ("values, $\\sigma_{max}$", "missing factor"),
        ("values, $\\sigma_{min}$", "right"),
        ("values, $\\sigma_{min}$", "missing factor"),
        ("polar", "right"),
        ("polar", "missing term"),
        ("polar, periodic", "right"),
        ("polar, periodic", "missing term"),
    ]
    assert [round(remainder_order(table)) for table in tables] == [2, 1] * 4
    for name, at in (("values, $\\sigma_{max}$", 0), ("values, $\\sigma_{min}$", -1)):
        value, of, gradients = taken[name]
        U, sigma, Vt = np.linalg.svd(reference_matrix(of, N), full_matrices=False)
        assert np.abs(sigma - 1).argmax() == at % len(sigma)  # the end that the name says
        assert value == pytest.approx(abs(sigma[at] - 1))
        right = np.sign(sigma[at] - 1) * reference_adjoint(np.outer(U[:, at], Vt[at]), of.shape, N)
        assert gradients["right"] == pytest.approx(right, abs=1e-8)
        assert gradients["missing factor"] == pytest.approx(sigma[at] * right, abs=1e-8)
    value, of, gradients = taken["polar"]
    M = reference_matrix(of, N)
    sigma = np.linalg.svd(M, compute_uv=False)
    assert 0.2 < sigma[-1] < sigma[0] < 1  # far from a kink
    assert value == pytest.approx(np.sum((sigma - 1) ** 2))
    assert gradients["missing term"] == pytest.approx(2 * reference_adjoint(M, of.shape, N))
    _, of, gradients = taken["polar, periodic"]
    assert gradients["missing term"] == pytest.approx(2 * of)
