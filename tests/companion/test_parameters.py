"""What the notebooks accept, and how they say no."""

import math

import pytest

from convreg.companion import parameters
from convreg.companion.notebooks import injected
from convreg.companion.parameters import FOLDERS, RULES, injected_names
from convreg.companion.rules import Integer, ListOf, Pair, Real

GOOD = {
    "kernel_size": 3,
    "input_channels": 2,
    "output_channels": 3,
    "input_size": 6,
    "stride": 2,
    "alpha": 1,
    "alphas": [0.1, 5],
    "channels": [[3, 1], (1, 3)],
    "learning_rate": 0.01,
    "step_length": 0.5,
    "penalty_weight": 0.01,
    "weight_decay": 0,
    "epochs": 25,
    "networks": 5,
    "training_images": 500,
    "iterations": 0,
    "power_iterations": 2,
    "kernels": 50,
    "budgets": [200, 500],
    "image_size": 224,
    "tolerance": 1e-6,
    "measure": False,
    "seed": 0,
    "state": 1,
    "figure_dir": "",
    "results_dir": "",
}


def check_parameters(namespace, names, largest=12000):
    """What a notebook's check does: its annotations name the parameters."""
    annotations = {"__annotations__": dict.fromkeys(names)}
    return parameters.check_parameters({**annotations, **namespace}, largest)


def test_there_is_a_good_value_for_every_rule():
    assert list(GOOD) == list(RULES)
    check_parameters(GOOD, list(GOOD))


BAD = {
    "kernel_size": [0, 16, 3.0, "3", True, None],
    "input_channels": [0, 65],
    "output_channels": [-1],
    "input_size": [0, 61, "x"],
    "stride": [0, 9, 2.0],
    "alpha": [0, -1.0, math.nan, math.inf, "1", None, [1.0]],
    "alphas": [[], 1.0, [1, 1], [1, 1.0], [0.0], ["1"], "0.1,1", list(range(1, 14))],
    "channels": [
        [],
        [[3]],
        [[3, 1], [3, 1]],
        [[3, 1], (3, 1)],
        [3, 1],
        "[[3, 1]]",
        [[0, 1]],
        [[1.5, 1]],
    ],
    "learning_rate": [0, 11, "fast"],
    "step_length": [0, 11, "long"],
    "penalty_weight": [-0.1, 11, "0.1"],
    "weight_decay": [-1e-9, 10.5, None],
    "epochs": [0, 201, 2.5],
    "networks": [0, 51, True],
    "training_images": [49, 1701, 500.0],
    "iterations": [-1, 2001, 20.0],
    "power_iterations": [0, 101],
    "kernels": [0, 501, 2.0],
    "budgets": [[], [5], 200, [200, 200], ["200"]],
    "image_size": [0, 257, 32.0],
    "tolerance": [0, 0.2, "1e-6"],
    "measure": [1, "yes", None],
    "seed": [-1, 2**32, 0.5],
    "state": [-1, 2**32, 1.5],
    "figure_dir": [1, None, ["figures"]],
    "results_dir": [0, None],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_bad_value_is_named_with_what_was_wanted(name, value):
    with pytest.raises(ValueError, match=rf"^{name}: wanted .*, got ") as caught:
        check_parameters({**GOOD, name: value}, list(GOOD))
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (Integer(0, 2000), "an integer from 0 to 2000"),
        (Integer(0, 2**32 - 1), "an integer from 0 to 4294967295"),
        (Real(1e-6, 1e6), "a number from 1e-6 to 1e6"),
        (Real(1e-12, 0.1), "a number from 1e-12 to 0.1"),
        (ListOf(Real(10, 10000)), "a list of 1 to 12 different numbers from 10 to 10000"),
        (
            ListOf(Pair(Integer(1, 64))),
            "a list of 1 to 12 different pairs [g, h] of integers from 1 to 64",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_says_its_bounds_as_one_writes_them(rule, wanted):
    assert rule.wanted == wanted


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if isinstance(rule, Real)])
def test_the_ends_of_an_interval_are_accepted_and_nothing_beyond(name):
    low, high = RULES[name].low, RULES[name].high
    assert RULES[name].accepts(low)
    assert RULES[name].accepts(high)
    step = 1 if isinstance(RULES[name], Integer) else 1e-15
    assert not RULES[name].accepts(low - step)
    assert not RULES[name].accepts(high + max(1, step))


def test_all_problems_come_at_once():
    with pytest.raises(ValueError, match=r"alpha: wanted .*; state: wanted"):
        check_parameters({"alpha": -1, "state": -1}, ["alpha", "state"])


# in a kernel, where IPython keeps the cells that ran

CELLS = ["", "import numpy", "alpha: float = 1.0  # the shift\nstate: int = 1  # the seed"]


