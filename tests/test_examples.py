"""Examples 1 and 2: the settings, the committed figures' numbers, and claims that could come out otherwise."""

from types import SimpleNamespace

import numpy as np
import pytest

from convreg import claims
from convreg.claims import EXAMPLE_1_CLAIMS, EXAMPLE_2_CLAIMS, as_markdown, score
from convreg.examples import (
    EXAMPLE_1,
    EXAMPLE_2,
    Case,
    Evidence,
    gather,
    nearly_equal_line,
    run,
    start_kernel,
    summary,
)
from convreg.matlab_random import matlab_rand
from convreg.matrix import conv_matrix


@pytest.fixture(scope="module")
def example_1():
    return gather(EXAMPLE_1, run(EXAMPLE_1))


@pytest.fixture(scope="module")
def example_2():
    return gather(EXAMPLE_2, run(EXAMPLE_2))


def test_the_settings_are_the_papers():
    assert EXAMPLE_1.cases() == [Case(3, 1, 1.0), Case(1, 3, 1.0), Case(3, 6, 1.0), Case(6, 3, 1.0)]
    assert EXAMPLE_2.cases() == [Case(3, 1, 0.1), Case(3, 1, 1.0), Case(3, 1, 5.0), Case(3, 1, 10.0)]
    assert EXAMPLE_1[2:] == EXAMPLE_2[2:] == (3, 15, 0.01, 20, 2, 1)


def test_a_start_kernel_fills_in_matlabs_order():
    assert np.array_equal(start_kernel(3, 2, 4, state=5).ravel(order="F"), matlab_rand(72, state=5))


def test_the_verdicts_on_example_1(example_1):
    assert [row.verdict for row in score(EXAMPLE_1_CLAIMS, example_1)] == [
        "holds in part", "holds", "holds in part", "holds", "holds", "holds in part",
    ]  # fmt: skip


def test_the_verdicts_on_example_2(example_2):
    assert [row.verdict for row in score(EXAMPLE_2_CLAIMS, example_2)] == [
        "holds in part", "holds", "holds", "artefact", "holds", "does not hold", "artefact", "holds", "holds in part",
    ]  # fmt: skip


def test_the_barrier_is_in_the_exact_values_only(example_2):
    for case, evidence in example_2.items():
        assert evidence.power.penalty.min() >= case.alpha * (1 - 1e-12)
        assert evidence.svd.estimate.min() >= case.alpha * (1 - 1e-12)
    lowest = [evidence.power.estimate.min() / case.alpha for case, evidence in example_2.items()]
    assert lowest[0] > 1 > max(lowest[1:])


def test_later_is_the_value_after_ten_times_as_many_steps(example_1):
    assert 0.1 < example_1[Case(1, 3, 1.0)].later < 0.16 < example_1[Case(1, 3, 1.0)].power.penalty[-1]


def history(**columns):
    """A history with these columns; the others stay as they start."""
    length = len(next(iter(columns.values())))
    base = {
        name: np.ones(length) for name in ("estimate", "penalty", "sigma_max", "sigma_min", "condition_number")
    }
    return SimpleNamespace(**base | {name: np.array(column, float) for name, column in columns.items()})


def judged(judge, later=1.0, svd=None, g=3, h=1, alpha=1.0, **columns):
    power = history(**columns)
    return judge({Case(g, h, alpha): Evidence(power, svd or power, later)})[0]


@pytest.mark.parametrize(
    ("later", "verdict"), [(1.0, "holds"), (1.04, "holds"), (1.2, "holds in part"), (4.0, "does not hold")]
)
def test_convergence(later, verdict):
    assert judged(claims.converges, later, penalty=[100, 1]) == verdict


@pytest.mark.parametrize(
    ("kappa", "verdict"), [([9, 6, 3], "holds"), ([9, 20, 8], "holds in part"), ([3, 5, 9], "does not hold")]
)
def test_falling_together(kappa, verdict):
    assert judged(claims.falls_together, penalty=[9, 6, 3], condition_number=kappa) == verdict


