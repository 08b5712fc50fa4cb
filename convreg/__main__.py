"""``python -m convreg``, and the console script ``convreg``: see `convreg.companion.commands`."""

import os
import sys


def main() -> int:
    """The command line's exit status; 2 where what the notebooks need is not installed."""
    # before matplotlib is imported: what the user has set may stop it
    os.environ |= {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}
    try:
        from convreg.companion.commands import main as run
    except ModuleNotFoundError as missing:
        wanted = "wanted what the notebooks need: pip install 'convreg[notebooks]'"
        print(f"convreg: {wanted} (no module named {missing.name})", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
