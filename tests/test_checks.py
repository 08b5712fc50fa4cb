"""Bad input of every public function: the error's type, and a message that begins with the
argument's name.
"""

from functools import partial

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from convreg import (
    ConvolutionOperator,
    SingularTriplet,
    conv_matrix,
    conv_matrix_adjoint,
    convolve,
    entry_positions,
    extreme_singular_values,
    kernel_gradient,
    kernel_gradient_index_sum,
    leading_triplets,
    matlab_rand,
    minimize_penalty,
    penalty,
    penalty_gradient,
    penalty_matrix_gradient,
    power_update,
    shifted_gram,
    singular_value_bounds,
    singular_value_gradient,
    unvec,
    vec,
)
from convreg._checks import as_floats, as_kernel, shown
from convreg._matrices import as_matrix

K = np.ones((3, 3, 2, 1))
x, y = np.ones(8), np.ones(4)  # N = 2
TRIPLET = SingularTriplet(1.0, np.ones(2), np.ones(2))

TAKES_A_KERNEL = {
    "convolve": lambda K: convolve(K, np.ones((2, 2, 2))),
    "conv_matrix": lambda K: conv_matrix(K, 2),
    "ConvolutionOperator": lambda K: ConvolutionOperator(K, 2),
    "kernel_gradient": lambda K: kernel_gradient(K, 2, x, x),
    "kernel_gradient_index_sum": lambda K: kernel_gradient_index_sum(K, 2, x, x),
    "penalty": lambda K: penalty(K, 2),
    "penalty_gradient": lambda K: penalty_gradient(K, 2),
    "extreme_singular_values": lambda K: extreme_singular_values(K, 2),
    "minimize_penalty": lambda K: minimize_penalty(K, 2),
}
BAD_KERNELS = [
    (ValueError, 1.0),
    (ValueError, np.ones(3)),
    (ValueError, np.ones((3, 3, 2))),
    (ValueError, np.ones((3, 3, 2, 1, 1))),
    (ValueError, np.ones((0, 0))),
    (ValueError, np.ones((3, 3, 0, 1))),
    (ValueError, np.ones((3, 3, 1, 0))),
    (ValueError, [[np.nan]]),
    (ValueError, [[np.inf]]),
    (ValueError, np.full((3, 3, 2, 1), -np.inf)),
    (TypeError, [[1j]]),
    (TypeError, [["1"]]),
    (TypeError, None),
    (TypeError, csr_array(np.eye(3))),
    (ValueError, [[1, 2], [3]]),
]


@pytest.mark.parametrize("name", TAKES_A_KERNEL)
@pytest.mark.parametrize(("error", "bad"), BAD_KERNELS)
def test_kernels(name, error, bad):
    with pytest.raises(error, match=r"^K: wanted .*, got "):
        TAKES_A_KERNEL[name](bad)


def test_what_a_kernel_has_to_be_is_said():
    with pytest.raises(
        ValueError, match=r"K: wanted the shape \(k1, k2, g, h\) or \(k1, k2\).*got \(3, 2, 1\)"
    ):
        conv_matrix(np.ones((3, 2, 1)), 2)


TAKES_A_SIZE = {
    "unvec": lambda N: unvec(x, N),
    "conv_matrix": lambda N: conv_matrix(K, N),
    "entry_positions": lambda N: entry_positions((3, 3), N, 0, 0),
    "conv_matrix_adjoint": lambda N: conv_matrix_adjoint(np.eye(4), (3, 3), N),
    "ConvolutionOperator": lambda N: ConvolutionOperator(K, N),
    "kernel_gradient": lambda N: kernel_gradient(K, N, x, x),
    "kernel_gradient_index_sum": lambda N: kernel_gradient_index_sum(K, N, x, x),
    "penalty": lambda N: penalty(K, N),
    "penalty_gradient": lambda N: penalty_gradient(K, N),
    "extreme_singular_values": lambda N: extreme_singular_values(K, N),
    "minimize_penalty": lambda N: minimize_penalty(K, N),
}


