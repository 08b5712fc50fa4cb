"""A good call of each public function, and of which kind each argument is.

A call that gives something of use later, such as an operator, uses it.
"""

from typing import Any, NamedTuple

import bad_values as bad
import numpy as np

import convreg
from convreg import SingularTriplet, examples, forms, geometry, symbol, verify, winding
from convreg.studies import alternatives, barrier, kinks, periodic, polar, tradeoff
from convreg.studies import symbol as symbol_bounds

K = np.random.default_rng(0).standard_normal((3, 3, 2, 2)).round(3)
N = 3
ONE = K[:, :, 0, 0]  # one channel
n = 2 * N * N
x, y = np.linspace(-1, 1, n), np.linspace(2, 1, n)
A = np.array([[2.0, 1.0], [0.5, -1.0], [0.0, 3.0]])
S = np.array([[2.0, 1.0], [1.0, 5.0]])
TRIPLET = SingularTriplet(1.0, np.array([0.6, 0.8, 0.0]), np.array([0.6, 0.8]))
GEOMETRY = {"stride": 1, "dilation": 1, "padding": "same"}
GEOMETRY_KINDS = {
    "stride": bad.pairs_from(1),
    "dilation": bad.pairs_from(1),
    "padding": bad.paddings,
}


class Call(NamedTuple):
    """A function, arguments that it takes, and the kinds of bad ones."""

    function: Any
    good: dict[str, Any]
    kinds: dict[str, Any]


def product(M):
    """What an operator gives."""
    return M @ np.eye(M.shape[1]), M.T @ np.eye(M.shape[0])


def operator(**arguments):
    return product(convreg.ConvolutionOperator(**arguments))


def gram_operator(**arguments):
    return product(convreg.shifted_gram(**arguments))


def rand(shape, state):
    return convreg.matlab_rand(shape, state=state)


