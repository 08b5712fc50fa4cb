"""What the tests of the scorecard plant: wrong functions, and descents that come out otherwise."""

from types import SimpleNamespace

import numpy as np
from scipy.sparse import csr_array

from convreg.claims.definitions import BY_DEFINITION, OPEN
from convreg.examples import Case, Evidence
from convreg.extremes import extreme_singular_values
from convreg.matrix import conv_matrix

# tables of what is planted


def planted(judge, used, *cases):
    """Rows for one function that a predicate uses: what is there in its place, the verdict."""
    return [(judge, used, wrong, verdict) for wrong, verdict in cases]


def following(judge, *cases):
    """Rows for one predicate: the runs that it is given, the verdict."""
    return [(judge, runs, verdict) for runs, verdict in cases]


def turned(rows, verdicts):
    """The predicates that come out otherwise in some row."""
    return {judge.__name__ for judge, *_, verdict in rows if verdict != verdicts[judge.__name__]}


def in_the_tally(verdicts):
    """The predicates that evidence can turn."""
    return {name for name, verdict in verdicts.items() if verdict not in (BY_DEFINITION, OPEN)}


# functions that are wrong


def multiple(f, factor):
    return lambda *arguments, **options: factor * f(*arguments, **options)


def plus(f, constant):
    return lambda *arguments, **options: f(*arguments, **options) + constant


def times(factor):
    """A matrix whose entries are these multiples of the right ones."""
    return lambda K, N: csr_array(conv_matrix(K, N).multiply(factor))


def of_taps(*taps):
    """The matrix of a kernel with these taps only."""

    def matrix(K, N):
        wrong = np.zeros((5, 5))
        wrong[tuple(np.transpose(taps))] = 1
        return conv_matrix(wrong, N)

    return matrix


def signal_times(low, high, else_low=None, else_high=None):
    """What becomes of a gradient behind a layer with 3 outputs, and behind any other."""
    others = (low if else_low is None else else_low, high if else_high is None else else_high)
    return lambda K, N: (low, high) if K.shape[3] == 3 else others


def ends(largest=lambda sigma: sigma, smallest=lambda sigma: sigma):
    """Extreme singular values that are these functions of the right ones."""

    def extremes(K, N):
        right = extreme_singular_values(K, N)
        return largest(right[0]), smallest(right[1])

    return extremes


# descents that come out otherwise


class Columns(SimpleNamespace):
    """Columns by name or by key, as long as one of them."""

    def __len__(self):
        return len(self.penalty)

    def __getitem__(self, name):
        return getattr(self, name)


def history(**columns):
    """A history with these columns; the others stay as they start."""
    length = max(map(len, columns.values()))
    names = ("estimate", "penalty", "sigma_max", "sigma_min", "condition_number")
    base = {name: np.ones(length) for name in names} | {"selected": np.zeros(length, int)}
    given = {name: np.array(column, float) for name, column in columns.items()}
    return Columns(**base | given)


def evidence_on(*runs):
    """Evidence on a case for each run, a dictionary of columns.

    `later` is where the run ends, `svd` the same run, unless they are given.
    """
    evidence = {}
    for i, given in enumerate(runs):
        columns = dict(given)
        case = Case(columns.pop("g", 3), columns.pop("h", 1), columns.pop("alpha", 1.0 + i))
        later = columns.pop("later", None)
        svd = columns.pop("svd", None)
        power = history(**columns)
        evidence[case] = Evidence(
            power,
            power if svd is None else history(**svd),
            power.penalty[-1] if later is None else later,
        )
    return evidence


def falling(R, later=None):
    return {"penalty": R} | ({} if later is None else {"later": later})


def from_to(field, *pairs):
    """Runs in which a column goes from the first number of a pair to the second."""
    return [{field: [first, 50, last]} for first, last in pairs]


def sigma(large, small):
    return {"sigma_max": [10, large], "sigma_min": [1, small]}


def beside_svd(kappa, estimate=(1, 1)):
    """Ends and estimates beside a full SVD's, which are 10 and 1."""
    svd = {"condition_number": [99, 10], "estimate": [1, 1]}
    return {"condition_number": [99, kappa], "estimate": estimate, "svd": svd}