@pytest.mark.parametrize("name", TAKES_A_SIZE)
@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, 0),
        (ValueError, -1),
        (TypeError, 2.0),
        (TypeError, "2"),
        (TypeError, None),
        (TypeError, True),
        (TypeError, np.array([2])),
        (TypeError, np.array(2.0)),
        (TypeError, np.array([2, 3])),
    ],
)
def test_sizes(name, error, bad):
    with pytest.raises(error, match=r"^N: wanted an integer of at least 1, got "):
        TAKES_A_SIZE[name](bad)


@pytest.mark.parametrize("N", [2, np.int32(2), np.array(2)])
@pytest.mark.parametrize("name", TAKES_A_SIZE)
def test_any_integer_is_a_size(name, N):
    assert TAKES_A_SIZE[name](N) is not None


TAKES_ALPHA = {
    "shifted_gram": lambda alpha: shifted_gram(np.eye(2), alpha),
    "penalty": lambda alpha: penalty(K, 2, alpha),
    "penalty_gradient": lambda alpha: penalty_gradient(K, 2, alpha),
    "singular_value_bounds": lambda alpha: singular_value_bounds(alpha, 0.5),
    "minimize_penalty": lambda alpha: minimize_penalty(K, 2, alpha),
}
BAD_POSITIVE = [
    (ValueError, 0),
    (ValueError, 0.0),
    (ValueError, -1.0),
    (ValueError, np.nan),
    (ValueError, np.inf),
    (TypeError, "1"),
    (TypeError, None),
    (TypeError, True),
    (TypeError, np.True_),
    (TypeError, 1j),
    (TypeError, [1.0]),
    (TypeError, np.ones(1)),
    (TypeError, np.array("1")),
]


@pytest.mark.parametrize("name", TAKES_ALPHA)
@pytest.mark.parametrize(("error", "bad"), BAD_POSITIVE)
def test_alpha(name, error, bad):
    with pytest.raises(error, match=r"^alpha: wanted a positive finite number, got "):
        TAKES_ALPHA[name](bad)


@pytest.mark.parametrize("name", TAKES_ALPHA)
@pytest.mark.parametrize("alpha", [1, np.float32(0.5), np.int64(2), np.array(1.5), 1e-300])
def test_any_positive_number_is_an_alpha(name, alpha):
    assert TAKES_ALPHA[name](alpha) is not None


TAKES_GRAM = {
    "shifted_gram": lambda gram: shifted_gram(np.eye(2), 1.0, gram),
    "kernel_gradient": lambda gram: kernel_gradient(K, 2, x, x, gram),
    "penalty": lambda gram: penalty(K, 2, 1.0, gram),
    "penalty_gradient": lambda gram: penalty_gradient(K, 2, 1.0, gram),
    "minimize_penalty": lambda gram: minimize_penalty(K, 2, gram=gram),
}


@pytest.mark.parametrize("name", TAKES_GRAM)
@pytest.mark.parametrize("bad", ["column", "", "COLUMNS", None, 1])
def test_gram(name, bad):
    with pytest.raises(
        ValueError, match=r"^gram: wanted one of 'columns', 'rows', 'smaller', got "
    ):
        TAKES_GRAM[name](bad)


@pytest.mark.parametrize(
    ("error", "kernel", "bad"),
    [
        (ValueError, K, np.ones((2, 2, 1))),
        (ValueError, K, np.ones((2, 2, 3))),
        (ValueError, K, np.ones((2, 2))),
        (ValueError, K, np.ones((2, 2, 2, 1))),
        (ValueError, K, np.ones((0, 0, 2))),
        (ValueError, K, 1.0),
        (ValueError, K[:, :, :1], np.ones((2, 2))),
        (ValueError, np.ones((3, 3)), np.ones((0, 0))),
        (ValueError, np.ones((3, 3)), np.ones(4)),
        (TypeError, K, np.ones((2, 2, 2), complex)),
        (TypeError, K, None),
        (TypeError, K, "image"),
        (ValueError, K, [[1, 2], [3]]),
    ],
)
def test_images(error, kernel, bad):
    with pytest.raises(error, match=r"^X: wanted .*, got "):
        convolve(kernel, bad)


def test_what_an_image_has_to_be_is_said():
    with pytest.raises(
        ValueError, match=r"^X: wanted the shape \(H, W, 2\), .* \(3, 3, 2, 1\), got \(5, 5, 1\)$"
    ):
        convolve(K, np.ones((5, 5, 1)))


