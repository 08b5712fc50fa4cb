"""Notebook 5 through `reproduce`: what is printed, and the results that it keeps."""

import hashlib
import json

import pytest

from convreg import matlab_rand
from convreg.claims.definitions import HOLDS, IN_PART, Scored, as_markdown
from convreg.companion import reproduce
from convreg.companion.notebooks import Notebook, all_notebooks, find_notebook
from convreg.storage.tables import read_table

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The run as `reproduce` had it, and the folder in which it wrote."""
    place = tmp_path_factory.mktemp("reproduced")
    ended = []

    def execute(*given):
        ended.append(run(*given))
        return ended[-1]

    with pytest.MonkeyPatch.context() as patch:
        run = reproduce.execute
        patch.setattr(reproduce, "all_notebooks", lambda: [find_notebook("05")])
        patch.setattr(reproduce, "execute", execute)
        folders = ["--build", f"{place}/build", "--figures", f"{place}/figures"]
        assert reproduce.main(folders) == 0
    return ended[0], place


@pytest.fixture(scope="module")
def found(ran):
    """The results."""
    run, _ = ran
    assert list(run.results) == ["05_example_1.json"]
    return json.loads(run.results["05_example_1.json"])


def scorecard_rows():
    """The rows that the committed notebook 0 shows."""
    outputs = [
        out
        for cell in Notebook.read(all_notebooks()[0]).cells
        for out in cell.get("outputs", [])
        if "text/markdown" in out.get("data", {})
    ]
    return [line for out in outputs for line in out.data["text/markdown"].splitlines()[2:]]


def test_the_claims_are_those_of_the_committed_scorecard(ran):
    run, _ = ran
    assert len(reproduce.claim_lines([run])) == len(run.claims()) >= 6
    judged = as_markdown(Scored(**claim) for claim in run.claims()).splitlines()[2:]
    assert set(judged) <= set(scorecard_rows())


def test_the_figure_and_the_executed_notebook_are_where_they_were_asked(ran):
    _, place = ran
    names = ["figure_3_1.csv", "figure_3_1.pdf", "figure_3_1.png"]
    assert sorted(path.name for path in (place / "figures").iterdir()) == names
    assert (place / "build/05_example_1.ipynb").exists()


def test_the_parameters_are_the_notebooks_own(found):
    known = Notebook.read(find_notebook("05")).declared
    assert list(found["parameters"]) == [name for name in known if not name.endswith("_dir")]
    for name, value in found["parameters"].items():
        assert value == json.loads(known[name].default)


def test_the_kernels_are_the_papers(found):
    hashes = []
    for g, h in ((3, 1), (1, 3), (3, 6), (6, 3)):
        K = matlab_rand(3, 3, g, h, state=1)
        hashes.append(hashlib.sha256(K.tobytes(order="F")).hexdigest())
    assert sorted(found["kernel_sha256"].values()) == sorted(hashes)


def test_the_headline_has_six_digits(found):
    assert found["headline"]
    for value in found["headline"].values():
        assert value == float(f"{value:.6g}")


def test_the_claims_come_with_their_verdicts(found):
    assert len(found["claims"]) >= 6
    assert {tuple(claim) for claim in found["claims"]} == {Scored._fields}
    assert {claim["verdict"] for claim in found["claims"]} == {HOLDS, IN_PART}


def test_the_tables_are_those_of_the_figures(found, ran):
    _, place = ran
    table = read_table(place / "figures/figure_3_1.csv")
    columns = {name: column.tolist() for name, column in table.items()}
    assert found["tables"] == {"figure_3_1": columns}
