"""Strange values that mean the same as plain ones, for `tests/test_bad_inputs.py`."""

import array
from decimal import Decimal
from fractions import Fraction

import numpy as np
from bad_values import torch
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator

FORMATS = "csr", "csc", "coo", "bsr", "dia", "lil", "dok"


class Frame:
    """As a DataFrame of pandas: no dtype, its .T and @ give frames, NumPy makes an array of it."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)

    def __matmul__(self, other):
        return Frame(self.values @ other)

    @property
    def shape(self):
        return self.values.shape

    @property
    def T(self):
        return Frame(self.values.T)


class Index:
    """An integer of its own class."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


def mapped(a, folder):
    """The array in a file."""
    path = folder / "array.bin"
    a.tofile(path)
    return np.memmap(path, a.dtype, "r", shape=a.shape)


def negative_strides(a):
    turned = np.ascontiguousarray(np.flip(a))
    return np.flip(turned)


def every_second(a):
    wide = np.zeros((2 * len(a), *a.shape[1:]))
    wide[::2] = a
    return wide[::2]


def read_only(a):
    a = a.copy()
    a.setflags(write=False)
    return a


def broadcast_of_one(a):
    """With strides of 0, where all its rows are equal, else itself."""
    return np.broadcast_to(a[:1], a.shape) if (a == a[:1]).all() else a


def misaligned(a):
    buffer = np.zeros(a.nbytes + 1, np.uint8)
    odd = buffer[1:].view(a.dtype).reshape(a.shape)
    odd[...] = a
    return odd


def nested(a):
    return tuple(map(nested, a)) if np.ndim(a) > 1 else tuple(map(np.float64, a))


def arrays(a, folder):
    """The same numbers, exactly."""
    same = {
        "list": a.tolist(),
        "tuples": nested(a),
        "list of arrays": list(a),
        "frame": Frame(a),
        "frame of lists": Frame(a.tolist()),
        "memmap": mapped(a, folder),
        "Fortran order": np.asfortranarray(a),
        "negative strides": negative_strides(a),
        "strides": every_second(a),
        "strides of 0": broadcast_of_one(a),
        "read-only": read_only(a),
        "big-endian": a.astype(">f8"),
        "little-endian": a.astype("<f8"),
        "longdouble": a.astype(np.longdouble),
        "misaligned": misaligned(a),
        "memoryview": memoryview(np.ascontiguousarray(a)),
        "no mask": np.ma.array(a),
        "mask of nothing": np.ma.array(a, mask=np.zeros(a.shape, bool)),
        "recarray": a.view(np.recarray),
        "list of 0-d arrays": [*map(np.array, a)] if a.ndim == 1 else a,
    }
    if a.ndim == 2:
        same["matrix"] = np.asmatrix(a)
    if a.ndim == 1:
        same["array.array"] = array.array("d", a)
    if torch is not None:
        same["tensor"] = torch.tensor(a)
        same["tensor in inference"] = torch.inference_mode()(torch.tensor)(a)
        same["strided tensor"] = torch.tensor(a.T).T if a.ndim == 2 else torch.tensor(a)
        same["list of tensors"] = list(torch.tensor(a))
    return same


def of_whole_numbers(a):
    """The same numbers in other types, for an a of small whole numbers."""
    types = ("int8", "uint8", "int64", "uint64", "float16", "float64", ">i4", ">f8")
    dense = {name: np.abs(a).astype(name) for name in types}
    in_scipy = {
        f"sparse {name}": sparse.csr_array(np.abs(a).astype(name))
        for name in ("int8", "uint8", "int64", "longdouble")
    }
    by_hand = {
        f"{kind} {name}": with_data_of(sparse.csr_array(np.abs(a)).asformat(kind), name)
        for kind in ("csr", "csc", "coo", "bsr", "dia")
        for name in ("float16", ">f8", "longdouble", "int8")
    }
    return dense | in_scipy | by_hand


def with_data_of(matrix, dtype):
    """The matrix with data of a type that SciPy would not have given it."""
    matrix.data = matrix.data.astype(dtype)
    return matrix


def with_duplicates(a):
    """Every entry stored in two halves, out of order."""
    rows, columns = np.indices(a.shape)
    order = np.random.default_rng(0).permutation(2 * a.size)
    data = np.concatenate([a.ravel() / 2, a.ravel() / 2])[order]
    places = np.tile(rows.ravel(), 2)[order], np.tile(columns.ravel(), 2)[order]
    return sparse.coo_array((data, places), shape=a.shape)