@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, 1.0),
        (ValueError, np.ones(4)),
        (ValueError, np.ones((2, 2, 1, 1))),
        (ValueError, np.ones((0, 0))),
        (ValueError, np.ones((2, 2, 0))),
        (TypeError, [[1j]]),
        (TypeError, [["a"]]),
        (TypeError, None),
        (ValueError, [[1, 2], [3]]),
    ],
)
def test_vec(error, bad):
    with pytest.raises(error, match=r"^X: wanted .*, got "):
        vec(bad)


@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, 1.0),
        (ValueError, np.ones(3)),
        (ValueError, np.ones(6)),
        (ValueError, np.ones((4, 1))),
        (ValueError, []),
        (TypeError, [1j] * 4),
        (TypeError, "abcd"),
        (TypeError, None),
    ],
)
def test_unvec(error, bad):
    with pytest.raises(error, match=r"^x: wanted .*, got "):
        unvec(bad, 2)


TAKES_A_SHAPE = {
    "entry_positions": lambda shape: entry_positions(shape, 2, 0, 0),
    "conv_matrix_adjoint": lambda shape: conv_matrix_adjoint(np.eye(4), shape, 2),
}


@pytest.mark.parametrize("name", TAKES_A_SHAPE)
@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, ()),
        (ValueError, (3,)),
        (ValueError, (3, 3, 1)),
        (ValueError, (3, 3, 1, 1, 1)),
        (ValueError, (0, 0)),
        (ValueError, (3, 3, 0, 1)),
        (ValueError, (3, 3, 1, -1)),
        (TypeError, (3.0, 3.0)),
        (TypeError, ("3", "3")),
        (TypeError, (3, 3, None, 1)),
        (TypeError, (3, 3, True, 1)),
        (TypeError, 3),
        (TypeError, None),
        (TypeError, "33"),
    ],
)
def test_kernel_shapes(name, error, bad):
    with pytest.raises(error, match=r"^shape: wanted .*, got "):
        TAKES_A_SHAPE[name](bad)


@pytest.mark.parametrize("name", TAKES_A_SHAPE)
@pytest.mark.parametrize("shape", [(3, 3), [3, 3], (3, 3, 1, 1), np.array([3, 3, 1, 1])])
def test_any_sequence_is_a_shape(name, shape):
    assert len(TAKES_A_SHAPE[name](shape)) in (2, 3)


@pytest.mark.parametrize("argument", ["p", "q", "z", "y"])
@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, -1),
        (ValueError, "size"),
        (TypeError, 0.0),
        (TypeError, None),
        (TypeError, True),
    ],
)
def test_indices(argument, error, bad):
    """Every index is checked against its own size."""
    sizes = {"p": 3, "q": 3, "z": 2, "y": 4}
    indices = dict.fromkeys(sizes, 0)
    last = sizes[argument] - 1
    entry_positions((3, 3, 2, 4), 5, **(indices | {argument: last}))
    bad = sizes[argument] if bad == "size" else bad
    with pytest.raises(error, match=f"^{argument}: wanted an integer from 0 to {last}, got "):
        entry_positions((3, 3, 2, 4), 5, **(indices | {argument: bad}))


@pytest.mark.parametrize(
    "bad", [np.ones((4, 4)), np.ones((8, 4)), np.ones(32), csr_array(np.ones((4, 4))), 1.0]
)
def test_matrix_gradients(bad):
    with pytest.raises(ValueError, match=r"^G: wanted the shape \(4, 8\), got "):
        conv_matrix_adjoint(bad, (3, 3, 2, 1), 2)


@pytest.mark.parametrize("bad", [1j * np.eye(4), csr_array(1j * np.eye(4)), [["a"] * 4] * 4])
def test_matrix_gradients_that_are_not_real(bad):
    with pytest.raises(TypeError, match=r"^G: wanted .* real numbers, got "):
        conv_matrix_adjoint(bad, (3, 3), 2)


TAKES_A_MATRIX = {
    "penalty_matrix_gradient": ("M", lambda M: penalty_matrix_gradient(M, [1.0], [1.0])),
    "shifted_gram": ("M", shifted_gram),
    "leading_triplets": ("A", lambda A: leading_triplets(A, 1)),
    "power_update": (
        "A",
        lambda A: power_update(A, [SingularTriplet(1.0, np.ones(1), np.ones(1))]),
    ),
}


