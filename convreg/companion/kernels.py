"""The kernels that we start: on our interpreter, in our environment, without configuration.

What a user has set up for other work reaches no kernel of ours: kernels of the name python3,
IPython's profiles and startup files, matplotlib's backend and matplotlibrc, the variables of
Python, Jupyter, tqdm and the terminal.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager, KernelManager

LAUNCHER = str(Path(__file__).with_name("launcher.py"))  # in the command line of every kernel

# Variables that say how programs are to behave; those that say where things are stay.
LEFT_OUT = (
    "CLICOLOR",
    "COLUMNS",
    "FORCE_COLOR",
    "IPYKERNEL",
    "IPYTHON",
    "JPY_",
    "JUPYTER",
    "LINES",
    "MATPLOTLIBRC",
    "MPLBACKEND",
    "NO_COLOR",
    "PYTHON",
    "PY_COLORS",
    "SOURCE_DATE_EPOCH",
    "TQDM_",
)
KEPT = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONNOUSERSITE",
    "PYTHONPATH",
    "PYTHONPLATLIBDIR",
    "PYTHONPYCACHEPREFIX",
    "PYTHONUSERBASE",
)
OURS = {
    "MATPLOTLIBRC": os.devnull,
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONUTF8": "1",
}
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_SIDE_BY_SIDE: list[object] = []  # one for each `one_blas_thread` that has not ended


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """For runs side by side, whose BLAS threads would wait for one another on few cores."""
    entered = object()
    _SIDE_BY_SIDE.append(entered)
    try:
        yield
    finally:
        _SIDE_BY_SIDE.remove(entered)


def environment(given: Mapping[str, str], folder: str) -> dict[str, str]:
    """The variables of a kernel: those of its caller but for what is configuration.

    Parameters
    ----------
    given : mapping
        The caller's.
    folder : str
        Where IPython keeps its history and looks for profiles.

    Examples
    --------
    >>> caller = {"HOME": "/home/me", "MPLBACKEND": "Agg", "PYTHONWARNINGS": "error"}
    >>> kernels = environment(caller, "new")
    >>> kernels["HOME"], kernels["MPLBACKEND"], "PYTHONWARNINGS" in kernels
    ('/home/me', 'module://matplotlib_inline.backend_inline', False)
    """
    kept = {}
    for name, value in given.items():
        if name in KEPT or not name.startswith(LEFT_OUT):
            kept[name] = value
    threads = dict.fromkeys(THREADS, "1") if _SIDE_BY_SIDE else {}
    return {**kept, **threads, **OURS, "IPYTHONDIR": folder}


class _Ours:
    """What both managers of kernels share: which kernel they start, and with which files."""

    connection_file: str
    _folder: TemporaryDirectory[str] | None = None

    @property
    def kernel_spec(self) -> KernelSpec:
        """This interpreter and `convreg.companion.launcher`, whatever the name of the kernel."""
        return KernelSpec(
            argv=[sys.executable, LAUNCHER, "-f", "{connection_file}"],
            name="python3",
            display_name="Python 3",
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": "local-provisioner"}},
        )

    def start_kernel(self, **options: Any) -> Any:
        """Start it in its environment; a coroutine where the manager is asynchronous."""
        if self._folder is None:  # else it starts anew
            self._folder = TemporaryDirectory(prefix="convreg-kernel-", ignore_cleanup_errors=True)
        folder = self._folder.name
        self.connection_file = str(Path(folder, "connection.json"))
        ours = {"env": environment(os.environ, folder), "stdout": DEVNULL, "stderr": DEVNULL}
        started: Any = super()  # what a notebook prints comes in messages
        return started.start_kernel(**{**options, **ours})

    def cleanup_connection_file(self) -> None:
        """Remove what the kernel needed as it ran."""
        if self._folder:
            self._folder.cleanup()
        self._folder = None


class OurKernel(_Ours, KernelManager):
    """For nbval."""


class OurAsyncKernel(_Ours, AsyncKernelManager):
    """For papermill."""

    async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
        """Start it; where it does not start, its folder goes."""
        try:
            await super().start_kernel(**options)
        except BaseException:
            self.cleanup_connection_file()
            raise