def check_in_a_kernel(*cells, **values):
    """What the check says there; nothing but its cells names the parameters."""
    namespace = {"alpha": 1.0, "state": 1, **values, "In": [*CELLS, *cells]}
    return parameters.check_parameters(namespace)


def test_the_cells_of_a_kernel_name_the_parameters():
    assert check_in_a_kernel() == {"alpha": 1.0, "state": 1}
    assert check_in_a_kernel("%matplotlib inline", "1 +") == {"alpha": 1.0, "state": 1}
    with pytest.raises(ValueError, match="alpha: wanted a number"):
        check_in_a_kernel(alpha="1")


def test_a_parameter_that_was_never_set_is_none():
    assert check_in_a_kernel("tolerance: float = 1 / 0") == {"alpha": 1.0, "state": 1}


def test_an_unknown_name_is_refused_with_the_nearest_known_one():
    hint = (
        r"alhpa: no parameter of this notebook \(did you mean alpha\?\), wanted one of alpha, state"
    )
    with pytest.raises(ValueError, match=hint):
        check_in_a_kernel("# Parameters\nalhpa = 2\n_x = 3\n", alhpa=2)
    with pytest.raises(ValueError, match="_x: no parameter"):
        check_in_a_kernel("# Parameters\n_x = 3\n")
    with pytest.raises(ValueError, match="seed: no parameter"):
        check_in_a_kernel("# Parameters\nseed = 3\n", seed=3)


def test_what_papermill_sets_and_what_is_read_of_it_are_one():
    values = {"alpha": 2, "alphas": [1.0, 5.0], "measure": True, "figure_dir": "a 'b' \"c\""}
    assert injected_names({"In": [*CELLS, injected(values)]}) == list(values)


def test_a_cell_of_papermill_that_is_mended_by_hand_counts_as_it_is_now():
    wrong, mended = "# Parameters\nalhpa = 2", "# Parameters\nalpha = 2"
    assert check_in_a_kernel(wrong, mended, alpha=2) == {"alpha": 2.0, "state": 1}


def test_names_that_the_notebook_itself_defines_are_no_parameters():
    cells = ["# Parameters\nalpha = 1.0", "slope = 2.0", "kernels = {}"]
    assert check_in_a_kernel(*cells, slope=2.0, kernels={}) == {"alpha": 1.0, "state": 1}


# sizes and folders


def test_a_matrix_that_is_too_large_is_refused():
    names = ["input_channels", "output_channels", "input_size"]
    given = {"input_channels": 1, "output_channels": 4}
    check_parameters({**given, "input_size": 10}, names, largest=400)
    with pytest.raises(ValueError, match="input_size: wanted at most 10 with 4 channels, got 11"):
        check_parameters({**given, "input_size": 11}, names, largest=400)
    pairs = {"channels": [[1, 2]], "input_size": 15}
    with pytest.raises(ValueError, match="input_size: wanted at most 14 with 2 channels, got 15"):
        check_parameters(pairs, list(pairs), largest=400)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for name in FOLDERS:
        check_parameters({name: str(tmp_path / "new" / "folder")}, [name])
        assert not (tmp_path / "new").exists()
        for place in ("file", "file/below"):
            with pytest.raises(ValueError, match=f"{name}: wanted a folder that can be written to"):
                check_parameters({name: str(tmp_path / place)}, [name])


def test_what_is_given_back_is_of_one_type_and_without_the_folders():
    values = {**GOOD, "alpha": 2, "alphas": (1, 5), "channels": ((3, 1),)}
    given = check_parameters(values, list(GOOD))
    assert list(given) == [name for name in GOOD if name not in FOLDERS]
    assert (given["alpha"], given["alphas"], given["channels"]) == (2.0, [1.0, 5.0], [[3, 1]])
    assert isinstance(given["alpha"], float)
    assert all(isinstance(alpha, float) for alpha in given["alphas"])
    assert isinstance(given["iterations"], int)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("alpha", "1e-3", 0.001),
        ("iterations", "20", 20),
        ("iterations", "2.5", 2.5),
        ("measure", "True", True),
        ("alphas", "[0.1, 5]", [0.1, 5]),
        ("channels", "[[3, 1]]", [[3, 1]]),
        ("alpha", "fast", "fast"),
        ("figure_dir", "12", "12"),
        ("state", "", ""),
    ],
)
def test_a_command_lines_text_is_read_as_the_parameters_type(name, text, value):
    assert RULES[name].read(text) == value
    assert type(RULES[name].read(text)) is type(value)


def test_where_neither_cells_nor_annotations_are_kept_what_is_set_is_checked():
    """As by nbval from Python 3.14 on."""
    namespace = {"In": [""], "alpha": 1, "figure_dir": "", "math": math}
    assert parameters.check_parameters(namespace) == {"alpha": 1.0}
    with pytest.raises(ValueError, match=r"^alpha: wanted a number from 1e-6 to 1e6, got -1$"):
        parameters.check_parameters(namespace | {"alpha": -1})