KERNEL = {"K": bad.kernels}
SQUARE_IMAGES = {
    "K": bad.kernels,
    "N": lambda good: bad.integers_from(1)(good) | {"2^40": 2**40},
}
ANGLES = dict.fromkeys(("theta_1", "theta_2"), bad.finite_of_any_shape)
OF_KERNEL = {"K": bad.kernels, "N": bad.sizes}
OF_PENALTY = {
    **OF_KERNEL,
    "alpha": bad.positive,
    "gram": bad.words,
    "tolerance": bad.not_negative,
    "start": bad.one_start_of(n),
    "full_output": bad.flags,
    **GEOMETRY_KINDS,
}
CALLS = {
    "convolve": Call(
        convreg.convolve,
        {"K": K, "X": x.reshape(N, N, 2), **GEOMETRY},
        {**KERNEL, "X": bad.arrays, **GEOMETRY_KINDS},
    ),
    "vec": Call(
        convreg.vec,
        {"X": x.reshape(N, N, 2)},
        {"X": bad.arrays},
    ),
    "unvec": Call(convreg.unvec, {"x": x, "N": N}, {"x": bad.arrays, "N": bad.sizes}),
    "ConvolutionOperator": Call(
        operator,
        {"K": K, "N": N, **GEOMETRY, "copy": True},
        {**OF_KERNEL, **GEOMETRY_KINDS, "copy": bad.flags},
    ),
    "conv_matrix": Call(
        convreg.conv_matrix, {"K": K, "N": N, **GEOMETRY}, {**OF_KERNEL, **GEOMETRY_KINDS}
    ),
    "entry_positions": Call(
        convreg.entry_positions,
        {"shape": (3, 3, 1, 1), "N": N, "p": 0, "q": 1, "z": 0, "y": 0, **GEOMETRY},
        {
            "shape": bad.shapes,
            "N": bad.sizes,
            **dict.fromkeys("pqzy", bad.integers_from(0)),
            **GEOMETRY_KINDS,
        },
    ),
    "conv_matrix_adjoint": Call(
        convreg.conv_matrix_adjoint,
        {"G": np.outer(x, y), "shape": (3, 3, 2, 2), "N": N, **GEOMETRY},
        {"G": bad.gradients, "shape": bad.shapes, "N": bad.sizes, **GEOMETRY_KINDS},
    ),
    "singular_value_gradient": Call(
        convreg.singular_value_gradient,
        {"u": x, "v": y},
        dict.fromkeys("uv", bad.vectors_of_any_length),
    ),
    "penalty_matrix_gradient": Call(
        convreg.penalty_matrix_gradient,
        {"M": A, "u": np.array([0.6, 0.8]), "v": np.array([0.6, 0.8])},
        {
            "M": bad.matrices_beside_vectors,
            "u": bad.vectors,
            "v": bad.vectors,
        },
    ),
    "kernel_gradient": Call(
        convreg.kernel_gradient,
        {"K": K, "N": N, "u": x, "v": y, "gram": "columns", **GEOMETRY},
        {**OF_KERNEL, "u": bad.vectors, "v": bad.vectors, "gram": bad.words, **GEOMETRY_KINDS},
    ),
    "kernel_gradient_index_sum": Call(
        convreg.kernel_gradient_index_sum,
        {"K": ONE, "N": 2, "u": x[:4], "v": y[:4], **GEOMETRY},
        {**OF_KERNEL, "u": bad.vectors, "v": bad.vectors, **GEOMETRY_KINDS},
    ),
    "penalty": Call(
        convreg.penalty,
        {
            "K": K,
            "N": N,
            "alpha": 1.0,
            "gram": "columns",
            "tolerance": 0.0,
            "start": None,
            "full_output": False,
            **GEOMETRY,
        },
        OF_PENALTY,
    ),
    "penalty_gradient": Call(
        convreg.penalty_gradient,
        {
            "K": K,
            "N": N,
            "alpha": 1.0,
            "gram": "columns",
            "tolerance": 0.0,
            "start": None,
            "full_output": False,
            **GEOMETRY,
        },
        OF_PENALTY,
    ),
    "shifted_gram": Call(
        gram_operator,
        {"M": A, "alpha": 1.0, "gram": "columns"},
        {"M": bad.matrices, "alpha": bad.positive, "gram": bad.words},
    ),
    "penalty_bounds": Call(
        convreg.penalty_bounds,
        {"K": K, "N": N, "alpha": 1.0, "gram": "columns", **GEOMETRY},
        {**OF_KERNEL, "alpha": bad.positive, "gram": bad.words, **GEOMETRY_KINDS},
    ),
    "extreme_singular_values": Call(
        convreg.extreme_singular_values,
        {"K": K, "N": N, "tolerance": 1e-10, "full_output": False, **GEOMETRY},
        {**OF_KERNEL, "tolerance": bad.not_negative, "full_output": bad.flags, **GEOMETRY_KINDS},
    ),
    "singular_value_bounds": Call(
        convreg.singular_value_bounds,
        {"alpha": 4.0, "t": 0.6},
        {"alpha": bad.positive, "t": lambda good: bad.positive(good) | {"1.0001": 1.0001}},
    ),
    "leading_triplets": Call(
        convreg.leading_triplets,
        {"A": A, "count": 2, "tolerance": 0.0, "start": None, "restarts": 10},
        {
            "A": bad.matrices_of_A,
            "count": bad.integers_from(1),
            "tolerance": bad.not_negative,
            "start": bad.starts_of(3, 2),
            "restarts": bad.integers_from(1),
        },
    ),
    "power_update": Call(
        convreg.power_update,
        {"A": A, "triplets": [TRIPLET], "iterations": 2, "orthogonalize": False},
        {
            "A": lambda good: bad.matrices_beside_vectors(good) | bad.half_operators(3, 2),
            "triplets": bad.triplets_of(3, 2),
            "iterations": bad.integers_from(0),
            "orthogonalize": bad.flags,
        },
    ),
    "minimize_penalty": Call(
        convreg.minimize_penalty,
        {
            "K": K,
            "N": N,
            "alpha": 1.0,
            "learning_rate": 0.01,
            "iterations": 1,
            "power_iterations": 1,
            "update": "power",
            "gram": "columns",
            "tolerance": 0.0,
            "diagnostics": False,
            "callback": None,
            "form": "squares",
            **GEOMETRY,
        },
        {
            **OF_KERNEL,
            "alpha": bad.positive,
            "learning_rate": lambda good: bad.without(bad.positive(good), "function", "type"),
            "iterations": bad.integers_from(0),
            "power_iterations": bad.integers_from(0),
            "update": bad.words_or_functions,
            "gram": bad.words,
            "tolerance": bad.not_negative,
            "diagnostics": bad.flags,
            "callback": bad.functions,
            "form": bad.words,
            **GEOMETRY_KINDS,
        },
    ),
    "matlab_rand": Call(
        rand,
        {"shape": 3, "state": 1},
        {
            "shape": lambda good: bad.integers_from(0)(good) | {"2^40": 2**40},
            "state": bad.integers_from(0),
        },
    ),
    "polyak_step": Call(
        convreg.polyak_step,
        {"R": 3.0, "G": K, "limit": 0.1},
        {"R": bad.not_negative, "G": bad.finite_of_any_shape, "limit": bad.positive},
    ),
    "clipped_polyak_step": Call(
        convreg.clipped_polyak_step,
        {"R": 3.0, "G": K, "length": 0.5},
        {"R": bad.not_negative, "G": bad.finite_of_any_shape, "length": bad.positive},
    ),
    "geometry.geometry_of": Call(
        geometry.geometry_of,
        {"shape": (3, 3), "N": N, **GEOMETRY},
        {"shape": bad.shapes, "N": bad.sizes, **GEOMETRY_KINDS},
    ),
    "geometry.padding": Call(geometry.padding, {"k": 3}, {"k": bad.integers_from(1)}),
    "geometry.tap_offsets": Call(geometry.tap_offsets, {"k": 3}, {"k": bad.integers_from(1)}),
    "forms.values_penalty": Call(
        forms.values_penalty,
        {"M": A, "alpha": 1.0, "gram": "columns"},
        {"M": bad.matrices, "alpha": bad.positive, "gram": bad.words},
    ),
    "forms.polar_penalty": Call(
        forms.polar_penalty,
        {"M": A, "alpha": 1.0},
        {"M": bad.matrices_of_A, "alpha": bad.positive},
    ),
    "symbol.symbol": Call(
        symbol.symbol,
        {"K": K, "theta_1": np.array([0.5, 1.0]), "theta_2": np.array([0.25, 2.0])},
        {
            **KERNEL,
            "theta_1": bad.finite_of_any_shape,
            "theta_2": bad.finite_of_any_shape,
        },
    ),
    "winding.winding_numbers": Call(
        winding.winding_numbers,
        {"K": K, "points": 16},
        {"K": bad.kernels, "points": bad.integers_from(4)},
    ),
    "winding.zeros": Call(
        winding.zeros,
        {"K": ONE, "budget": 1000},
        {**KERNEL, "budget": lambda good: bad.without(bad.integers_from(1)(good), "None")},
    ),
    "winding.symbol_class": Call(
        winding.symbol_class,
        {"K": ONE, "budget": 1000},
        {**KERNEL, "budget": lambda good: bad.without(bad.integers_from(1)(good), "None")},
    ),
    "examples.identity": Call(
        examples.identity,
        {"k": 3, "g": 1, "h": 1},
        dict.fromkeys(("k", "g", "h"), bad.integers_from(1)),
    ),
    "examples.start_kernel": Call(
        examples.start_kernel,
        {"kernel_size": 3, "g": 1, "h": 1, "state": 1},
        {
            **dict.fromkeys(("kernel_size", "g", "h"), bad.integers_from(1)),
            "state": bad.integers_from(0),
        },
    ),
    "verify.adjoint_gap": Call(
        verify.adjoint_gap,
        {"A": A, "seed": 0},
        {"A": bad.matrices, "seed": bad.integers_from(0)},
    ),
    "verify.observed_order": Call(
        verify.observed_order,
        {"steps": np.array([1e-1, 1e-2]), "errors": np.array([1e-2, 1e-4])},
        {
            "steps": lambda good: bad.without(bad.vectors(good), "long"),
            "errors": bad.vectors,
        },
    ),
    **{
        f"alternatives.{name}": Call(getattr(alternatives, name), {"K": K}, KERNEL)
        for name in (
            "reshaped",
            "spectral_norm_penalty",
            "spectral_normalization",
            "orthogonality_penalty",
            "self_convolution_penalty",
        )
    },
    "alternatives.parseval_retraction": Call(
        alternatives.parseval_retraction,
        {"K": K, "beta": 0.01},
        {**KERNEL, "beta": bad.positive},
    ),
    "alternatives.frobenius_penalty": Call(
        alternatives.frobenius_penalty,
        {"K": K, "N": N, "alpha": 1.0},
        {**SQUARE_IMAGES, "alpha": bad.positive},
    ),
    "periodic.periodic_singular_values": Call(
        periodic.periodic_singular_values, {"K": K, "N": N}, SQUARE_IMAGES
    ),
    "periodic.clip_periodic": Call(
        periodic.clip_periodic,
        {"K": K, "N": N, "high": 1.0},
        {**SQUARE_IMAGES, "high": bad.positive},
    ),
    "periodic.unit_modulus_kernel": Call(
        periodic.unit_modulus_kernel,
        {"N": N, "seed": 0},
        {"N": bad.integers_from(1), "seed": bad.integers_from(0)},
    ),
    "barrier.squared_column_norms": Call(
        barrier.squared_column_norms,
        {"K": K, "N": N, "gram": "columns"},
        {**SQUARE_IMAGES, "gram": bad.words},
    ),
    "barrier.column_norm_bound": Call(
        barrier.column_norm_bound,
        {"K": K, "N": N, "gram": "columns"},
        {**SQUARE_IMAGES, "gram": bad.words},
    ),
    "barrier.squared_off_centre_norms": Call(
        barrier.squared_off_centre_norms,
        {"K": K, "gram": "columns"},
        {**KERNEL, "gram": bad.words},
    ),
    "barrier.off_centre_share": Call(barrier.off_centre_share, {"K": K}, KERNEL),
    "kinks.mean_gradient": Call(
        kinks.mean_gradient,
        {"K": K, "N": N, "alpha": 1.0, "gram": "columns"},
        {**SQUARE_IMAGES, "alpha": bad.positive, "gram": bad.words},
    ),
    "symbol.plane_wave_bound": Call(
        symbol_bounds.plane_wave_bound,
        {"K": K, "N": N, "theta_1": np.array([0.5, 1.0]), "theta_2": np.array([0.25, 2.0])},
        {**KERNEL, "N": bad.integers_from(1), **ANGLES},
    ),
    "symbol.hermitian_part_bound": Call(
        symbol_bounds.hermitian_part_bound,
        {"K": K, "theta_1": np.array([0.5, 1.0]), "theta_2": np.array([0.25, 2.0])},
        {**KERNEL, **ANGLES},
    ),
    "polar.periodic_polar_penalty": Call(
        polar.periodic_polar_penalty,
        {"K": K, "side": 4, "alpha": 1.0},
        {**KERNEL, "side": bad.integers_from(1), "alpha": bad.positive},
    ),
    "tradeoff.channel_share": Call(tradeoff.channel_share, {"K": K}, KERNEL),
}
