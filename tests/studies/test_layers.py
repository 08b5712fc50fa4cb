"""Layer scale: the shapes of ResNet-18, the fitted slopes, and the figures of notebook 9."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from convreg.companion.reproduce import ROOT
from convreg.matrix import conv_matrix
from convreg.plots.layers import gap_figure, growth_figure, rate_figure
from convreg.storage.progress import progress
from convreg.storage.tables import groups, read_table
from convreg.studies import layers
from convreg.studies.layers import (
    Layer,
    bound_gaps,
    gaussian_kernel,
    random_triplets,
    resnet18,
    seconds,
    symbol_maximum,
    with_slopes,
)
from convreg.symbol import symbol


@pytest.fixture(autouse=True)
def _close_figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


def test_the_kinds_of_resnet18():
    found = resnet18()
    assert len(found) == len(set(found)) == 11
    assert sum(layer.count for layer in found) == 20
    assert {layer.N for layer in found} == {224, 56, 28, 14, 7}
    assert {layer.outputs for layer in found} == {112, 56, 28, 14, 7}
    strided = [layer for layer in found if layer.stride == 2]
    assert [layer.stride for layer in found if layer not in strided] == [1] * 4
    assert sum(layer.count for layer in strided) == 7
    assert [(layer.k, layer.g, layer.h) for layer in strided] == [
        (7, 3, 64),
        (3, 64, 128),
        (1, 64, 128),
        (3, 128, 256),
        (1, 128, 256),
        (3, 256, 512),
        (1, 256, 512),
    ]
    weights = sum(layer.count * layer.k**2 * layer.g * layer.h for layer in found)
    assert (
        weights == 11_166_912
    )  # the 11,689,512 of the network less 513,000 (fully connected), 9,600 (batch norm)


def test_the_image_size_is_halved_and_rounded_up():
    assert [layer.N for layer in resnet18(33)] == [33, 9, 9, 5, 9, 5, 3, 5, 3, 2, 3]
    assert [layer.outputs for layer in resnet18(33)] == [17, 9, 5, 5, 5, 3, 3, 3, 2, 2, 2]
    assert {layer.N for layer in resnet18(1)} == {1}


def test_a_layer_of_a_network_reads_what_the_one_before_puts_out():
    """In the order of the network: 3 x 3 layers after one another, the 1 x 1 beside the first."""
    sizes = [(layer.N, layer.outputs) for layer in resnet18(99) if layer.k == 3]
    assert sizes == [(25, 25), (25, 13), (13, 13), (13, 7), (7, 7), (7, 4), (4, 4)]
    assert all(
        one.N == first.N and one.outputs == first.outputs
        for first, one in zip(resnet18(99)[2::3], resnet18(99)[4::3], strict=True)
    )


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("N", [4, 7])
def test_operations_and_shape_are_those_of_the_matrix(stride, N):
    layer = Layer(3, 2, 5, N, stride)
    K = gaussian_kernel(layer)
    M = conv_matrix(K, N, stride=stride)
    assert M.shape == layer.shape == layers.operator(K, layer).shape
    assert layer.operations == 2 * K.size * layer.outputs**2
    assert layer.h * layer.outputs**2 == len(M.toarray())


def test_a_layer_is_named_by_its_size_and_stride():
    assert str(Layer(3, 2, 5, 4)) == "3x3x2x5, N = 4"
    assert str(Layer(3, 2, 5, 4, stride=2, count=2)) == "3x3x2x5, N = 4, stride 2"


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_kernels_and_triplets(dtype):
    layer = Layer(3, 16, 32, 5)
    K = gaussian_kernel(layer, 7, dtype)
    assert K.dtype == dtype
    assert K.var() * 9 * 16 == pytest.approx(1, rel=0.1)
    assert not np.array_equal(K, gaussian_kernel(layer, 8, dtype))
    for sigma, u, v in random_triplets(layer, dtype):
        assert sigma.dtype == u.dtype == v.dtype == dtype
        assert u.shape == v.shape == (16 * 25,)
        assert np.linalg.norm(u) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_maximum_of_the_symbol_is_that_of_a_much_finer_grid(seed):
    K = gaussian_kernel(Layer(3, 2, 3, 5), seed)
    fine = np.linspace(0, 2 * np.pi, 501)
    grid = np.linalg.norm(symbol(K, fine[:, np.newaxis], fine), 2, axis=(2, 3)).max() ** 2
    found = symbol_maximum(K)
    assert grid * (1 - 1e-12) <= found <= grid * (1 + 1e-4)


def test_the_gaps_of_the_bounds_are_those_of_the_dense_matrix():
    """Both are above sigma_max, the maximum of the symbol as far as the torus or further."""
    K = gaussian_kernel(Layer(3, 2, 3, 5))
    sides = (4, 6, 9)
    table = bound_gaps(K, sides, tolerance=0.0)
    lines = groups(table, "bound")
    assert list(lines) == ["symbol", "torus"]
    for N, above, less in zip(sides, lines["symbol"]["gap"], lines["torus"]["gap"], strict=True):
        square = np.linalg.norm(conv_matrix(K, N).toarray(), 2) ** 2
        assert symbol_maximum(K) == pytest.approx(square * (1 + above), rel=1e-9)
        assert 0 <= less <= above
    for line in lines.values():
        logarithms = np.log(line["N"]), np.log(line["gap"])
        assert line["slope"] == pytest.approx(np.polyfit(*logarithms, 1)[0], abs=1e-5)


def test_the_torus_is_exact_for_one_tridiagonal_kernel():
    """The matrix of 1, 2, 1 has the norm 2 + 2 cos(pi / (N + 1)), and so has a torus."""
    K = np.outer([0, 1, 0], [1.0, 2, 1])
    line = groups(bound_gaps(K, (8, 16, 32), tolerance=0.0), "bound")
    assert np.abs(line["torus"]["gap"]).max() < 1e-9
    expected = [4 / (2 + 2 * np.cos(np.pi / (N + 1))) for N in (8, 16, 32)]
    assert line["symbol"]["gap"] + 1 == pytest.approx(np.square(expected), rel=1e-6)


@pytest.mark.parametrize("stride", [1, 2])
def test_entries_are_those_of_the_representations(stride):
    layer = Layer(1, 2, 3, 4, stride)
    K = gaussian_kernel(layer)
    made = {name: make(K, layer) for name, make in layers.REPRESENTATIONS.items()}
    x = random_triplets(layer)[0].v
    assert np.allclose(made["dense"] @ x, made["sparse"] @ x, rtol=1e-12)
    assert np.allclose(made["dense"] @ x, made["matrix-free"] @ x, rtol=1e-12)
    assert layers.entries(layer, "dense") == made["dense"].size
    assert layers.entries(layer, "sparse") == made["sparse"].nnz
    assert layers.entries(layer, "matrix-free") == K.size
    assert layers.entries(Layer(3, 1, 1, 4), "sparse") == 9 * 16  # no less than what is stored


def test_seconds_are_those_of_one_call(monkeypatch):
    calls = []
    monkeypatch.setattr(
        layers.time, "perf_counter", lambda: 0.5 * len(calls)
    )  # every call takes half a second
    assert seconds(lambda: calls.append(0), repeats=3, at_least=2.5) == 0.5
    assert len(calls) == 1 + 5 + 3 * 5


def test_the_slopes_are_those_of_the_last_points_of_each_line():
    """The rows of two lines alternate, as where they are timed; what is there stays as it is."""
    x = np.repeat([1.0, 2, 4, 8, 16, 32], 2)
    dense, sparse = np.r_[7, 7, x[4::2] ** 3], np.r_[1, 1, x[4::2] ** 1.23456]
    times = {
        "against": np.array(["N"] * 12),
        "representation": np.array(["dense", "sparse"] * 6),
        "x": x,
        "seconds": np.stack([dense, sparse], axis=1).ravel(),
    }
    table = with_slopes(times)
    assert list(table) == [*times, "slope"]
    assert all(table[name] is column for name, column in times.items())
    assert table["slope"].tolist() == [3.0, 1.23456] * 6
    assert with_slopes(times, last=6)["slope"].tolist() != table["slope"].tolist()


def test_the_slopes_against_n_are_not_those_against_the_channels():
    x = np.array([1.0, 2, 4, 8])
    times = {
        "against": np.repeat(["N", "channels"], 4),
        "representation": np.array(["dense"] * 8),
        "x": np.r_[x, x],
        "seconds": np.r_[x**4, x**2],
    }
    assert with_slopes(times)["slope"].tolist() == [4.0] * 4 + [2.0] * 4


def test_progress_gives_the_items(capsys):
    assert list(progress(iter("abc"), "letters")) == ["a", "b", "c"]
    assert "letters" in capsys.readouterr().out


def test_time_updates_leaves_out_what_is_too_large(monkeypatch, capsys):
    monkeypatch.setattr(layers, "update_seconds", lambda layer, representation: float(layer.N))
    table = layers.time_updates(largest=10**6)
    assert capsys.readouterr().err == ""  # the bar is where a notebook can clear it
    assert {len(column) for column in table.values()} == {len(table["x"])}
    rows = list(zip(table["against"], table["representation"], table["x"], strict=True))
    assert ("N", "dense", 7) in rows
    assert ("N", "dense", 10) not in rows
    assert ("N", "matrix-free", 112) in rows


def test_time_products_is_a_row_for_each_layer_and_type(monkeypatch):
    monkeypatch.setattr(layers, "gemm_seconds", lambda dtype: 1.0)
    monkeypatch.setattr(
        layers, "gram_seconds", lambda layer, dtype: 2.0 if dtype is np.float64 else 4.0
    )
    table = layers.time_products([Layer(1, 1, 1, 1), Layer(3, 1, 1, 2)])
    assert table["type"].tolist() == ["float64", "float32"] * 2
    assert table["fraction"].tolist() == [0.5, 0.25] * 2
    assert table["layer"][2] == "3x3x1x1, N = 2"


def test_updates_and_products_can_be_timed():
    layer = Layer(2, 2, 1, 3)
    for representation in layers.REPRESENTATIONS:
        assert 0 < layers.update_seconds(layer, representation) < 1
    assert 0 < layers.gram_seconds(layer, np.float32)
    assert 0 < layers.gemm_seconds(np.float32, size=20)


def test_the_recorded_times_are_drawn():
    updates = with_slopes(read_table(ROOT / "benchmarks" / "updates.csv"))
    products = read_table(ROOT / "benchmarks" / "products.csv")
    left, right = growth_figure(updates).axes
    for ax, rows in zip((left, right), groups(updates, "against").values(), strict=True):
        assert len(ax.lines) == 3
        for line, (_, drawn) in zip(ax.lines, groups(rows, "representation").items(), strict=True):
            assert line.get_xdata().tolist() == drawn["x"].tolist()
            assert line.get_ydata().tolist() == drawn["seconds"].tolist()
        slopes = [
            f"slope {line['slope'][0]:.1f}" for line in groups(rows, "representation").values()
        ]
        assert [text.get_text().split("\n")[1] for text in ax.texts] == slopes
    (ax,) = rate_figure(products).axes
    assert sorted(np.concatenate([line.get_xdata() for line in ax.lines])) == sorted(
        products["fraction"]
    )
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == [str(layer).replace("x", "×") for layer in resnet18()][::-1]


def test_the_gap_figure_has_a_line_for_each_bound_with_its_slope():
    lines = {"symbol": np.array([0.1, 0.025]), "torus": np.array([0.05, 0.01])}
    table = {
        "bound": np.repeat(list(lines), 2),
        "N": np.array([10, 20, 10, 20]),
        "gap": np.concatenate(list(lines.values())),
        "slope": np.array([-2.0, -2.0, -2.32, -2.32]),
    }
    (ax,) = gap_figure(table).axes
    drawn = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in ax.lines]
    assert drawn == [([10, 20], gap.tolist()) for gap in lines.values()]
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()
    words = [text.get_text() for text in ax.texts]
    assert words == ["maximum of the symbol: slope -2.0", "torus that avoids it: slope -2.3"]
    assert ax.get_xscale() == ax.get_yscale() == "log"
