"""Bad values of every kind of argument, by names, for `tests/test_bad_inputs.py`."""

from collections import deque
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
from scipy.sparse import coo_array, csr_array, csr_matrix, dok_array, lil_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from convreg import SingularTriplet

try:
    import torch
except ImportError:
    torch = None

HUGE = 10**5000  # more digits than Python prints
LONG_HUGE, LONG_TINY = np.longdouble("1e400"), np.longdouble("1e-400")
LONG = np.finfo(np.longdouble).max > np.finfo(float).max


class WithUnits(np.ndarray):
    """Numbers that mean more than numbers, as those of a package for units."""

    unit = "m"


class Quantity:
    """The same as a class of its own, which NumPy would take without its unit."""

    units = "m"

    def __array__(self, dtype=None, copy=None):
        return np.ones((2, 2))

    def __index__(self):
        return 2


class Raises:
    """Whatever is asked of it, it raises."""

    def __array__(self, dtype=None, copy=None):
        raise ZeroDivisionError("no array")

    def __index__(self):
        raise ZeroDivisionError("no index")

    def __float__(self):
        raise ZeroDivisionError("no number")

    def __bool__(self):
        raise ZeroDivisionError("no truth")

    def __iter__(self):
        raise ZeroDivisionError("no entries")

    def __len__(self):
        raise ZeroDivisionError("no length")

    def __repr__(self):
        raise ZeroDivisionError("no text")


class Hostile:
    """It has no attribute, and says so in its own way."""

    def __getattr__(self, name):
        raise ZeroDivisionError(name)

    def __matmul__(self, other):
        return other


class NoArray:
    """Its __array__ gives none."""

    def __array__(self, dtype=None, copy=None):
        return [1.0]


def circular_list():
    entries = []
    entries.append(entries)
    return entries


def with_units(*shape):
    return np.ones(shape).view(WithUnits)


def repeated(*shape):
    """One number as often as there is no memory for."""
    return np.lib.stride_tricks.as_strided(np.ones(1), shape, (0,) * len(shape))


def masked(*shape):
    return np.ma.array(np.ones(shape), mask=np.eye(*shape[:1], np.prod(shape[1:], dtype=int)))


OBJECTS = {
    "None": None,
    "text": "abc",
    "empty text": "",
    "bytes": b"abc",
    "object": object(),
    "dict": {"a": 1},
    "set": {1, 2},
    "function": len,
    "type": int,
    "Ellipsis": ...,
    "slice": slice(3),
    "namespace": SimpleNamespace(shape="none", dtype="none", ndim="none"),
    "quantity": Quantity(),
    "raises": Raises(),
    "hostile": Hostile(),
    "complex": 1j,
    "date": np.datetime64("2020-01-01"),
    "masked": np.ma.masked,
    "triplet": SingularTriplet(1.0, np.array([1.0]), np.array([1j])),
    "NotImplemented": NotImplemented,
    "error": ValueError("K"),
}
NUMBERS = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "float16 nan": np.float16("nan")}
TENSORS = {}
if torch is not None:
    TENSORS = {
        "tensor of nan": torch.tensor(float("nan")),
        "tensor of complex": torch.tensor(1j),
        "tensor of bool": torch.tensor(True),
        "tensor with gradient": torch.tensor(1.0, requires_grad=True),
        "bfloat16 tensor": torch.ones(2, 2, dtype=torch.bfloat16),
        "sparse tensor": torch.eye(2).to_sparse(),
        "meta tensor": torch.empty(2, 2, device="meta"),
    }
    TENSOR_ARRAYS = {
        "tensor of nan": torch.full((2, 2), float("nan")),
        "tensor of complex": torch.ones(2, 2, dtype=torch.complex64),
        "tensor with gradient": torch.ones(2, 2, requires_grad=True),
        "tensors with gradients": [torch.ones(2, requires_grad=True)] * 2,
        "bfloat16 tensor": torch.ones(2, 2, dtype=torch.bfloat16),
        "bfloat16 tensors": [torch.ones(2, dtype=torch.bfloat16)] * 2,
        "sparse tensor": torch.eye(2).to_sparse(),
        "meta tensor": torch.empty(2, 2, device="meta"),
    }
else:
    TENSOR_ARRAYS = {}