@pytest.mark.parametrize("name", TAKES_A_MATRIX)
@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, 1.0),
        (ValueError, [1.0]),
        (ValueError, np.ones(1)),
        (ValueError, np.ones((1, 1, 1))),
        (ValueError, np.ones((0, 1))),
        (ValueError, np.ones((1, 0))),
        (ValueError, [[1.0], [1.0, 2.0]]),
        (TypeError, [["a"]]),
        (TypeError, [[1j]]),
        (TypeError, np.array([[1j]])),
        (TypeError, csr_array([[1j]])),
        (TypeError, aslinearoperator(np.array([[1j]]))),
        (TypeError, None),
    ],
)
def test_matrices(name, error, bad):
    argument, call = TAKES_A_MATRIX[name]
    with pytest.raises(error, match=f"^{argument}: wanted .*, got "):
        call(bad)


@pytest.mark.parametrize("name", TAKES_A_MATRIX)
@pytest.mark.parametrize(
    "kind", [np.asarray, np.ndarray.tolist, csr_array, coo_array, aslinearoperator]
)
def test_every_kind_of_matrix(name, kind):
    for dtype in (float, int, np.float32):
        assert TAKES_A_MATRIX[name][1](kind(np.ones((1, 1), dtype))) is not None


@pytest.mark.parametrize("argument", ["u", "v"])
@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, np.ones(7)),
        (ValueError, np.ones(9)),
        (ValueError, np.ones((8, 1))),
        (ValueError, 1.0),
        (ValueError, []),
        (TypeError, np.ones(8, complex)),
        (TypeError, None),
        (TypeError, "abc"),
    ],
)
def test_singular_vectors(argument, error, bad):
    pair = {"u": x, "v": x} | {argument: bad}
    for gradient in (
        partial(kernel_gradient, K, 2),
        partial(kernel_gradient_index_sum, K, 2),
        partial(penalty_matrix_gradient, np.ones((4, 8))),
    ):
        with pytest.raises(
            error, match=f"^{argument}: wanted .*8|^{argument}: wanted an array of real numbers"
        ):
            gradient(**pair)


@pytest.mark.parametrize("gram", ["rows", "smaller"])
@pytest.mark.parametrize("argument", ["u", "v"])
def test_singular_vectors_of_rows(gram, argument):
    kernel_gradient(K, 2, y, y, gram)
    with pytest.raises(
        ValueError, match=f"^{argument}: wanted a vector of length 4, got the shape "
    ):
        kernel_gradient(K, 2, **({"u": y, "v": y} | {argument: x}), gram=gram)


@pytest.mark.parametrize("argument", ["u", "v"])
@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, np.ones((2, 2))),
        (ValueError, 1.0),
        (TypeError, [1j]),
        (TypeError, None),
        (TypeError, "a"),
    ],
)
def test_vectors_of_lemma_2_1(argument, error, bad):
    with pytest.raises(error, match=f"^{argument}: wanted "):
        singular_value_gradient(**({"u": x, "v": y} | {argument: bad}))


@pytest.mark.parametrize(("error", "bad"), [*BAD_POSITIVE, (ValueError, 1.0001), (ValueError, 2)])
def test_t(error, bad):
    with pytest.raises(error, match=r"^t: wanted .*, got "):
        singular_value_bounds(1.0, bad)


@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, 0),
        (ValueError, 3),
        (ValueError, -1),
        (TypeError, 1.0),
        (TypeError, None),
        (TypeError, True),
    ],
)
def test_count(error, bad):
    for A in (np.ones((2, 5)), np.ones((5, 2)), csr_array(np.ones((2, 5)))):
        with pytest.raises(error, match=r"^count: wanted an integer from 1 to 2, got "):
            leading_triplets(A, bad)


def test_two_triplets_of_one_singular_value():
    with pytest.raises(ValueError, match=r"^count: wanted an integer from 1 to 1, got 2"):
        leading_triplets([[1.0]])


@pytest.mark.parametrize("bad", [[], ()])
def test_triplets(bad):
    with pytest.raises(
        ValueError, match=r"^triplets: wanted at least one SingularTriplet, got none"
    ):
        power_update(np.eye(2), bad)


