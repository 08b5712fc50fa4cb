"""Section 2.1, three square kernels: the report against dense matrices, the table by hand."""

import numpy as np
import pytest
from strategies import reference_matrix

from convreg.examples import identity
from convreg.matlab_random import matlab_rand
from convreg.storage.tables import groups
from convreg.studies.square import (
    Square,
    descended,
    determinant_table,
    kappa_and_winding,
    report_table,
    square_kernels,
    symbol_report,
)

ROUND = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
)  # winds around 0 along the second angle or the first


def plain_symbol(K, theta_1, theta_2):
    """F(theta) from four loops; k is odd."""
    k, _, g, h = K.shape
    F = np.zeros((h, g), complex)
    for p in range(k):
        for q in range(k):
            F += K[p, q].T * np.exp(1j * ((p - k // 2) * theta_1 + (q - k // 2) * theta_2))
    return F


def test_the_kernels_are_random_with_as_much_of_the_identity_as_they_say():
    random, both, little = square_kernels(3, 4).values()
    assert np.array_equal(random, matlab_rand(3, 3, 2, 2, state=4))
    centre = both - random
    assert centre[1, 1] == pytest.approx(np.eye(2))
    assert np.count_nonzero(abs(centre) > 1e-12) == 2
    assert little == pytest.approx(centre + 0.08 * random)


@pytest.mark.parametrize("name", ["random", "identity + random", "identity + 0.08 random"])
def test_the_report_against_dense_matrices(name):
    K = square_kernels(3, 2)[name]
    found = symbol_report(K, 8)
    angles = 2 * np.pi * np.arange(8) / 8
    symbols = [plain_symbol(K, one, other) for one in angles for other in angles]
    parts = [np.linalg.eigvalsh((F + F.conj().T) / 2)[0] for F in symbols]
    assert found.hermitian_part_bound == pytest.approx(min(parts))
    dense = [np.linalg.svd(reference_matrix(K, N), compute_uv=False)[-1] for N in (5, 9, 13, 17)]
    assert found.sigma_min == pytest.approx(dense, rel=1e-6, abs=1e-10)
    least = min(np.linalg.svd(F, compute_uv=False)[-1] for F in symbols)
    slack = sum(
        (abs(p - 1) + abs(q - 1)) * np.linalg.norm(K[p, q], 2) for p in range(3) for q in range(3)
    )
    above = [least + 2 * np.sin(np.pi / (2 * (N + 1))) * slack for N in (5, 9, 13, 17)]
    assert found.plane_wave_bound == pytest.approx(above)


def test_winding_numbers_are_those_of_each_angle():
    down, across = symbol_report(ROUND).winding, symbol_report(ROUND.T).winding
    assert down == ([-1], [0]) or across == ([-1], [0])
    assert down == across[::-1]


def test_the_three_kernels_of_the_notebook():
    reports = {name: symbol_report(K) for name, K in square_kernels(3).items()}
    assert reports["random"].winding == ([-2, -1, 0], [-2, -1, 0])
    assert reports["identity + 0.08 random"].winding == ([0], [0])
    for report in reports.values():
        assert (report.sigma_min <= report.plane_wave_bound).all()
        assert min(report.sigma_min) >= report.hermitian_part_bound - 0.01


def test_the_table_of_reports():
    report = Square(([-2, 0], [1]), -3.456, np.array([0.123, 0.00456, 7.0, 0.0]), np.zeros(4))
    table = report_table({"one": report, "two": report._replace(hermitian_part_bound=0.5)})
    assert {name: column.tolist() for name, column in table.items()} == {
        "kernel": ["one", "two"],
        "winds along theta_1": ["-2, 0"] * 2,
        "along theta_2": ["1"] * 2,
        "Hermitian part from": [-3.456, 0.5],
        "sigma_min, N = 5": [0.123] * 2,
        "sigma_min, N = 9": [0.00456] * 2,
        "sigma_min, N = 13": [7.0] * 2,
        "sigma_min, N = 17": [0.0] * 2,
    }


def test_descent_unwinds_the_identity_with_a_random_kernel():
    K = square_kernels(3)["identity + random"]
    assert kappa_and_winding(K, 7).endswith(", det F winds or vanishes")
    end = descended(K, 7)
    sigma = np.linalg.svd(reference_matrix(end, 7), compute_uv=False)
    assert sigma[0] / sigma[-1] < 1.2
    assert kappa_and_winding(end, 7) == f"kappa {sigma[0] / sigma[-1]:.4g}, det F does not wind"
    assert np.array_equal(descended(K, 7, 0), K)


def test_a_kernel_that_winds_in_one_direction_alone_winds():
    assert kappa_and_winding(ROUND, 4) == "kappa inf, det F winds or vanishes"
    assert kappa_and_winding(ROUND.T, 4) == "kappa inf, det F winds or vanishes"


def test_the_table_of_the_determinant_by_hand():
    """Two panels; the argument at the middles of squares, the zeros of the first at its corners."""
    triangle = np.array([[0, 0, 0], [0, 1, 1], [0, 1, 0]])
    table = determinant_table({"triangle": triangle, "shift": ROUND}, 4)
    panels = groups(table, "panel")
    assert list(panels) == ["triangle", "shift"]
    kinds = groups(panels["triangle"], "kind")
    assert {kind: len(rows["kind"]) for kind, rows in kinds.items()} == {
        "argument": 16,
        "index 1": 1,
        "index -1": 1,
    }
    rows = kinds["argument"]
    assert rows["theta_1"].tolist() == np.repeat([0.25, 0.75, 1.25, 1.75], 4).tolist()
    assert rows["theta_2"].tolist() == [0.25, 0.75, 1.25, 1.75] * 4
    D = 1 + np.exp(1j * np.pi * rows["theta_1"]) + np.exp(1j * np.pi * rows["theta_2"])
    off = (rows["argument"] - np.angle(D) / np.pi + 1) % 2 - 1
    assert np.abs(off).max() <= 5.1e-4
    assert np.all((rows["argument"] >= -1) & (rows["argument"] < 1))
    for kind, place in (("index 1", (0.667, 1.333)), ("index -1", (1.333, 0.667))):
        assert (kinds[kind]["theta_1"][0], kinds[kind]["theta_2"][0]) == place
    shift = panels["shift"]
    assert set(shift["kind"]) == {"argument"}
    turned = (-shift["theta_2"] + 1) % 2 - 1
    assert shift["argument"].tolist() == turned.tolist()


def test_an_argument_of_pi_is_minus_1_and_what_is_undecided_is_told():
    laplace = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])  # a zero of index 0 at 0
    panels = groups(determinant_table({"minus": -identity(3), "laplace": laplace}, 2), "panel")
    assert panels["minus"]["argument"].tolist() == [-1] * 4
    assert set(panels["minus"]["kind"]) == {"argument"}
    assert set(panels["laplace"]["kind"]) == {"argument", "undecided"}
    undecided = groups(panels["laplace"], "kind")["undecided"]
    for angle in (undecided["theta_1"], undecided["theta_2"]):
        assert np.abs((angle + 1) % 2 - 1).max() <= 0.001


def test_40_points_unless_told():
    assert len(determinant_table({"one": identity(1)})["kind"]) == 1600
