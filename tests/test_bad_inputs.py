"""Bad values of every argument of every public function: an error that names the argument."""

import re

import numpy as np
import pytest
from public_calls import CALLS

ARGUMENTS = [(name, argument) for name, call in CALLS.items() for argument in call.kinds]


def problems(name, argument):
    """What does not end in a ValueError or TypeError whose text begins with the argument."""
    function, good, kinds = CALLS[name]
    for label, value in kinds[argument](good[argument]).items():
        try:
            with np.errstate(all="ignore"):
                function(**(good | {argument: value}))
        except (ValueError, TypeError) as error:
            if not re.match(rf"{argument}\b", str(error)):
                yield f"{label}: {type(error).__name__}: {error}"
        except Exception as error:
            yield f"{label}: {type(error).__name__}: {error}"
        else:
            yield f"{label}: taken"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_bad_values_are_refused_by_name(name, argument):
    assert list(problems(name, argument)) == []
