"""Figures are drawn without a screen and closed after each test; made-up histories."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from convreg.storage.tables import history_table


@pytest.fixture(autouse=True)
def _close_figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture
def histories():
    names = "estimate, penalty, sigma_max, sigma_min, condition_number, residual, selected"
    rows = [(4.123456789, 4.2, 2.0, 0.5, 4.0, 0.1, 0), (3.0, 3.1, 1.8, 0.4, 4.5, 0.2, 1)]
    return {
        case: np.rec.fromrecords(rows, names=names) for case in ("3x3x1x1, alpha = 1", "b", "c")
    }


ALPHAS = (1.0, 3.05, 0.05)


@pytest.fixture
def table(histories):
    return history_table(histories, alphas=ALPHAS)