def arrays_like(good):
    """Bad arrays of the shape of a good one, and of others."""
    shape = np.shape(good)
    bad = (
        OBJECTS
        | TENSOR_ARRAYS
        | {
            "numbers": 7.5,
            "empty": [],
            "empty rows": [[]],
            "no entries": np.ones((0,) * len(shape)),
            "one dimension more": np.ones((*shape, 2)),
            "five dimensions": np.ones((1, 1, 1, 1, 1)),
            "ragged": [[1.0, 2.0], [3.0]],
            "ragged deeper": [[[1.0], [2.0]], [[3.0], [4.0, 5.0]]],
            "nan": np.full(shape, np.nan),
            "one inf": np.where(np.arange(np.size(good)).reshape(shape) == 0, np.inf, 1.0),
            "-inf": np.full(shape, -np.inf, np.float32),
            "float16 inf": np.full(shape, np.inf, np.float16),
            "complex": np.ones(shape, complex),
            "objects": np.ones(shape, object),
            "texts": np.full(shape, "1"),
            "bytes": np.full(shape, b"1"),
            "dates": np.full(shape, np.datetime64("2020-01-01")),
            "spans": np.ones(shape, "m8[s]"),
            "records": np.ones(shape, [("x", float)]),
            "nothings": np.full(shape, None),
            "fractions": np.full(shape, Fraction(1, 2)),
            "decimals": np.full(shape, Decimal(1)),
            "huge": np.full(shape, HUGE),
            "huge and small": [[HUGE, 1.0], [1.0, 1.0]],
            "units": with_units(*shape),
            "list with units": [with_units(2), with_units(2)],
            "list of quantities": [Quantity()],
            "masks": masked(*shape) if shape else np.ma.masked,
            "list of masks": [masked(2, 2), masked(2, 2)],
            "list with one mask": [[1.0, np.ma.masked], [1.0, 1.0]],
            "circular list": circular_list(),
            "generator": (row for row in ()),
            "deque of objects": deque([object()]),
            "map": map(float, [1, 2]),
            "no array": NoArray(),
            "array of arrays": np.array([np.ones(2), np.ones(3)], object),
            "list of None": [None, None],
            "one number 2^40 times": repeated(*(2,) * 40),
            "its long rows": repeated(*shape[:-1], 2**40),
            "its many rows": repeated(2**40, *shape[1:]),
            "list of dict": [{}, {}],
            "list of raises": [Raises(), Raises()],
        }
    )
    if LONG:
        bad["longdouble too large"] = np.full(shape, LONG_HUGE)
        bad["longdouble too small"] = np.full(shape, LONG_TINY)
        bad["longdouble subnormal"] = np.full(shape, np.longdouble("1.23456789e-320"))
    return bad


DENSE_ONLY = {
    "sparse": csr_array(np.eye(2)),
    "sparse matrix": csr_matrix(np.eye(2)),
    "operator": aslinearoperator(np.eye(2)),
}


def without(values, *names):
    return {name: value for name, value in values.items() if name not in names}


def kernels(good):
    two = {"one number": 1.0, "vector": np.ones(3), "three dimensions": np.ones((3, 3, 2))}
    zeros = {"no inputs": np.ones((3, 3, 0, 1)), "no outputs": np.ones((3, 3, 1, 0))}
    return arrays_like(good) | DENSE_ONLY | two | zeros


def arrays(good):
    return arrays_like(good) | DENSE_ONLY


def finite_of_any_shape(good):
    """What is refused where every shape is taken."""
    shapes = "numbers", "empty", "empty rows", "no entries", "one dimension more"
    return without(arrays(good), *shapes, "five dimensions")


def vectors(good):
    n = len(good)
    lengths = {"short": np.ones(n - 1), "long": np.ones(n + 1), "column": np.ones((n, 1))}
    return arrays(good) | lengths | {"row": np.asmatrix(np.ones(n))}


def vectors_of_any_length(good):
    return without(vectors(good), "short", "long", "empty", "no entries")


class Plain:
    """A matrix for @, not for NumPy."""

    def __init__(self, A, **changes):
        self.shape, self.dtype, self.T = A.shape, A.dtype, A.T
        self.A = A
        for name, value in changes.items():
            setattr(self, name, value)

    def __matmul__(self, X):
        return self.A @ X


class Untransposed:
    """The same without a transpose."""

    shape = (2, 2)
    dtype = np.dtype(float)

    def __matmul__(self, X):
        return X


class BadTranspose(Untransposed):
    """The same with a transpose that raises."""

    @property
    def T(self):
        raise NotImplementedError("no transpose")


def operator(shape, product=None, adjoint=None, dtype=float):
    """An operator of these products; what is not given is that of ones."""
    ones = np.ones(shape)
    return LinearOperator(
        shape, matvec=product or ones.dot, rmatvec=adjoint or ones.T.dot, dtype=dtype
    )


