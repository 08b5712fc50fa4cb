"""What the process of a kernel runs: IPython's kernel, which reads no file of configuration."""

import logging
import sys
from typing import Any

if __name__ == "__main__":
    del sys.path[0]  # this folder; IPython puts the notebook's there

    from ipykernel.kernelapp import IPKernelApp

    class OurKernelApp(IPKernelApp):
        """IPython's kernel as it is delivered."""

        def load_config_file(self, *_: Any, **__: Any) -> None:
            """Load none, neither the user's nor the machine's."""

        def _run_startup_files(self) -> None:
            """Run none, neither the user's nor the machine's."""

    # a font cache that is built, a folder that cannot be written to: no business of a notebook
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    OurKernelApp.launch_instance(log_level=logging.CRITICAL)