@pytest.mark.parametrize(("last", "verdict"), [(0.95, "holds"), (0.7, "holds in part"), (0.5, "does not hold")])
def test_a_steady_sigma_min(last, verdict):
    assert judged(claims.smallest_stays, sigma_min=[1, last], sigma_max=[10, 2]) == verdict


@pytest.mark.parametrize(
    ("large", "small", "verdict"),
    [(2, 1.1, "holds"), (9, 0.1, "holds in part"), (9, 2, "does not hold"), (9.5, 0.5, "holds in part")],
)
def test_where_the_gain_comes_from(large, small, verdict):
    assert judged(claims.largest_does_the_work, sigma_max=[10, large], sigma_min=[1, small]) == verdict


def test_comparable_wants_both_the_kappa_and_the_estimate():
    flat = history(condition_number=[2, 2])
    assert judged(claims.comparable, svd=flat, condition_number=[2, 2.1]) == "holds"
    assert judged(claims.comparable, svd=flat, condition_number=[2, 2.4]) == "holds in part"
    assert judged(claims.comparable, svd=flat, condition_number=[2, 2], estimate=[1, 0.5]) == "holds in part"
    assert judged(claims.comparable, svd=flat, condition_number=[2, 3]) == "does not hold"


def test_a_dip_that_is_real_is_no_artefact():
    estimate = {5.0: [9, 9, 9, 9, 9, 9, 4, 5], 10.0: [19, 19, 19, 19, 8, 10, 10, 10]}

    def evidence(penalty):
        lines = {alpha: history(estimate=line, penalty=penalty(line, alpha)) for alpha, line in estimate.items()}
        return {Case(3, 1, alpha): Evidence(line, line, alpha) for alpha, line in lines.items()}

    assert claims.dips_at_6_and_4(evidence(lambda line, alpha: line))[0] == "holds"
    assert claims.dips_at_6_and_4(evidence(np.maximum))[0] == "artefact"
    assert claims.returns_to_alpha(evidence(np.maximum))[0] == "artefact"
    assert claims.returns_to_alpha(evidence(lambda line, alpha: line))[0] == "holds"
    estimate[10.0] = [19, 19, 19, 8, 10, 10, 10, 10]
    assert claims.dips_at_6_and_4(evidence(np.maximum))[0] == "does not hold"


def test_arrival_must_come_earlier_for_larger_alpha():
    lines = {1.0: [9, 5, 1, 1], 5.0: [9, 5, 5, 5]}
    evidence = {Case(3, 1, alpha): Evidence(history(penalty=line), None, alpha) for alpha, line in lines.items()}
    assert claims.faster_for_larger_alpha(evidence)[0] == "holds"
    lines = {5.0: [9, 7, 7, 5], 1.0: [9, 1, 1, 1]}
    evidence = {Case(3, 1, alpha): Evidence(history(penalty=line), None, alpha) for alpha, line in lines.items()}
    assert claims.faster_for_larger_alpha(evidence)[0] == "does not hold"


def test_the_barrier_and_theorem_2_1_are_about_values_below_alpha():
    assert judged(claims.barrier, penalty=[3, 1]) == "holds"
    assert judged(claims.barrier, penalty=[3, 0.5]) == "holds in part"
    assert judged(claims.barrier, penalty=[3, 1], h=3) == "does not hold"
    assert judged(claims.theorem_explains, penalty=[3, 1]) == "does not hold"
    assert judged(claims.theorem_explains, penalty=[3, 0.5]) == "holds"


def test_the_table_has_a_row_per_claim(example_1):
    rows = as_markdown(score(EXAMPLE_1_CLAIMS, example_1)).splitlines()
    assert len(rows) == 2 + len(EXAMPLE_1_CLAIMS)
    assert all(row.count(" | ") == 2 for row in rows)


