"""The networks of torchvision and timm: what is covered, and the adjoint of every layer.

`make zoo` runs it in an environment with torchvision; elsewhere the table alone is read.
"""

import re
import runpy
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[torch]'")

ZOO = Path(__file__).parents[2] / "benchmarks" / "zoo.py"
QUICK = ["squeezenet1_1", "mobilenet_v2", "googlenet", "timm/tf_efficientnet_b0"]


def rows():
    """The lines of the table by the network's name."""
    lines = ZOO.with_name("coverage.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return {name: row for name, *row in cells[2:]}


@pytest.fixture(scope="module")
def zoo():
    """The script that makes the table."""
    pytest.importorskip("torchvision", reason="torchvision is not installed: make zoo")
    return runpy.run_path(str(ZOO))


def test_every_convolution_of_the_table_has_a_term_or_is_said_to_be_left_out():
    table = rows()
    assert len(table) > 40
    for convolutions, covered, left_out, terms in (row[1:5] for row in table.values()):
        numbers = map(int, re.findall(r"\d+", left_out))
        assert int(convolutions) == int(covered) + sum(numbers)
        assert int(terms) >= int(covered)
    assert table["resnet18"][1:5] == ["20", "20", "0", "20"]
    assert table["resnet50"][1:5] == ["53", "53", "0", "53"]
    assert table["timm/nf_resnet50"][1:5] == ["53", "0", "53 refused", "0"]


def test_the_table_names_every_network_of_the_script(zoo):
    assert list(rows()) == list(zoo["MODELS"])


@pytest.mark.parametrize("name", QUICK)
def test_a_row_of_the_table(zoo, name):
    *cells, total = rows()[name]
    _, *found, again = zoo["row"](name).split(" | ")
    assert found == cells
    assert float(again) == pytest.approx(float(total), rel=0.02)


@pytest.mark.parametrize("name", QUICK)
def test_the_adjoint_of_every_layer(zoo, name):
    """<M x, y> = <x, M'y>, M being the layer itself, called on images."""
    regularizer, *_ = zoo["covered"](name)
    for term in regularizer:
        M, layer = term.map, term.layer
        X, zero = torch.randn(M.input_shape), torch.zeros(M.input_shape)
        MX = (layer(X) - layer(zero)).detach()
        Y = torch.randn(MX.shape)
        other = (X * M.adjoint(Y, layer.weight.detach())).sum()
        assert ((MX * Y).sum() - other).abs() < 1e-5 * MX.norm() * Y.norm()
