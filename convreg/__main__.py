"""``python -m convreg``, and the console script ``convreg``: see `convreg.companion.commands`."""

import sys

from convreg.companion.commands import main

if __name__ == "__main__":
    sys.exit(main())