@pytest.mark.parametrize(
    ("error", "bad"), [(ValueError, -1), (TypeError, 1.0), (TypeError, None), (TypeError, True)]
)
@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("iterations", lambda n: power_update(np.eye(2), [TRIPLET], n)),
        ("iterations", lambda n: minimize_penalty(K, 2, iterations=n)),
        ("power_iterations", lambda n: minimize_penalty(K, 2, power_iterations=n)),
    ],
)
def test_iterations(argument, call, error, bad):
    call(0)
    with pytest.raises(error, match=f"^{argument}: wanted an integer of at least 0, got "):
        call(bad)


@pytest.mark.parametrize(("error", "bad"), BAD_POSITIVE)
def test_learning_rate(error, bad):
    with pytest.raises(error, match=r"^learning_rate: wanted a positive finite number, got "):
        minimize_penalty(K, 2, learning_rate=bad)


@pytest.mark.parametrize(("error", "bad"), BAD_POSITIVE[2:])
def test_tolerance(error, bad):
    with pytest.raises(error, match=r"^tolerance: wanted a finite number of at least 0, got "):
        minimize_penalty(K, 2, tolerance=bad)


@pytest.mark.parametrize("bad", ["powers", "", None, 1])
def test_update(bad):
    with pytest.raises(ValueError, match=r"^update: wanted one of 'power', 'svd', got "):
        minimize_penalty(K, 2, update=bad)


@pytest.mark.parametrize("bad", [1, "print", True])
def test_callback(bad):
    with pytest.raises(TypeError, match=r"^callback: wanted a function or None, got "):
        minimize_penalty(K, 2, callback=bad)


@pytest.mark.parametrize(
    ("error", "bad"),
    [(ValueError, -1), (TypeError, 1.5), (TypeError, "3"), (TypeError, None), (TypeError, (2, 2))],
)
def test_sizes_of_matlab_rand(error, bad):
    with pytest.raises(error, match=r"^shape: wanted an integer of at least 0, got "):
        matlab_rand(3, bad)


@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, -1),
        (ValueError, 2**32),
        (TypeError, 1.0),
        (TypeError, "1"),
        (TypeError, None),
        (TypeError, True),
    ],
)
def test_state(error, bad):
    with pytest.raises(error, match=r"^state: wanted an integer from 0 to 4294967295, got "):
        matlab_rand(2, state=bad)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.bool_])
@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_narrow_types_become_float64(dtype, kind):
    A = kind(np.eye(4, dtype=dtype))
    given = (
        shifted_gram(A).dtype,
        leading_triplets(A)[0].sigma.dtype,
        conv_matrix_adjoint(A, (3, 3), 2).dtype,
    )
    assert set(given) == {np.dtype(np.float64)}


# the geometry

GEOMETRIC = {
    "convolve": lambda **words: convolve(K, np.ones((4, 4, 2)), **words),
    "conv_matrix": lambda **words: conv_matrix(K, 4, **words),
    "ConvolutionOperator": lambda **words: ConvolutionOperator(K, 4, **words),
    "entry_positions": lambda **words: entry_positions(K.shape, 4, 0, 0, **words),
    "conv_matrix_adjoint": lambda **words: conv_matrix_adjoint(
        conv_matrix(K, 4, **words), K.shape, 4, **words
    ),
    "kernel_gradient": lambda **words: kernel_gradient(K, 4, z, z, **words),
    "kernel_gradient_index_sum": lambda **words: kernel_gradient_index_sum(K, 4, z, z, **words),
    "penalty": lambda **words: penalty(K, 4, **words),
    "penalty_gradient": lambda **words: penalty_gradient(K, 4, **words),
    "extreme_singular_values": lambda **words: extreme_singular_values(K, 4, **words),
    "minimize_penalty": lambda **words: minimize_penalty(K, 4, iterations=1, **words),
}
z = np.ones(32)


@pytest.mark.parametrize("name", GEOMETRIC)
@pytest.mark.parametrize("argument", ["stride", "dilation"])
@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, 0),
        (ValueError, -1),
        (ValueError, (1, 0)),
        (TypeError, 2.0),
        (TypeError, True),
        (TypeError, "2"),
        (TypeError, None),
        (TypeError, (1, None)),
        (TypeError, np.array([1, 2])),
    ],
)
def test_strides_and_dilations(name, argument, error, bad):
    with pytest.raises(error, match=f"^{argument}: wanted an integer of at least 1, got "):
        GEOMETRIC[name](**{argument: bad})