def raising(x):
    raise IndexError("no product")


def lying(shape):
    """An operator whose shape was set to another one later."""
    A = aslinearoperator(np.ones(shape))
    A.shape = (shape[0] + 1, shape[1] + 1)
    return A


def shaped(shape):
    A = aslinearoperator(np.eye(2))
    A.shape = shape
    return A


def sparse_of(m, n, column):
    """One entry in each row, of a column that need not be there."""
    made = csr_array((np.ones(m), np.zeros(m, int), np.arange(m + 1)), shape=(m, n))
    made.indices[-1] = column
    return made


def sparse_matrices(m, n):
    ones = np.ones((m, n))
    bad = {
        "sparse complex": csr_array(ones * 1j),
        "sparse nan": csr_array(ones * np.nan),
        "sparse inf": coo_array(ones * np.inf),
        "lil nan": lil_array(ones * np.nan),
        "dok inf": dok_array(ones * np.inf),
        "sparse stored inf": csr_array(([np.inf], [0], [0] + [1] * m), shape=(m, n)),
        "sparse of one dimension": coo_array(np.ones(n)),
        "sparse of three dimensions": coo_array(np.ones((m, n, 2))),
        "sparse sum that overflows": coo_array((np.full(2, 1e308), ([0, 0], [0, 0])), shape=(m, n)),
        "sparse without rows": csr_array((0, n)),
        "sparse of 2^40 columns": coo_array((m, 2**40)),
        "sparse with a column too many": sparse_of(m, n, n),
        "sparse with column -1": sparse_of(m, n, -1),
    }
    if LONG:
        bad["sparse longdouble too large"] = csr_array(ones * LONG_HUGE)
        bad["sparse longdouble too small"] = csr_array(ones * LONG_TINY)
    return bad


def operators(m, n):
    """Operators of which no product is right."""
    ones = np.ones((m, n))
    bad = {
        "operator of complex": aslinearoperator(ones * 1j),
        "operator of objects": operator((m, n), dtype=object),
        "operator of nan": operator((m, n), lambda x: x[0] * np.full(m, np.nan)),
        "operator of inf": operator((m, n), lambda x: np.full(m, np.inf)),
        "operator with complex products": operator((m, n), lambda x: 1j * np.ones(m)),
        "operator with texts": operator((m, n), lambda x: np.full(m, "1")),
        "operator with objects": operator((m, n), lambda x: np.full(m, None)),
        "operator with long products": operator((m, n), lambda x: np.ones(m + 1)),
        "operator with a number": operator((m, n), lambda x: 1.0),
        "operator with None": operator((m, n), lambda x: None),
        "operator that cannot": operator((m, n), raising),
        "operator of another shape": lying((m, n)),
        "operator of no shape": shaped(None),
        "operator of one dimension": shaped((2,)),
        "operator of floats": shaped((2.0, 2.0)),
        "operator of nothing": shaped((0, 2)),
        "operator of 2^40 columns": shaped((2, 2**40)),
        "operator of -2": shaped((-2, 2)),
        "plain of a strange type": Plain(ones, dtype="strange"),
        "plain with nan": Plain(ones * np.nan),
        "plain of another shape": Plain(ones, shape=(m + 1, n + 1)),
    }
    if LONG:
        bad["operator of longdouble too large"] = aslinearoperator(ones * LONG_HUGE)
        bad["operator of longdouble too small"] = aslinearoperator(ones * LONG_TINY)
    return bad


def half_operators(m, n):
    """Operators of which A' y is not right."""
    ones = np.ones((m, n))
    return {
        "operator without adjoint": LinearOperator((m, n), matvec=ones.dot, dtype=float),
        "operator of integers without adjoint": LinearOperator(
            (m, n), matvec=ones.dot, dtype=np.int64
        ),
        "operator with an adjoint of nan": operator((m, n), None, lambda y: np.full(n, np.nan)),
        "operator with a long adjoint": operator((m, n), None, lambda y: np.ones(n + 1)),
        "operator whose adjoint cannot": operator((m, n), None, raising),
        "plain without transpose": Untransposed() if m == n == 2 else Plain(ones, T=None),
        "plain with a transpose that raises": BadTranspose() if m == n == 2 else Plain(ones, T=3),
    }


def matrices_of_A(good):
    """For functions that use A x alone."""
    m, n = np.shape(good)
    return arrays_like(good) | sparse_matrices(m, n) | operators(m, n)


def matrices_beside_vectors(good):
    """The same beside vectors, which are blamed where the shape is another one."""
    return without(matrices_of_A(good), "operator of another shape", "plain of another shape")


