"""Definiteness of a matrix in exact arithmetic, by Python's integers."""

from fractions import Fraction


def in_integers(A):
    """The matrix times a power of two, in Python's integers: exact."""
    whole = [[Fraction(entry) for entry in row] for row in A]
    denominator = max((entry.denominator for row in whole for entry in row), default=1)
    return [[int(entry * denominator) for entry in row] for row in whole], denominator


def is_positive(gram, denominator, shift, sign=1):
    """Whether sign (shift I - gram / denominator) is positive definite: by Sylvester's criterion,
    its leading minors by Bareiss' elimination in integers.
    """
    shift = Fraction(shift)
    n = len(gram)
    A = [[-sign * shift.denominator * entry for entry in row] for row in gram]
    for i in range(n):
        A[i][i] += sign * shift.numerator * denominator
    last = 1
    for i in range(n):
        if A[i][i] <= 0:
            return False
        for j in range(i + 1, n):
            for l in range(i + 1, n):
                A[j][l] = (A[j][l] * A[i][i] - A[j][i] * A[i][l]) // last
        last = A[i][i]
    return True
