"""What a user has set up for other work changes no byte that we write."""

import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import nbformat
import pytest
from tiny import files_in, tiny_notebook

from convreg.companion.kernels import LAUNCHER, OurKernel, environment, one_blas_thread
from convreg.companion.notebooks import ROOT

DRAWS = r"""import numpy as np
from convreg.plots.style import axes_grid, drawn, save_figure

@drawn
def lines(table):
    figure, (ax,) = axes_grid(1, 1, 2)
    ax.semilogy(table["x"], table["y"], label=r"$\sigma_{\max}(M)$")
    ax.set(title="Größe", xlabel="iteration")
    ax.legend()
    return figure

table = {"x": np.arange(9), "y": alpha * 2.0 ** np.arange(9)}
figure = lines(table)
saved = save_figure(figure, table, figure_dir, "lines")
print("Größe", np.pi * np.ones(3))
with open("accent", "w") as file:
    print(file.write("é"), __debug__)"""
PRINTED = "Größe [3.14159265 3.14159265 3.14159265]\n1 True\n"

MATPLOTLIBRC = """text.usetex: True
axes.facecolor: black
axes.formatter.use_mathtext: True
backend: pdf
figure.dpi: 30
figure.facecolor: gray
font.family: serif
font.size: 20
interactive: True
lines.linewidth: 9
savefig.bbox: tight
savefig.dpi: 30
savefig.facecolor: red
savefig.pad_inches: 1
unknown.setting: 1
"""
IPYTHON = """c = get_config()
c.InlineBackend.figure_formats = {"svg", "jpeg"}
c.InlineBackend.rc = {"figure.dpi": 30, "text.usetex": True}
c.InlineBackend.print_figure_kwargs = {"bbox_inches": None, "facecolor": "red"}
c.InlineBackend.close_figures = False
c.InteractiveShellApp.exec_lines = ["%load_ext autoreload", "print('a line of the profile')"]
c.InteractiveShellApp.matplotlib = "agg"
c.InteractiveShell.ast_node_interactivity = "all"
"""
STARTUP = """print("a startup file")
import matplotlib.style
import numpy
matplotlib.style.use("dark_background")
numpy.set_printoptions(precision=2)
"""
MACHINE = """from IPython.core.application import SYSTEM_CONFIG_DIRS
from pathlib import Path
SYSTEM_CONFIG_DIRS.append(str(Path(__file__).parents[1] / "machine"))
"""
KERNEL = {"argv": ["false"], "display_name": "Another", "language": "python"}


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """The variables of a user who has set up nothing, and of one who has set up everything."""
    folder = tmp_path_factory.mktemp("homes")
    bare, full = folder / "bare", folder / "full"
    contents = {
        ".config/matplotlib/matplotlibrc": MATPLOTLIBRC,
        ".config/matplotlib/stylelib/mine.mplstyle": "no: style",
        ".ipython/profile_default/ipython_config.py": IPYTHON,
        ".ipython/profile_default/ipython_kernel_config.py": IPYTHON,
        ".ipython/profile_default/startup/00.py": STARTUP,
        ".jupyter/jupyter_config.json": json.dumps({"NotebookClient": {"kernel_name": "other"}}),
        ".local/share/jupyter/kernels/python3/kernel.json": json.dumps(KERNEL),
        "machine/ipython_config.py": IPYTHON,
        "machine/startup/00.py": STARTUP,
        "site/sitecustomize.py": MACHINE,
        "startup.py": STARTUP,
        "work/matplotlibrc": MATPLOTLIBRC,
    }
    (bare / "work").mkdir(parents=True)
    for name, text in contents.items():
        (full / name).parent.mkdir(parents=True, exist_ok=True)
        (full / name).write_text(text)
    kept = ("PATH", "LD_LIBRARY_PATH", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    base = {name: os.environ[name] for name in kept if name in os.environ}
    base["PYTHONPATH"] = str(ROOT)
    base["XDG_CACHE_HOME"] = str(Path(matplotlib.get_cachedir()).parent)  # the fonts, for speed
    set_up = {
        "COLUMNS": "20",
        "FORCE_COLOR": "1",
        "IPYTHONDIR": f"{full}/.ipython",
        "JUPYTER_CONFIG_DIR": f"{full}/.jupyter",
        "JUPYTER_DEFAULT_PROVISIONER_NAME": "none",
        "JUPYTER_PATH": f"{full}/.local/share/jupyter",
        "LC_ALL": "C",
        "MATPLOTLIBRC": f"{full}/.config/matplotlib/matplotlibrc",
        "MPLBACKEND": "Agg",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONOPTIMIZE": "1",
        "PYTHONPATH": f"{full}/site:{ROOT}",
        "PYTHONSTARTUP": f"{full}/startup.py",
        "PYTHONUTF8": "0",
        "PYTHONWARNINGS": "always",
        "TQDM_DISABLE": "1",
    }
    return {**base, "HOME": str(bare)}, {**base, **set_up, "HOME": str(full)}


def called(home, *arguments):
    """Python with these arguments in the folder work of a home."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        command, env=home, cwd=f"{home['HOME']}/work", capture_output=True, text=True
    )


@pytest.mark.kernel
def test_a_sweep_is_the_same_to_the_byte(homes, tmp_path):
    path = tiny_notebook(tmp_path, DRAWS)
    written = []
    for number, home in enumerate(homes):
        out = tmp_path / f"out{number}"
        grid = ["--grid", "alpha=1,2", "--out", out]
        ended = called(home, "-m", "convreg", "sweep", path, *grid)
        assert ended.returncode == 0, ended.stderr
        written.append({name: (out / name).read_bytes() for name in files_in(out)})
    bare, full = written
    timed = ("run.json", "index.csv", ".lock")  # how long each run took
    names = [name for name in bare if not name.endswith(timed)]
    assert list(bare) == list(full)
    assert [name for name in names if bare[name] != full[name]] == []
    assert {name.rpartition("/")[2] for name in names} == {
        *("curve.csv", "executed.ipynb", "lines.csv", "lines.pdf", "lines.png", "tiny.json"),
        *("sweep.csv", "sweep.json", "sweep.pdf", "sweep.png"),
    }
    (executed, *_) = [text for name, text in full.items() if name.endswith("executed.ipynb")]
    body = nbformat.reads(executed.decode(), as_version=4).cells[-2]
    printed, shown = body.outputs
    assert printed.text == PRINTED
    assert list(shown.data) == ["image/png", "text/plain"]
    assert set(os.listdir(homes[0]["HOME"])) <= {"work", ".config"}  # matplotlib's, empty


REWRITES = """import sys
from pathlib import Path
from convreg.companion.notebooks import Notebook
from convreg.companion.reproduce import rewrite
sys.exit(rewrite(Notebook.read(Path(sys.argv[1]))).error or 0)"""


@pytest.mark.kernel
def test_rewriting_keeps_the_pictures(homes, tmp_path):
    _, full = homes
    path = tiny_notebook(tmp_path, DRAWS)
    ended = called(full, "-c", REWRITES, path)
    assert ended.returncode == 0, ended.stderr
    printed, shown = nbformat.read(path, as_version=4).cells[-2].outputs
    assert printed.text == PRINTED
    assert list(shown.data) == ["image/png", "text/plain"]


@pytest.mark.kernel
def test_nbval_compares_the_committed_notebooks(homes):
    _, full = homes
    options = ["-q", "--nbval", "-p", "no:cacheprovider", "-c", ROOT / "pyproject.toml"]
    notebook = ROOT / "notebooks/01_convolution_as_a_matrix.ipynb"
    ended = called(full, "-m", "pytest", *options, f"--rootdir={ROOT}", notebook)
    assert ended.returncode == 0, ended.stdout


# the environment of a kernel


@pytest.mark.parametrize(
    "name",
    [
        *("COLUMNS", "FORCE_COLOR", "IPYTHONDIR", "JPY_PARENT_PID", "JUPYTER_CONFIG_DIR"),
        *("JUPYTER_DEFAULT_PROVISIONER_NAME", "JUPYTER_PATH", "MATPLOTLIBRC", "MPLBACKEND"),
        *("NO_COLOR", "PYTHONCOERCECLOCALE", "PYTHONHASHSEED", "PYTHONINSPECT", "PYTHONIOENCODING"),
        *("PYTHONOPTIMIZE", "PYTHONSTARTUP", "PYTHONUTF8", "PYTHONWARNINGS", "PYTHON_COLORS"),
        *("SOURCE_DATE_EPOCH", "TQDM_DISABLE"),
    ],
)
def test_a_variable_that_is_configuration_is_not_handed_on(name):
    assert environment({name: "theirs"}, "/new") == environment({}, "/new")


@pytest.mark.parametrize(
    "name",
    [
        *("CUDA_VISIBLE_DEVICES", "HOME", "LANG", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "PATH"),
        *("OPENBLAS_CORETYPE", "PYTHONHOME", "PYTHONPATH", "SWEEP_LOG", "TMPDIR", "VIRTUAL_ENV"),
    ],
)
def test_a_variable_that_says_where_things_are_is_handed_on(name):
    assert environment({name: "theirs"}, "/new")[name] == "theirs"


def test_one_blas_thread_ends_with_the_last_of_those_who_want_it():
    given = {"OPENBLAS_NUM_THREADS": "8"}
    first, second = one_blas_thread(), one_blas_thread()
    with first:
        second.__enter__()
    assert environment(given, "")["OPENBLAS_NUM_THREADS"] == "1"
    second.__exit__(None, None, None)
    assert environment(given, "")["OPENBLAS_NUM_THREADS"] == "8"


def test_every_kernel_is_this_interpreters_whatever_its_name():
    kernel = OurKernel(kernel_name="no such kernel")
    assert kernel.kernel_spec.argv[:2] == [sys.executable, LAUNCHER]