@pytest.mark.parametrize("name", GEOMETRIC)
@pytest.mark.parametrize("argument", ["stride", "dilation", "padding"])
@pytest.mark.parametrize("bad", [(1,), (), (1, 1, 1), [1, 1, 1]])
def test_pairs_have_two_entries(name, argument, bad):
    with pytest.raises(ValueError, match=f"^{argument}: wanted one value, or two .*, got "):
        GEOMETRIC[name](**{argument: bad})


@pytest.mark.parametrize("name", GEOMETRIC)
@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, "reflect"),
        (ValueError, "SAME"),
        (ValueError, ""),
        (ValueError, -1),
        (ValueError, (0, -1)),
        (ValueError, ("same", "full")),
        (TypeError, True),
        (TypeError, 1.0),
        (TypeError, None),
        (TypeError, (1, None)),
        (TypeError, ((1, 1), (1, 1))),
        (TypeError, np.array([1, 1])),
    ],
)
def test_paddings(name, error, bad):
    wanted = "one of 'same', 'valid', 'circular', or an integer of at least 0"
    with pytest.raises(error, match=f"^padding: wanted {wanted}, got "):
        GEOMETRIC[name](padding=bad)


@pytest.mark.parametrize("name", GEOMETRIC)
@pytest.mark.parametrize("padding", ["valid", 0, ("same", "valid"), ("valid", "same"), (1, 0)])
def test_a_kernel_larger_than_the_padded_image(name, padding):
    GEOMETRIC[name](padding=padding)  # 3 taps fit into 4 pixels, and 2 apart they do not
    wanted = "^padding: wanted one with which the kernel fits into the image, "
    got = r"3 taps of dilation 3 into 4 pixels, got ('valid'|0|1)$"
    with pytest.raises(ValueError, match=wanted + got):
        GEOMETRIC[name](padding=padding, dilation=3)


@pytest.mark.parametrize("name", GEOMETRIC)
@pytest.mark.parametrize(
    "words", [{"stride": [1, 1]}, {"padding": np.int64(1)}, {"dilation": (np.int8(1), 2)}]
)
def test_pairs_may_be_lists_and_integers_of_any_type(name, words):
    assert GEOMETRIC[name](**words) is not None


@pytest.mark.parametrize("name", TAKES_A_SIZE)
@pytest.mark.parametrize("bad", [(2,), (2, 2, 2), []])
def test_sizes_are_one_or_two(name, bad):
    with pytest.raises(ValueError, match=r"^N: wanted one value, or two .*, got "):
        TAKES_A_SIZE[name](bad)


@pytest.mark.parametrize("name", TAKES_A_SIZE)
@pytest.mark.parametrize(("error", "bad"), [(ValueError, (2, 0)), (TypeError, (2.0, 2))])
def test_both_sizes_are_positive_integers(name, error, bad):
    with pytest.raises(error, match=r"^N: wanted an integer of at least 1, got "):
        TAKES_A_SIZE[name](bad)


