"""``python -m convreg``; see `convreg.companion.commands`."""

import sys

from convreg.companion.commands import main

if __name__ == "__main__":
    sys.exit(main())