def matrices(good):
    return matrices_of_A(good) | half_operators(*np.shape(good))


def gradients(good):
    """Dense or sparse."""
    return (
        arrays_like(good) | sparse_matrices(*np.shape(good)) | {"operator": aslinearoperator(good)}
    )


WHOLE = (
    OBJECTS
    | NUMBERS
    | TENSORS
    | {
        "float": 2.0,
        "half": 1.5,
        "NumPy's float": np.float64(2),
        "digits": "2",
        "bool": True,
        "NumPy's bool": np.True_,
        "array of a bool": np.array(True),
        "array of one": np.array([2]),
        "array of a float": np.array(2.0),
        "fraction": Fraction(2),
        "decimal": Decimal(2),
        "2^70": 2**70,
        "-2^70": -(2**70),
        "5001 digits": HUGE,
        "-5001 digits": -HUGE,
        "units": with_units(),
        "generator": (i for i in ()),
    }
)


def integers_from(low):
    def bad(good):
        return WHOLE | {"below": low - 1, "list": [2], "tuple": (2,), "empty": (), "array": [[2]]}

    return bad


def pairs_from(low):
    def bad(good):
        return WHOLE | {
            "below": low - 1,
            "empty": (),
            "one": (2,),
            "three": (2, 2, 2),
            "below in a pair": (2, low - 1),
            "float in a pair": (2, 2.0),
            "text in a pair": ["2", 2],
            "None in a pair": (None, 2),
            "huge in a pair": (1, 2**70),
            "pairs": ((2, 2), (2, 2)),
            "array": np.array([2, 2]),
            "raises in a pair": (Raises(), 1),
        }

    return bad


def sizes(good):
    product = {"2^40": 2**40, "2^31 squared": (2**31, 2**31), "2^62 x 4": (2**62, 4)}
    return pairs_from(1)(good) | product


def paddings(good):
    bad = pairs_from(0)(good)
    return bad | {"word": "SAME", "word in a pair": ("same", "none"), "2^62": 2**62}


REAL = (
    OBJECTS
    | NUMBERS
    | without(TENSORS, "sparse tensor")
    | {
        "digits": "1",
        "bool": True,
        "NumPy's bool": np.True_,
        "array of a bool": np.array(True),
        "array of a text": np.array("1"),
        "array of nan": np.array(np.nan),
        "array of one": np.ones(1),
        "list": [1.0],
        "tuple": (1.0,),
        "-1": -1,
        "-1.0": np.float32(-1),
        "400 digits": 10**400,
        "5001 digits": HUGE,
        "-5001 digits": -HUGE,
        "large fraction": Fraction(10**400),
        "large decimal": Decimal("1e400"),
        "decimal nan": Decimal("nan"),
        "decimal snan": Decimal("snan"),
        "complex of NumPy": np.complex64(1),
        "span": np.timedelta64(1),
        "units": with_units(),
        "longdouble inf": np.longdouble("inf"),
        "float16 inf": np.float16("inf"),
        "generator": (x for x in ()),
    }
)
if LONG:
    REAL["longdouble too large"] = LONG_HUGE


def not_negative(good):
    return REAL


def positive(good):
    bad = REAL | {
        "zero": 0,
        "0.0": 0.0,
        "-0.0": -0.0,
        "false": False,
        "array of zero": np.array(0.0),
        "fraction too small": Fraction(1, 10**400),
        "decimal too small": Decimal("1e-400"),
    }
    return bad | ({"longdouble too small": LONG_TINY} if LONG else {})


def flags(good):
    return (
        OBJECTS
        | NUMBERS
        | without(TENSORS, "tensor of bool")
        | {
            "two": 2,
            "-1": -1,
            "half": 0.5,
            "word": "True",
            "list": [],
            "list of one": [True],
            "array of one": np.array([True]),
            "array of two": np.array([True, False]),
            "huge": HUGE,
            "units": with_units(),
        }
    )


WORDS = (
    without(OBJECTS, "function", "type")
    | NUMBERS
    | TENSORS
    | {
        "number": 1,
        "bool": True,
        "upper case": "COLUMNS",
        "with a space": "columns ",
        "bytes of it": b"columns",
        "list": ["columns"],
        "tuple": ("columns",),
        "array": np.array(["columns"]),
        "array of a word": np.array("columns"),
        "huge": HUGE,
        "fraction": Fraction(1),
        "units": with_units(2),
        "vector": np.ones(2),
        "empty": (),
    }
)


def words(good):
    return WORDS | {"function": len, "type": int}


def words_or_functions(good):
    return WORDS


