"""nbval made strict, for `pytest --nbval notebooks`: cleared cells, changed pictures and changed figures fail too.

nbval itself compares what is printed. It skips cells without an execution count and every image, and the
notebooks write no figures unless told where. So each notebook is given a folder, as papermill would give it one;
the images of a cell are compared with the committed ones as it runs, the files with those in figures/ at its end.
"""

import base64
import itertools
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from matplotlib.testing.compare import compare_images
from nbval.plugin import IPyNbCell, NbCellError

from convreg.companion.notebooks import missing
from convreg.storage.tables import difference, read_table

# Kernels are run one after another, but NumPy's and SciPy's BLAS threads would wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# What needs PyTorch is not imported for its doctests where there is none; its tests are skipped with the reason.
collect_ignore = [] if find_spec("torch") else ["convreg/torch", "convreg/studies/training.py"]
RMS = 2.0  # of 255: antialiasing between builds of FreeType and Agg stays below, a moved line does not


def pytest_collection_modifyitems(items):
    """Give every notebook a folder for its figures; the last cell is to compare them."""
    cells = [item for item in items if isinstance(item, IPyNbCell)]
    for path, group in itertools.groupby(cells, key=lambda cell: cell.path):
        folder, own = tempfile.TemporaryDirectory(prefix=f"{path.stem}-"), list(group)
        why = missing(path.read_text(encoding="utf-8"))
        for cell in own:
            if why:
                cell.add_marker(pytest.mark.skip(reason=f"{path.name} {why}"))
            cell.figures, cell.is_last = folder, cell is own[-1]
            if "parameters" in cell.cell.metadata.get("tags", []):
                cell.cell.source += f"\nfigure_dir = {folder.name!r}  # of this run"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """After nbval's own comparison the ones that it leaves out."""
    outcome = yield
    if isinstance(item, IPyNbCell):
        problems = cleared(item) + images(item) + (files(item) if item.is_last else [])
        if problems:
            raise NbCellError(
                item.cell_num, "Cell differs from the committed one", item.cell.source, "\n".join(problems)
            )
    return outcome


def cleared(item):
    """A committed cell has been run."""
    return [] if item.cell.execution_count else ["no execution count: run the notebook and commit its outputs"]


def images(item):
    """The images that a cell shows, beside the committed ones."""
    old, new = (
        [out["data"]["image/png"] for out in outputs if "image/png" in out.get("data", {})]
        for outputs in (item.cell.outputs, item.test_outputs)
    )
    if len(old) != len(new):
        return [f"{len(new)} images, {len(old)} committed"]
    folder, problems = Path(item.figures.name), []
    for number, pair in enumerate(zip(old, new, strict=True)):
        paths = [folder / f".cell{item.cell_num}-{number}-{name}.png" for name in ("committed", "fresh")]
        for path, text in zip(paths, pair, strict=True):
            path.write_bytes(base64.b64decode(text))
        problems += [compare_images(*map(str, paths), tol=RMS)]
    return [problem for problem in problems if problem]


def files(item):
    """The figures that the notebook wrote, beside those in figures/."""
    committed, problems = item.path.parents[1] / "figures", []
    for path in sorted(path for path in Path(item.figures.name).iterdir() if path.name[0] != "."):
        old = committed / path.name
        if not old.exists():
            problems.append(f"{path.name}: not in {committed.name}/")
        elif path.suffix == ".csv":
            problems += [f"{path.name}: {what}" for what in difference(read_table(old), read_table(path))]
        elif path.suffix == ".png":
            problems += filter(None, [compare_images(str(old), str(path), tol=RMS)])
    return problems
