"""Where the claims are shown: sections of the notebooks, by their headings."""

from __future__ import annotations

import re
from typing import NamedTuple


class Section(NamedTuple):
    """A notebook, its file without the ending, and a heading in it."""

    notebook: str
    heading: str


CONVOLUTION = Section("01_convolution_as_a_matrix", "The convolution")
MATRIX = Section("01_convolution_as_a_matrix", "vec, and the matrix")
POSITIONS = Section("01_convolution_as_a_matrix", r"Where a kernel entry stands: $\Omega$")
WITHOUT_MATRIX = Section("01_convolution_as_a_matrix", "Without the matrix")
EQUATIONS = Section("01_convolution_as_a_matrix", "How many equations, how many unknowns")

PENALTY = Section("02_penalty_and_bounds", "What the penalty measures")
SIGNS = Section("02_penalty_and_bounds", "$u=v$ or $u=-v$")
THEOREM_2_1 = Section("02_penalty_and_bounds", "Theorem 2.1")
SCALE = Section("02_penalty_and_bounds", "What the scale does")
WAY_BACK = Section("02_penalty_and_bounds", "On the way back")

LEMMA_2_1 = Section("03_gradients", "Lemma 2.1: a singular value")
LEMMA_2_2 = Section("03_gradients", "Lemma 2.2: the penalty, in the matrix")
THEOREMS_2_2_AND_2_3 = Section("03_gradients", "Theorems 2.2 and 2.3: the penalty, in the kernel")

ESTIMATE = Section("04_power_method", "What the estimate is worth")
STEPS = Section("04_power_method", "Algorithm 2.1, step by step")
READINGS = Section("04_power_method", "Other readings")

START_KERNELS = Section("05_example_1", "The starting kernels")
FIGURE_3_1 = Section("05_example_1", "Figure 3.1")
SAID_OF_FIGURE_3_1 = Section("05_example_1", "What the paper says, what we measure")

FIGURE_3_2 = Section("06_example_2", "Figure 3.2")
NOT_BELOW_ALPHA = Section("06_example_2", "The barrier")
SAID_OF_FIGURE_3_2 = Section("06_example_2", "What the paper says, what we measure")

BARRIER = Section("07_barrier", r"(a) $h<g$: nothing is below $\alpha$")
BORDER = Section("07_barrier", "(d) What the border costs")

RESHAPED = Section("08_alternatives", "On the reshaped kernel")
RESHAPED_AND_M = Section("08_alternatives", "What $W$ says of $M$")
PERIODIC = Section("08_alternatives", "On the periodic convolution")

LAYERS = Section("09_layer_scale", "The penalty of every layer")

IN_TRAINING = Section("10_training", "The singular values of every layer")
BACK_IN_TRAINING = Section("10_training", "What comes back to each layer")
NOISE = Section("10_training", "Accuracy, and accuracy under noise")
LONGER_TRAINING = Section("10_training", "Longer")
REASONS = Section("10_training", "The paper's reasons, judged here")

TAPS = Section("12_without_loss_of_generality", "What a tap reads")
STRIDES = Section("12_without_loss_of_generality", "The barrier moves")

STANDSTILL = Section("13_the_square_case", "Where it stands still")
WAY_OUT = Section("13_the_square_case", "The way out")


def link_to(section: Section) -> str:
    """A link in Markdown, for a page in docs/ or in notebooks/.

    >>> print(link_to(FIGURE_3_2))
    [6. Figure 3.2](../notebooks/06_example_2.ipynb#figure-32)
    """
    number = int(section.notebook[:2])
    file = f"../notebooks/{section.notebook}.ipynb"
    return f"[{number}. {section.heading}]({file}#{anchor(section.heading)})"


def anchor(heading: str) -> str:
    """What the pages of the site call a heading, in which formulas do not count.

    >>> anchor("Figure 3.2"), anchor("(e) The price, for $h<g$")
    ('figure-32', 'e-the-price-for-')
    """
    words = re.sub(r"\$[^$]*\$", "", heading.lower()).replace(" ", "-")
    return re.sub(r"[^\w-]", "", words)