def functions(good):
    """What is no function."""
    return without(WORDS, "None")


def triplets_of(m, n):
    """Sequences of triplets that are none, for an m x n matrix."""
    u, v = np.eye(m)[0], np.eye(n)[0]

    def bad(good):
        return {
            **without(OBJECTS, "triplet"),
            **NUMBERS,
            **TENSORS,
            "3": 3,
            "one triplet": SingularTriplet(1.0, u, v),
            "memory": memoryview(np.ones((1, 1, 1, 1))),
            "bytearray": bytearray(3),
            "vectors": [u, v],
            "pairs": [(u, v)],
            "tuples": [(1.0, u, v)],
            "list of None": [None],
            "list of texts": ["abc"],
            "list of numbers": [1.0],
            "array": np.ones((2, 3)),
            "nested": [[SingularTriplet(1.0, u, v)]],
            "one good, one not": [SingularTriplet(1.0, u, v), None],
            "short u": [SingularTriplet(1.0, u[:-1], v)],
            "long u": [SingularTriplet(1.0, np.ones(m + 1), v)],
            "short v": [SingularTriplet(1.0, u, v[:-1])],
            "long v": [SingularTriplet(1.0, u, np.ones(n + 1))],
            "column": [SingularTriplet(1.0, u[:, np.newaxis], v[:, np.newaxis])],
            "nan": [SingularTriplet(1.0, u * np.nan, v * np.nan)],
            "inf": [SingularTriplet(1.0, u + np.inf, v + np.inf)],
            "complex": [SingularTriplet(1.0, u + 1j, v + 1j)],
            "texts": [SingularTriplet(1.0, u.astype(str), v.astype(str))],
            "None in it": [SingularTriplet(1.0, None, None)],
            "objects": [SingularTriplet(1.0, u.astype(object), v.astype(object))],
            "masks": [SingularTriplet(1.0, masked(m), masked(n))],
            "units": [SingularTriplet(1.0, with_units(m), with_units(n))],
            "raises": [SingularTriplet(1.0, Raises(), Raises())],
            "second wrong": [SingularTriplet(1.0, u, v), SingularTriplet(1.0, u[:-1], v[:-1])],
            "mapping": {0: SingularTriplet(1.0, u, v)},
        }

    return bad


def starts_of(m, n):
    """The same for leading_triplets, to which None stands for none."""

    def bad(good):
        return without(triplets_of(m, n)(good), "None", "empty text", "short u", "long u")

    return bad


def one_start_of(n):
    """What is not a triplet of an n x n matrix."""

    def bad(good):
        of_lists = triplets_of(n, n)(good)
        names = "short u", "long u", "short v", "long v", "column", "nan", "inf", "complex", "texts"
        more = "None in it", "objects", "masks", "units", "raises"
        of_one = {f"triplet of {name}": of_lists[name][0] for name in (*names, *more)}
        lists = {name: of_lists[name] for name in ("vectors", "pairs", "array", "3", "tuples")}
        a_list = {"list": [SingularTriplet(1.0, np.eye(n)[0], np.eye(n)[0])]}
        bad = without(OBJECTS, "None", "triplet") | NUMBERS | TENSORS | of_one | lists | a_list
        return without(bad, "triplet of short u", "triplet of long u")

    return bad


def shapes(good):
    return (
        without(OBJECTS, "triplet")
        | NUMBERS
        | TENSORS
        | {
            "number": 3,
            "empty": (),
            "one": (3,),
            "three": (3, 3, 1),
            "five": (3, 3, 1, 1, 1),
            "zeros": (0, 0),
            "no inputs": (3, 3, 0, 1),
            "-1": (3, 3, 1, -1),
            "floats": (3.0, 3.0),
            "digits": ("3", "3"),
            "text": "33",
            "bytes": b"33",
            "bytearray": bytearray(2),
            "memory": memoryview(np.ones((1, 1, 1, 1))),
            "memory of integers": memoryview(np.array([3, 3])),
            "None in it": (3, None),
            "bool in it": (3, 3, True, 1),
            "array of floats": np.array([3.0, 3.0]),
            "array of arrays": np.ones((2, 2), int),
            "array of a number": np.array(3),
            "huge": (2**70, 3),
            "huge product": (2**40, 2**40),
            "huge channels": (3, 3, 2**40, 2**40),
            "5001 digits": (HUGE, 3),
            "raises in it": (Raises(), 3),
            "nan in it": (3, np.nan),
            "generator": (i for i in (3, 3)),
            "map": map(int, "33"),
            "units": with_units(2),
        }
    )
