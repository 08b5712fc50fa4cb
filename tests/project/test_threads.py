"""The pools of BLAS threads in the tests have the size that conftest.py asks for."""

import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
from pages import ROOT
from threadpoolctl import threadpool_info

NAMES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
SIZES = """
import conftest
import scipy.linalg
from threadpoolctl import threadpool_info

print(*{pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"})
"""


def test_every_pool_is_as_large_as_was_asked():
    assert scipy.linalg.svdvals(np.eye(2)).tolist() == [1, 1]  # both libraries are loaded
    sizes = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    assert sizes == {int(os.environ["OPENBLAS_NUM_THREADS"])}


@pytest.mark.parametrize(("given", "sizes"), [({}, "1"), (dict.fromkeys(NAMES, "2"), "2")])
def test_that_is_one_unless_the_environment_says_otherwise(given, sizes):
    bare = {name: value for name, value in os.environ.items() if name not in NAMES}
    command = [sys.executable, "-c", SIZES]
    done = subprocess.run(command, cwd=ROOT, env=bare | given, capture_output=True, text=True)
    assert done.stdout == f"{sizes}\n", done.stderr
