"""The paper, executable: Guo and Ye, On Regularization of Convolutional Kernels in Neural Networks.

===========================  ============================================================
Paper                        Code
===========================  ============================================================
(1.1), (1.2)                 `convolve`
Strides, padding, Section 1  `convreg.geometry`: the keywords stride, dilation, padding
vec, Section 2.2             `vec`, `unvec`
M(K), (2.1), (2.4)           `conv_matrix`; without forming it `ConvolutionOperator`
Omega, Theorems 2.2 and 2.3  `entry_positions`; the chain rule `conv_matrix_adjoint`
R_alpha, Section 2           `penalty`, `shifted_gram`; proved bounds `penalty_bounds`
Theorem 2.1                  `singular_value_bounds`, `extreme_singular_values`
Lemma 2.1                    `singular_value_gradient`
Lemma 2.2, (2.2)             `penalty_matrix_gradient`
Theorem 2.2, (2.3)           `kernel_gradient`, `kernel_gradient_index_sum` (one channel)
Theorem 2.3, (2.5)           `kernel_gradient`, `kernel_gradient_index_sum`, `penalty_gradient`
Algorithm 2.1, step 2        `leading_triplets`, `SingularTriplet`, `NotConverged`
Algorithm 2.1, step 6        `power_update`
Algorithm 2.1                `minimize_penalty`, its learning rate `polyak_step`
The square case, h = g       `clipped_polyak_step`, `convreg.forms`, `convreg.winding`
Section 3, starting kernels  `matlab_rand`
Section 3, Examples 1 and 2  `convreg.examples`
Section 3, the barrier       `convreg.studies.barrier` and its neighbours
Section 1, other methods     `convreg.studies.alternatives`, `convreg.studies.comparison`
Krylov methods, Section 2.1  `convreg._numerics.taps`, `convreg.lanczos`, `convreg.studies.layers`
Toeplitz matrix, [4, 12]     `convreg.symbol`, `convreg.bounds`
Section 1.1, the loss (1.4)  `convreg.torch`, `convreg.studies.training` (with PyTorch)
Every sentence               `convreg.claims`
===========================  ============================================================
"""

from convreg.bounds import penalty_bounds, singular_value_bounds
from convreg.convolution import ConvolutionOperator, convolve, unvec, vec
from convreg.descent import DescentResult, minimize_penalty
from convreg.extremes import extreme_singular_values
from convreg.gradients import (
    kernel_gradient,
    kernel_gradient_index_sum,
    penalty_matrix_gradient,
    singular_value_gradient,
)
from convreg.gram import shifted_gram
from convreg.lanczos import NotConverged, leading_triplets
from convreg.learning_rates import clipped_polyak_step, polyak_step
from convreg.matlab_random import matlab_rand
from convreg.matrix import conv_matrix, conv_matrix_adjoint, entry_positions
from convreg.penalty import penalty, penalty_gradient
from convreg.power import SingularTriplet, power_update

__version__ = "0.7.0"

__all__ = [
    "ConvolutionOperator",
    "DescentResult",
    "NotConverged",
    "SingularTriplet",
    "clipped_polyak_step",
    "conv_matrix",
    "conv_matrix_adjoint",
    "convolve",
    "entry_positions",
    "extreme_singular_values",
    "kernel_gradient",
    "kernel_gradient_index_sum",
    "leading_triplets",
    "matlab_rand",
    "minimize_penalty",
    "penalty",
    "penalty_bounds",
    "penalty_gradient",
    "penalty_matrix_gradient",
    "polyak_step",
    "power_update",
    "shifted_gram",
    "singular_value_bounds",
    "singular_value_gradient",
    "unvec",
    "vec",
]