@pytest.mark.parametrize("name", GEOMETRIC)
def test_the_words_of_a_geometry_are_keywords(name):
    """A position keeps the meaning that it has in the paper's case."""
    calls = {
        "convolve": lambda: convolve(K, np.ones((4, 4, 2)), 2),
        "conv_matrix": lambda: conv_matrix(K, 4, 2),
        "ConvolutionOperator": lambda: ConvolutionOperator(K, 4, 2),
        "entry_positions": lambda: entry_positions(K.shape, 4, 0, 0, 0, 0, 2),
        "conv_matrix_adjoint": lambda: conv_matrix_adjoint(np.eye(2), K.shape, 4, 2),
        "kernel_gradient": lambda: kernel_gradient(K, 4, z, z, "columns", 2),
        "kernel_gradient_index_sum": lambda: kernel_gradient_index_sum(K, 4, z, z, 2),
        "penalty": lambda: penalty(K, 4, 1.0, "columns", 0.0, None, False, 2),
        "penalty_gradient": lambda: penalty_gradient(K, 4, 1.0, "columns", 0.0, None, False, 2),
        "extreme_singular_values": lambda: extreme_singular_values(K, 4, 2),
        "minimize_penalty": lambda: minimize_penalty(
            K, 4, 1.0, 0.01, 1, 2, "power", "columns", 0.0, True, None, 2
        ),
    }
    with pytest.raises(TypeError, match="positional"):
        calls[name]()


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [
        ("f4", np.float32),
        (">f4", np.float32),
        ("<f4", np.float32),
        ("f2", np.float64),
        ("f8", np.float64),
        (">f8", np.float64),
        ("g", np.float64),
        ("i1", np.float64),
        ("u8", np.float64),
        ("?", np.float64),
    ],
)
def test_floats_of_every_type(dtype, wanted):
    numbers = np.array([[0.0, 1.0], [1.0, 1.0]]).astype(dtype)
    for found in (as_floats("X", numbers), as_matrix("A", numbers), as_kernel(numbers)[:, :, 0, 0]):
        assert found.dtype == wanted
        assert found.dtype.isnative
        assert type(found) is np.ndarray
        assert np.array_equal(found, [[0, 1], [1, 1]])


def test_floats_are_not_copied_and_not_changed():
    numbers = np.ones((2, 2))
    assert as_floats("X", numbers) is numbers
    assert as_matrix("A", numbers) is numbers
    matrix = csr_array(numbers)
    assert as_matrix("A", matrix) is matrix
    twice = coo_array((np.ones(2), ([0, 0], [0, 0])), shape=(1, 1))
    assert as_matrix("A", twice).data == [2]
    assert twice.data.tolist() == [1, 1]
    twice = csr_array((np.ones(2), [0, 0], [0, 2]), shape=(1, 1))
    assert as_matrix("A", twice).data == [2]
    assert twice.data.tolist() == [1, 1]


def test_products_of_an_operator():
    """Complex vectors and NaN go through; a single vector stays one; precision is the larger."""
    A = np.array([[1.0, 2.0], [3.0, 5.0], [0.0, 1.0]])
    M = as_matrix("M", aslinearoperator(A))
    z = np.array([1.0 + 2.0j, 3.0])
    assert np.array_equal(M @ z, A @ z)
    assert np.array_equal(M @ np.array([np.nan, 1.0]), [np.nan] * 3, equal_nan=True)
    assert (M @ np.ones(2)).shape == (3,)
    assert (M @ np.ones((2, 4))).shape == (3, 4)
    assert np.array_equal(M.T @ np.eye(3), A.T)
    assert np.array_equal(M.H @ np.eye(3), A.T)
    single = as_matrix("M", aslinearoperator(A.astype(np.float32)))
    assert single.dtype == np.float32
    assert (single @ np.ones(2, np.float32)).dtype == np.float32
    assert (single @ np.ones(2)).dtype == np.float64


def test_an_operator_that_is_its_own_transpose_stays_one():
    B = shifted_gram(np.diag([3.0, 1.0]), 2.0)
    found = as_matrix("A", B)
    assert found.T is found
    assert found.lowest == -2.0
    other = as_matrix("A", aslinearoperator(np.eye(2)))
    assert other.T is not other
    assert not hasattr(other, "lowest")


def test_what_a_product_raises_of_its_own_goes_through():
    def product(x):
        raise ZeroDivisionError("its own")

    A = LinearOperator((2, 2), matvec=product, rmatvec=product, dtype=float)
    with pytest.raises(ZeroDivisionError, match="its own"):
        power_update(A, [TRIPLET])


def test_the_operator_inside_is_named():
    """Where M lacks M', the product with M'M - alpha I says so of M."""
    M = LinearOperator((2, 2), matvec=lambda x: x, dtype=float)
    for use in (lambda: shifted_gram(M) @ np.ones(2), lambda: leading_triplets(shifted_gram(M))):
        with pytest.raises(TypeError, match=r"^M: wanted an operator with the products "):
            use()


@pytest.mark.parametrize("number", [2**63, 2**70, 10**5000], ids=["2^63", "2^70", "10^5000"])
def test_the_largest_integer_is_said(number):
    with pytest.raises(ValueError, match=r"^iterations: .* at least 0 and below 2\^63, got "):
        minimize_penalty(K, 2, iterations=number)