def test_nearly_equal_line_against_dense_matrices():
    line = nearly_equal_line(3, 4, state=2)
    assert len(line["s"]) == 40
    assert line["s"][[0, -1]].tolist() == [-0.1, 0.1]
    E = np.zeros((3, 3, 2, 2))
    E[:, :, 0, 0] = E[:, :, 1, 1] = matlab_rand(3, 3, state=2)
    E[1, 1, 0, 1] = E[1, 1, 1, 0] = 0.01
    alpha = np.linalg.norm(conv_matrix(E, 4).toarray(), 2) ** 2 / 10

    def spectrum(t):
        M = conv_matrix(E * np.array([[1 + t, 1], [1, 1 - t]]), 4).toarray()
        return np.linalg.svd(M.T @ M - alpha * np.eye(32), compute_uv=False)

    for i in (0, 7, 19, 39):
        t = line["s"][i]
        assert [line["first"][i], line["second"][i]] == pytest.approx(spectrum(t)[:2].tolist(), rel=1e-9)
        assert line["narrow"][i] == pytest.approx((spectrum(t + 1e-5)[0] - spectrum(t - 1e-5)[0]) / 2e-5, rel=1e-4)
        assert line["wide"][i] == pytest.approx((spectrum(t + 0.02)[0] - spectrum(t - 0.02)[0]) / 0.04, rel=1e-9)
    assert line["slope"] == pytest.approx(line["narrow"], rel=1e-4)


def test_summary_takes_the_lowest_estimate():
    lines = {"estimate": [9.0, 2.0, 3.0], "penalty": [9.0, 4.0, 5.0], "condition_number": [7.0, 6.0, 8.0]}
    header, row = summary({"a case": history(**lines)}).splitlines()
    assert header.split() == [
        "case",
        "kappa:",
        "start",
        "end",
        "sigma_max",
        "sigma_min",
        "estimate",
        "R_alpha",
        "lowest,",
        "at",
    ]
    assert row.split() == ["a", "case", "7", "8", "1", "1", "3", "5", "2", "1"]


def by_alpha(judge, lines, later=None, svd=None):
    """The verdict on histories given by alpha; `later` defaults to alpha itself."""
    histories = {alpha: history(**columns) for alpha, columns in lines.items()}
    return judge(
        {
            Case(3, 1, alpha): Evidence(H, svd or H, (later or {}).get(alpha, alpha))
            for alpha, H in histories.items()
        }
    )[0]


def test_the_same_behaviour_is_the_same_pace_to_different_values():
    fast, slow = [100, 9, 9, 9, 9], [100, 90, 80, 70, 10]
    assert (
        by_alpha(claims.same_behaviour, {1.0: {"penalty": fast}, 2.0: {"penalty": [100, 9, 3, 3, 3]}}) == "holds"
    )
    assert by_alpha(claims.same_behaviour, {1.0: {"penalty": fast}, 2.0: {"penalty": slow}}) == "does not hold"
    assert by_alpha(claims.same_behaviour, {1.0: {"penalty": fast}, 2.0: {"penalty": fast}}) == "holds in part"


def test_the_limits_must_grow_with_alpha():
    lines = {1.0: {"penalty": [9, 1]}, 5.0: {"penalty": [9, 5]}}
    assert by_alpha(claims.limit_depends_on_alpha, lines) == "holds"
    same = {1.0: {"penalty": [9, 1]}, 5.0: {"penalty": [9, 1]}}
    assert by_alpha(claims.limit_depends_on_alpha, same, later={1.0: 1.0, 5.0: 1.0}) == "does not hold"


@pytest.mark.parametrize(
    ("small", "large", "kappa", "verdict"),
    [(1, 4, 3, "holds"), (4, 1, 3, "holds in part"), (1, 4, 8, "holds in part"), (4, 1, 8, "does not hold")],
)
def test_larger_minima_with_a_similar_effect(small, large, kappa, verdict):
    lines = {
        1.0: {"estimate": [9, small], "condition_number": [9, kappa]},
        5.0: {"estimate": [9, large], "condition_number": [9, kappa]},
    }
    assert by_alpha(claims.larger_minima_similar_effect, lines) == verdict


def test_an_estimate_that_stays_below_alpha_does_not_return():
    stays = {5.0: {"estimate": [9, 4, 4], "penalty": [9, 5, 5]}}
    assert by_alpha(claims.returns_to_alpha, stays) == "does not hold"
    assert (
        by_alpha(claims.returns_to_alpha, stays | {1.0: {"estimate": [9, 0.5, 1], "penalty": [9, 1, 1]}})
        == "holds in part"
    )