def csr_with_duplicates(a):
    m, n = a.shape
    data = np.concatenate([a / 2, a / 2], axis=1).ravel()
    indices = np.tile(np.arange(n)[::-1], 2 * m)
    data = np.concatenate([a[:, ::-1] / 2, a[:, ::-1] / 2], axis=1).ravel()
    return sparse.csr_array((data, indices, np.arange(m + 1) * 2 * n), shape=(m, n))


def with_zeros(a):
    """Zeros stored as well."""
    matrix = sparse.csr_array(np.ones(a.shape))
    matrix.data = a.ravel().copy()
    return matrix


def with_long_indices(a):
    m, n = a.shape
    indices = np.tile(np.arange(n, dtype=np.int64), m)
    return sparse.csr_array((a.ravel(), indices, np.arange(0, m * n + 1, n)), shape=(m, n))


def sparse_matrices(a):
    same = {name: sparse.csr_array(a).asformat(name) for name in FORMATS}
    same |= {f"{name} matrix": sparse.csr_matrix(a).asformat(name) for name in FORMATS}
    return same | {
        "longdouble": sparse.csr_array(a.astype(np.longdouble)),
        "duplicates": with_duplicates(a),
        "csr with duplicates": csr_with_duplicates(a),
        "stored zeros": with_zeros(a),
        "64-bit indices": with_long_indices(a),
    }


class Products:
    """A matrix for @ alone."""

    def __init__(self, a):
        self.a, self.shape, self.dtype = a, a.shape, a.dtype

    def __matmul__(self, x):
        return self.a @ x

    @property
    def T(self):
        return Products(self.a.T)


class Untyped:
    """The same without a dtype."""

    def __init__(self, a):
        self.a, self.shape = a, a.shape

    def __matmul__(self, x):
        return self.a @ x

    @property
    def T(self):
        return Untyped(self.a.T)


class OnlyTranspose(LinearOperator):
    """An operator whose .T is made by itself, without rmatvec."""

    def __init__(self, a):
        super().__init__(a.dtype, a.shape)
        self.a = a

    def _matvec(self, x):
        return self.a @ x

    def _transpose(self):
        return OnlyTranspose(self.a.T)


def operator(a, dtype):
    return LinearOperator(a.shape, matvec=a.dot, rmatvec=a.T.dot, dtype=dtype)


def of_lists(a):
    """Products as lists."""
    return LinearOperator(
        a.shape,
        matvec=lambda x: (a @ x).tolist(),
        rmatvec=lambda y: (a.T @ y).tolist(),
        dtype=a.dtype,
    )


def without_dtype(a):
    made = aslinearoperator(a)
    made.dtype = None
    return made


def operators(a):
    return {
        "operator": aslinearoperator(a),
        "operator of integers": operator(a, np.int64),
        "operator of bools": operator(a, bool),
        "operator of float16": operator(a, np.float16),
        "operator of longdouble": aslinearoperator(a.astype(np.longdouble)),
        "operator of big-endian": aslinearoperator(a.astype(">f8")),
        "operator without dtype": without_dtype(a),
        "operator of an unknown dtype": operator(a, None),
        "operator of a sparse one": aslinearoperator(sparse.csr_array(a)),
        "operator with lists": of_lists(a),
        "operator with .T alone": OnlyTranspose(a),
        "products": Products(a),
        "products of longdouble": Products(a.astype(np.longdouble)),
        "products without dtype": Untyped(a),
        "transpose of a transpose": aslinearoperator(a).T.T,
    }


def numbers(value):
    """The same positive number, a small dyadic fraction."""
    exact = Fraction(value)
    same = {
        "float16": np.float16(value),
        "float32": np.float32(value),
        "float64": np.float64(value),
        "longdouble": np.longdouble(value),
        "fraction": exact,
        "decimal": Decimal(value),
        "array": np.array(value),
        "array of float32": np.array(value, np.float32),
        "big-endian array": np.array(value, ">f8"),
        "frame": Frame(np.array(value)),
        "no mask": np.ma.array(value),
    }
    if torch is not None:
        same["tensor"] = torch.tensor(value)
        same["tensor of float32"] = torch.tensor(value, dtype=torch.float32)
    if exact.denominator == 1:
        whole = int(exact)
        same |= {"int": whole, "int8": np.int8(whole), "uint64": np.uint64(whole)}
    return same


def integers(value):
    same = {
        "int16": np.int16(value),
        "uint64": np.uint64(value),
        "array": np.array(value),
        "big-endian array": np.array(value, ">i8"),
        "index": Index(value),
    }
    if torch is not None:
        same["tensor"] = torch.tensor(value)
    return same


def flags(value):
    same = {"int": int(value), "NumPy's": np.bool_(value), "array": np.array(value)}
    same |= {"NumPy's int": np.int64(value)}
    if torch is not None:
        same["tensor"] = torch.tensor(value)
    return same