@pytest.mark.parametrize(
    ("N", "options", "argument"),
    [
        (2**40, {}, "N"),
        ((2**40, 1), {}, "N"),
        (2**18, {"stride": 2**10}, "N"),
        (4, {"padding": 2**31}, "padding"),
        (4, {"padding": 2**40}, "padding"),
        (4, {"dilation": 2**40}, "dilation"),
        (4, {"dilation": 2**62, "padding": "circular"}, "dilation"),
    ],
)
def test_sizes_that_no_memory_holds(N, options, argument):
    """Before anything is allocated."""
    for call in (ConvolutionOperator, conv_matrix, partial(penalty, alpha=2.0)):
        with pytest.raises(ValueError, match=f"^{argument}: wanted .* at most 68,719,476,736 "):
            call(K, N, **options)


@pytest.mark.parametrize("stride", [2**40, 2**62])
def test_a_stride_beyond_the_image_gives_one_output(stride):
    assert conv_matrix(K, 4, stride=stride).shape == (1, 32)


@pytest.mark.parametrize("size", [2**37, (2**20, 2**20)])
def test_numbers_that_no_memory_holds(size):
    sizes = size if isinstance(size, tuple) else (size,)
    with pytest.raises(ValueError, match=r"^shape: wanted at most "):
        matlab_rand(*sizes)


def test_sums_that_overflow_are_refused():
    large = np.full((5, 5), 1e308)
    with pytest.raises(ValueError, match=r"^K: wanted "):
        convolve(large, np.ones((4, 4)))
    with pytest.raises(ValueError, match=r"^K: wanted "):
        conv_matrix(large, 2, padding="circular")
    with pytest.raises(ValueError, match=r"^G: wanted "):
        conv_matrix_adjoint(np.full((4, 4), 1e308), (3, 3), 2)
    with pytest.raises(ValueError, match=r"^G: wanted "):
        conv_matrix_adjoint(np.full((4, 4), 3e38, np.float32), (3, 3), 2)


@pytest.mark.parametrize(
    ("error", "argument", "X", "Y"),
    [
        (ValueError, "X", np.ones((7, 1)), np.ones((4, 1))),
        (ValueError, "X", np.ones((8, 2)), np.ones((4, 1))),
        (ValueError, "Y", np.ones((8, 1)), np.ones((5, 1))),
        (ValueError, "X", x, y),
        (TypeError, "X", None, np.ones((4, 1))),
        (TypeError, "Y", np.ones((8, 1)), [[1.0]] * 4),
        (TypeError, "Y", np.ones((8, 1)), np.ones((4, 1), complex)),
    ],
)
def test_blocks_of_the_chain_rule(error, argument, X, Y):
    M = ConvolutionOperator(K, 2)
    assert M.kernel_adjoint(np.ones((8, 1)), np.ones((4, 1))).shape == K.shape
    with pytest.raises(error, match=f"^{argument}: wanted "):
        M.kernel_adjoint(X, Y)


def test_whatever_came_can_be_shown():
    class Silent:
        def __repr__(self):
            raise ZeroDivisionError

    assert shown(Silent()) == "one of Silent that cannot be printed"
    assert shown(10**5000) == "one of int that cannot be printed"
    assert shown(np.ones((2, 3))) == "ndarray of shape (2, 3)"
    assert shown("x" * 500) == "'" + "x" * 199 + " ..."


@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ValueError, np.ones(7)),
        (ValueError, np.ones((4, 8))),
        (TypeError, np.ones(8, object)),
        (TypeError, np.full(8, "1")),
        (TypeError, np.ones(8, "m8[s]")),
    ],
)
def test_vectors_that_an_operator_does_not_take(error, bad):
    M = ConvolutionOperator(K, 2)
    for use in (lambda: M @ bad, lambda: M.matvec(bad), lambda: M.matmat(bad)):
        with pytest.raises(error, match=r"^x: wanted "):
            use()
    assert (M @ np.ones((8, 3))).shape == (4, 3)
    assert (M.T @ np.ones(4)).shape == (8,)
    assert (M.H @ (1j * np.ones(4))).dtype == complex
    assert (M @ M.T).shape == (4, 4)
