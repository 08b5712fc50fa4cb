"""Algorithm 2.1, Sections 3 and 4: what each predicate says where its evidence comes out otherwise, and its numbers."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from evidence import numbers, plain_descent
from scipy.sparse import csr_array
from strategies import reference_matrix

from convreg.claims import FAILS, HOLDS, IN_PART, algorithm, score, section_3
from convreg.claims.algorithm import ALGORITHM_CLAIMS, TRACKING_CLAIMS
from convreg.claims.section_3 import EXAMPLE_1_CLAIMS, EXAMPLE_2_CLAIMS, SECTION_4_CLAIMS, START_CLAIMS
from convreg.examples import EXAMPLE_1, EXAMPLE_2, Case, Evidence, gather, run, start_kernel
from convreg.matlab_random import matlab_rand
from convreg.matrix import conv_matrix

ALONE = ALGORITHM_CLAIMS + START_CLAIMS

VERDICTS = {
    "krylov_methods_are_efficient": "holds",
    "circulant_embedding": "holds",
    "small_steps": "holds in part",
    "a_few_iterations": "holds in part",
    "two_triplets_help": "holds in part",
    "start_is_reproducible": "holds",
}
VERDICTS_ON_EXAMPLE_1 = [
    "holds in part", "holds", "holds in part", "holds", "holds", "holds in part",
]  # fmt: skip
VERDICTS_ON_EXAMPLE_2 = [
    "holds in part", "holds", "holds", "artefact", "holds", "does not hold", "artefact", "holds", "holds in part",
]  # fmt: skip


@pytest.fixture(scope="module")
def alone():
    """What the claims that need no evidence come to, by the name of the predicate."""
    return {claim.judge.__name__: row for claim, row in zip(ALONE, score(ALONE), strict=True)}


def test_the_verdicts(alone):
    assert {name: row.verdict for name, row in alone.items()} == VERDICTS


def test_the_verdicts_on_the_examples():
    evidence_1, evidence_2 = gather(EXAMPLE_1, run(EXAMPLE_1)), gather(EXAMPLE_2, run(EXAMPLE_2))
    assert [row.verdict for row in score(TRACKING_CLAIMS, evidence_1)] == ["holds"]
    assert [row.verdict for row in score(EXAMPLE_1_CLAIMS, evidence_1)] == VERDICTS_ON_EXAMPLE_1
    assert [row.verdict for row in score(EXAMPLE_2_CLAIMS, evidence_2)] == VERDICTS_ON_EXAMPLE_2
    assert [row.verdict for row in score(SECTION_4_CLAIMS, evidence_1)] == ["holds"]


def times(factor):
    """A matrix whose entries are these multiples of the right ones."""
    return lambda K, N: csr_array(conv_matrix(K, N).multiply(factor))


def products(each):
    return lambda B, count: [B @ np.ones(B.shape[0]) for _ in range(each * count)]


def block_products(columns):
    return lambda B, count: B @ np.ones((B.shape[0], columns))


def stepping(in_K=0.04, in_R=0.04, at=None):
    """A descent in which K and R change by 4% in a step, and by these fractions in one of them, or in all."""
    steps = range(1, 21) if at is None else (at,)

    def descent(K, N, callback):
        R = [1.0]
        for i in range(1, 21):
            K = K * (1 + (in_K if i in steps else 0.04))
            R.append(R[-1] * (1 - (in_R if i in steps else 0.04)))
            callback(i, K, R[-1])
        return SimpleNamespace(history=SimpleNamespace(penalty=np.array(R)))

    return descent


def counting(kappa, lag):
    """Descents with these final condition numbers and lags for 2, 4 and 8 power iterations; 10 with the SVD."""
    kappa, lag = dict(zip((2, 4, 8), kappa, strict=True)), dict(zip((2, 4, 8), lag, strict=True))

    def descent(K, N, update="power", power_iterations=2):
        end = 10.0 if update == "svd" else kappa[power_iterations]
        low = 0.9 if update == "svd" else lag[power_iterations]
        return SimpleNamespace(
            history=history(condition_number=[9, 99, end], penalty=[4, 4, 4], estimate=[4, 4 * (1 - low), 4])
        )

    return descent


def lagging(one, two):
    """Descents that lag by these fractions in their steps."""

    def descent(K, N, update):
        lag = np.array(two if update == "power" else one)
        return SimpleNamespace(history=history(penalty=[4] * len(lag), estimate=4 * (1 - lag)))

    return descent


def history(**columns):
    """A history with these columns; the others stay as they start."""
    length = len(next(iter(columns.values())))
    base = {
        name: np.ones(length) for name in ("estimate", "penalty", "sigma_max", "sigma_min", "condition_number")
    }
    return SimpleNamespace(**base | {name: np.array(column, float) for name, column in columns.items()})


def uniform(*shape, state):
    return matlab_rand(*shape, state=state + 1)


def published_only(*shape, state):
    return matlab_rand(*shape, state=state) if shape == (4,) else np.zeros(shape)


def published_but_once(index):
    def wrong(*shape, state):
        first = matlab_rand(*shape, state=state)
        first[index] += 2e-4 if shape == (4,) else 0
        return first

    return wrong


OTHERWISE = [
    (algorithm.krylov_methods_are_efficient, "leading_triplets", products(112), HOLDS),
    (algorithm.krylov_methods_are_efficient, "leading_triplets", products(113), IN_PART),
    (algorithm.krylov_methods_are_efficient, "leading_triplets", products(337), IN_PART),
    (algorithm.krylov_methods_are_efficient, "leading_triplets", products(338), FAILS),
    (algorithm.krylov_methods_are_efficient, "leading_triplets", block_products(224), HOLDS),
    (algorithm.krylov_methods_are_efficient, "leading_triplets", block_products(225), IN_PART),
    (algorithm.krylov_methods_are_efficient, "leading_triplets", block_products(675), FAILS),
    (algorithm.circulant_embedding, "conv_matrix", lambda K, N: conv_matrix(K[::-1, ::-1], N), FAILS),
    (algorithm.circulant_embedding, "conv_matrix", times(1 + 1e-9), FAILS),
    (algorithm.circulant_embedding, "conv_matrix", times(1 + np.eye(225)[-1:].T), FAILS),
    (algorithm.small_steps, "minimize_penalty", stepping(), HOLDS),
    (algorithm.small_steps, "minimize_penalty", stepping(in_K=0.06, at=10), IN_PART),
    (algorithm.small_steps, "minimize_penalty", stepping(in_R=0.06, at=10), IN_PART),
    (algorithm.small_steps, "minimize_penalty", stepping(in_R=-0.06, at=1), IN_PART),
    (algorithm.small_steps, "minimize_penalty", stepping(in_K=0.06, at=20), FAILS),
    (algorithm.small_steps, "minimize_penalty", stepping(in_R=0.06, at=20), FAILS),
    (algorithm.small_steps, "minimize_penalty", stepping(in_R=-0.06, at=20), FAILS),
    (algorithm.a_few_iterations, "minimize_penalty", counting((10.9, 9.1, 10), (0.09, 0, 0.09)), HOLDS),
    (algorithm.a_few_iterations, "minimize_penalty", counting((10, 10, 10), (0.11, 0, 0)), IN_PART),
    (algorithm.a_few_iterations, "minimize_penalty", counting((10, 10, 10), (0, 0, 0.11)), IN_PART),
    (algorithm.a_few_iterations, "minimize_penalty", counting((11.1, 10, 10), (0, 0, 0)), FAILS),
    (algorithm.a_few_iterations, "minimize_penalty", counting((10, 10, 8.9), (0, 0, 0)), FAILS),
    (algorithm.two_triplets_help, "minimize_penalty", lagging((0, 0.01), (0, 0.09)), HOLDS),
    (algorithm.two_triplets_help, "minimize_penalty", lagging((0.4, 0), (0.3, 0)), IN_PART),
    (algorithm.two_triplets_help, "minimize_penalty", lagging((0.2, 0.2), (0.3, 0)), IN_PART),
    (algorithm.two_triplets_help, "minimize_penalty", lagging((0.3, 0), (0.3, 0)), FAILS),
    (algorithm.two_triplets_help, "minimize_penalty", lagging((0.4, 0), (0.3, 0.2)), FAILS),
    (section_3.start_is_reproducible, "matlab_rand", uniform, IN_PART),
    (section_3.start_is_reproducible, "matlab_rand", published_but_once(3), IN_PART),
    (section_3.start_is_reproducible, "matlab_rand", published_only, IN_PART),
    (section_3.start_is_reproducible, "matlab_rand", lambda *shape, state: matlab_rand(*shape, state=state) * (state == 1), HOLDS),
    (section_3.start_is_reproducible, "matlab_rand", lambda *shape, state: np.zeros(shape), FAILS),
]  # fmt: skip


@pytest.mark.parametrize(("judge", "used", "wrong", "verdict"), OTHERWISE)
def test_a_predicate_comes_out_otherwise(judge, used, wrong, verdict, monkeypatch):
    monkeypatch.setattr(f"{judge.__module__}.{used}", wrong)
    assert judge()[0] == verdict


def test_every_predicate_can_come_out_otherwise():
    moved = {judge for judge, *_, verdict in OTHERWISE if verdict != VERDICTS[judge.__name__]}
    assert {claim.judge for claim in ALONE} == moved


@pytest.mark.parametrize(
    ("judge", "sizes"),
    [
        (algorithm.krylov_methods_are_efficient, {(3, 3, 6)}),
        (algorithm.small_steps, {(3, 1, 3)}),
        (algorithm.a_few_iterations, {(3, 1, 3)}),
        (algorithm.two_triplets_help, {(3, 1, 3)}),
    ],
)
def test_the_kernels_are_those_that_are_named(judge, sizes, monkeypatch):
    made = set()

    def recorded(*size):
        made.add(size)
        return start_kernel(*size)

    monkeypatch.setattr(f"{judge.__module__}.start_kernel", recorded)
    measured = judge()[1]
    assert made == sizes
    assert {f"3x{k}x{g}x{h}" for k, g, h in sizes} >= set(re.findall(r"3x3x\dx\d", measured))


def judged(judge, later=1.0, svd=None, g=3, h=1, alpha=1.0, **columns):
    power = history(**columns)
    return judge({Case(g, h, alpha): Evidence(power, svd or power, later)})[0]


def by_alpha(judge, lines, later=None, svd=None):
    """The verdict on histories given by alpha; `later` defaults to alpha itself."""
    histories = {alpha: history(**columns) for alpha, columns in lines.items()}
    return judge(
        {
            Case(3, 1, alpha): Evidence(H, svd or H, (later or {}).get(alpha, alpha))
            for alpha, H in histories.items()
        }
    )[0]


@pytest.mark.parametrize(
    ("later", "verdict"), [(1.0, "holds"), (1.04, "holds"), (1.2, "holds in part"), (4.0, "does not hold")]
)
def test_convergence(later, verdict):
    assert judged(section_3.converges, later, penalty=[100, 1]) == verdict


@pytest.mark.parametrize(
    ("kappa", "verdict"), [([9, 6, 3], "holds"), ([9, 20, 8], "holds in part"), ([3, 5, 9], "does not hold")]
)
def test_falling_together(kappa, verdict):
    assert judged(section_3.falls_together, penalty=[9, 6, 3], condition_number=kappa) == verdict


@pytest.mark.parametrize(("last", "verdict"), [(0.95, "holds"), (0.7, "holds in part"), (0.5, "does not hold")])
def test_a_steady_sigma_min(last, verdict):
    assert judged(section_3.smallest_stays, sigma_min=[1, last], sigma_max=[10, 2]) == verdict


@pytest.mark.parametrize(
    ("large", "small", "verdict"),
    [(2, 1.1, "holds"), (9, 0.1, "holds in part"), (9, 2, "does not hold"), (9.5, 0.5, "holds in part")],
)
def test_where_the_gain_comes_from(large, small, verdict):
    assert judged(section_3.largest_does_the_work, sigma_max=[10, large], sigma_min=[1, small]) == verdict


def test_comparable_wants_both_the_kappa_and_the_estimate():
    flat = history(condition_number=[2, 2])
    assert judged(section_3.comparable, svd=flat, condition_number=[2, 2.1]) == "holds"
    assert judged(section_3.comparable, svd=flat, condition_number=[2, 2.4]) == "holds in part"
    assert judged(section_3.comparable, svd=flat, condition_number=[2, 2], estimate=[1, 0.5]) == "holds in part"
    assert judged(section_3.comparable, svd=flat, condition_number=[2, 3]) == "does not hold"


def test_a_dip_that_is_real_is_no_artefact():
    estimate = {5.0: [9, 9, 9, 9, 9, 9, 4, 5], 10.0: [19, 19, 19, 19, 8, 10, 10, 10]}

    def evidence(penalty):
        lines = {alpha: history(estimate=line, penalty=penalty(line, alpha)) for alpha, line in estimate.items()}
        return {Case(3, 1, alpha): Evidence(line, line, alpha) for alpha, line in lines.items()}

    assert section_3.dips_at_6_and_4(evidence(lambda line, alpha: line))[0] == "holds"
    assert section_3.dips_at_6_and_4(evidence(np.maximum))[0] == "artefact"
    assert section_3.returns_to_alpha(evidence(np.maximum))[0] == "artefact"
    assert section_3.returns_to_alpha(evidence(lambda line, alpha: line))[0] == "holds"
    estimate[10.0] = [19, 19, 19, 8, 10, 10, 10, 10]
    assert section_3.dips_at_6_and_4(evidence(np.maximum))[0] == "does not hold"


def test_arrival_must_come_earlier_for_larger_alpha():
    lines = {1.0: [9, 5, 1, 1], 5.0: [9, 5, 5, 5]}
    evidence = {Case(3, 1, alpha): Evidence(history(penalty=line), None, alpha) for alpha, line in lines.items()}
    assert section_3.faster_for_larger_alpha(evidence)[0] == "holds"
    lines = {5.0: [9, 7, 7, 5], 1.0: [9, 1, 1, 1]}
    evidence = {Case(3, 1, alpha): Evidence(history(penalty=line), None, alpha) for alpha, line in lines.items()}
    assert section_3.faster_for_larger_alpha(evidence)[0] == "does not hold"


def test_the_barrier_and_theorem_2_1_are_about_values_below_alpha():
    assert judged(section_3.barrier, penalty=[3, 1]) == "holds"
    assert judged(section_3.barrier, penalty=[3, 0.5]) == "holds in part"
    assert judged(section_3.barrier, penalty=[3, 1], h=3) == "does not hold"
    assert judged(section_3.theorem_explains, penalty=[3, 1]) == "does not hold"
    assert judged(section_3.theorem_explains, penalty=[3, 0.5]) == "holds"


def test_the_same_behaviour_is_the_same_pace_to_different_values():
    fast, slow, lower = [100, 9, 9, 9, 9], [100, 90, 80, 70, 10], [100, 9, 3, 3, 3]
    judge = section_3.same_behaviour
    assert by_alpha(judge, {1.0: {"penalty": fast}, 2.0: {"penalty": lower}}) == "holds"
    assert by_alpha(judge, {1.0: {"penalty": fast}, 2.0: {"penalty": slow}}) == "does not hold"
    assert by_alpha(judge, {1.0: {"penalty": fast}, 2.0: {"penalty": fast}}) == "holds in part"


def test_the_limits_must_grow_with_alpha():
    lines = {1.0: {"penalty": [9, 1]}, 5.0: {"penalty": [9, 5]}}
    assert by_alpha(section_3.limit_depends_on_alpha, lines) == "holds"
    same = {1.0: {"penalty": [9, 1]}, 5.0: {"penalty": [9, 1]}}
    assert by_alpha(section_3.limit_depends_on_alpha, same, later={1.0: 1.0, 5.0: 1.0}) == "does not hold"


@pytest.mark.parametrize(
    ("small", "large", "kappa", "verdict"),
    [(1, 4, 3, "holds"), (4, 1, 3, "holds in part"), (1, 4, 8, "holds in part"), (4, 1, 8, "does not hold")],
)
def test_larger_minima_with_a_similar_effect(small, large, kappa, verdict):
    lines = {
        1.0: {"estimate": [9, small], "condition_number": [9, kappa]},
        5.0: {"estimate": [9, large], "condition_number": [9, kappa]},
    }
    assert by_alpha(section_3.larger_minima_similar_effect, lines) == verdict


def test_an_estimate_that_stays_below_alpha_does_not_return():
    stays = {5.0: {"estimate": [9, 4, 4], "penalty": [9, 5, 5]}}
    returns = {1.0: {"estimate": [9, 0.5, 1], "penalty": [9, 1, 1]}}
    assert by_alpha(section_3.returns_to_alpha, stays) == "does not hold"
    assert by_alpha(section_3.returns_to_alpha, stays | returns) == "holds in part"


@pytest.mark.parametrize(
    ("kappas", "verdict"), [((4, 4.9), "holds"), ((4, 5.1), "holds in part"), ((5.1, 9), "does not hold")]
)
def test_effective_is_half_of_kappa_everywhere(kappas, verdict):
    lines = {alpha: {"condition_number": [10, 1, kappa]} for alpha, kappa in zip((1.0, 5.0), kappas, strict=True)}
    assert by_alpha(section_3.effective, lines) == verdict


@pytest.mark.parametrize(
    ("selected", "verdict", "steps"),
    [([0, 0, 0], "does not hold", [0, 4]), ([0, 1, 0], "holds", [1, 4]), ([0, 1, 1], "holds", [2, 4])],
)
def test_overtaken_counts_the_steps_with_the_second_triplet(selected, verdict, steps):
    class Run(SimpleNamespace):
        def __len__(self):
            return len(self.selected)

    runs = {1.0: Run(selected=np.array(selected)), 5.0: Run(selected=np.zeros(3))}
    found = algorithm.overtaken({Case(3, 1, alpha): Evidence(line, line, 1.0) for alpha, line in runs.items()})
    assert found[0] == verdict
    assert numbers(found[1]) == steps


def test_the_size_of_the_matrix_for_krylov_methods(alone):
    assert (
        f"n = {reference_matrix(start_kernel(3, 3, 6), 15).shape[1]},"
        in alone["krylov_methods_are_efficient"].measured
    )


def test_the_size_of_the_steps(alone):
    kernels, _, _, R = plain_descent(1, 3, 15)
    kernels = kernels.reshape(21, -1)
    in_K = np.linalg.norm(kernels[1:] - kernels[:-1], axis=1) / np.linalg.norm(kernels[:-1], axis=1)
    in_R = np.abs(R[1:] - R[:-1]) / R[:-1]
    found = numbers(alone["small_steps"].measured)
    assert found[:2] == pytest.approx([in_K[0], in_R[0]], abs=6e-3)
    assert found[2:] == pytest.approx([in_K[-1], in_R[-1]], abs=6e-4)


@pytest.mark.parametrize(
    ("at", "sizes"),
    [(1, [0.06, 0.07, 0.04, 0.04]), (2, [0.04] * 4), (19, [0.04] * 4), (20, [0.04, 0.04, 0.06, 0.07])],
)
def test_the_first_and_the_last_step_are_named(at, sizes, monkeypatch):
    monkeypatch.setattr(algorithm, "minimize_penalty", stepping(in_K=0.06, in_R=0.07, at=at))
    assert numbers(algorithm.small_steps()[1]) == pytest.approx(sizes, abs=1e-9)


def test_how_many_power_iterations_come_how_close(alone):
    exact = plain_descent(1, 3, 15, iterations=0)[1][-1]
    runs = [plain_descent(1, 3, 15, iterations=count) for count in (2, 4, 8)]
    kappa = [abs(kappas[-1] / exact - 1) for _, kappas, _, _ in runs]
    lag = [np.max(1 - estimate / R) for _, _, estimate, R in runs]
    assert numbers(alone["a_few_iterations"].measured) == pytest.approx([2, 4, 8, *kappa, *lag], abs=6e-3)


def test_how_far_one_triplet_and_two_lag(alone):
    expected = []
    for kept in (1, 2):
        _, _, estimate, R = plain_descent(1, 3, 15, kept=kept)
        expected += [np.mean(1 - estimate / R), np.max(1 - estimate / R)]
    assert numbers(alone["two_triplets_help"].measured) == pytest.approx(expected, abs=6e-3)


def test_the_first_numbers_are_those_that_are_named(alone):
    expected = [0.9528, 0.7041, 0.9539, 0.5982]
    assert numbers(alone["start_is_reproducible"].measured) == expected
