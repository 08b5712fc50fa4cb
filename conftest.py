"""One BLAS thread for the tests; and nbval made strict, for `pytest --nbval notebooks`.

nbval itself compares what is printed. It skips cells without an execution count and every image,
and the notebooks write no figures unless told where. So each notebook is given a folder, as
papermill would give it one. The images of a cell are compared with the committed ones as it runs,
the files with those in figures/ at its end. A cleared cell fails. The kernels are those that we
start elsewhere, whatever the user has set up.
"""

import base64
import itertools
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

# The BLAS libraries read this as they are loaded, so it stands above what loads NumPy. The workers
# of pytest-xdist and the kernels take it over; several pools of threads would fight for the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import nbval.kernel
import pytest
from matplotlib.testing.compare import compare_images
from nbval.plugin import IPyNbCell, NbCellError

from convreg.companion.kernels import OurKernel
from convreg.companion.notebooks import Notebook
from convreg.storage.tables import difference, read_table

nbval.kernel.KernelManager = OurKernel
compared = IPyNbCell.compare_outputs
RMS = 2.0  # of 255: antialiasing of two builds of FreeType and Agg is below, a moved line is not

# Modules are imported for their doctests, but not without what they need; their tests are skipped.
collect_ignore = []
if not find_spec("torch"):
    collect_ignore += ["convreg/torch"]
if not all(find_spec(name) for name in ("joblib", "sklearn", "torch")):
    collect_ignore += ["convreg/studies/training.py"]


def compare_outputs(cell, test, ref, **options):
    """nbval's comparison, but what a progress bar wrote and took back is no output."""
    left = [output for output in test if output.get("text", "left").strip()]
    return compared(cell, left, ref, **options)


IPyNbCell.compare_outputs = compare_outputs


def pytest_collection_modifyitems(config, items):
    """Give every notebook a folder for its figures; the last cell is to compare them."""
    cells = [item for item in items if isinstance(item, IPyNbCell)]
    for path, group in itertools.groupby(cells, key=lambda cell: cell.path):
        own = list(group)
        folder = tempfile.TemporaryDirectory(prefix=f"{path.stem}-")
        config.add_cleanup(folder.cleanup)  # a worker of pytest-xdist leaves without finalizers
        why = Notebook.read(path).missing
        for cell in own:
            if why:
                cell.add_marker(pytest.mark.skip(reason=f"{path.name} {why}"))
            cell.figures = folder
            cell.is_last = cell is own[-1]
            if "parameters" in cell.cell.metadata.get("tags", []):
                cell.cell.source += f"\nfigure_dir = {folder.name!r}  # of this run"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """After nbval's own comparison the ones that it leaves out."""
    outcome = yield
    if isinstance(item, IPyNbCell):
        problems = cleared(item) + images(item)
        if item.is_last:
            problems += files(item)
        if problems:
            what = "Cell differs from the committed one"
            raise NbCellError(item.cell_num, what, item.cell.source, "\n".join(problems))
    return outcome


def cleared(item):
    """A committed cell has been run."""
    if item.cell.execution_count:
        return []
    return ["no execution count: run the notebook and commit its outputs"]


def pngs(outputs):
    """The images among the outputs of a cell, each as text."""
    shown = [out["data"] for out in outputs if "data" in out]
    return [data["image/png"] for data in shown if "image/png" in data]


def images(item):
    """The images that a cell shows, beside the committed ones."""
    old = pngs(item.cell.outputs)
    new = pngs(item.test_outputs)
    if len(old) != len(new):
        return [f"{len(new)} images, {len(old)} committed"]
    problems = []
    for number, (committed, fresh) in enumerate(zip(old, new, strict=True)):
        stem = Path(item.figures.name, f".cell{item.cell_num}-{number}")
        paths = [f"{stem}-committed.png", f"{stem}-fresh.png"]
        for path, text in zip(paths, (committed, fresh), strict=True):
            Path(path).write_bytes(base64.b64decode(text))
        problems += [compare_images(*paths, tol=RMS)]
    return [problem for problem in problems if problem]


def files(item):
    """The figures that the notebook wrote, beside those in figures/."""
    committed = item.path.parents[1] / "figures"
    problems = []
    for path in sorted(Path(item.figures.name).iterdir()):
        old = committed / path.name
        if path.name.startswith("."):
            continue  # what images() wrote
        if not old.exists():
            problems += [f"{path.name}: not in {committed.name}/"]
        elif path.suffix == ".csv":
            found = difference(read_table(old), read_table(path))
            problems += [f"{path.name}: {what}" for what in found]
        elif path.suffix == ".png":
            found = compare_images(str(old), str(path), tol=RMS)
            problems += [found] if found else []
    return problems
