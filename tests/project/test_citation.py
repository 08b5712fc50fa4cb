"""How the paper and the software are cited."""

import re

import pytest
import yaml
from pages import README, ROOT

import convreg

ARXIV = "On Regularization of Convolutional Kernels in Neural Networks"
JOURNAL = "On the regularization of convolutional kernel tensors in neural networks"
DOI = "10.1080/03081087.2020.1795058"
EPRINT = "1906.04866"


@pytest.mark.parametrize("path", ["README.md", "docs/index.md", "notebooks/00_overview.ipynb"])
def test_each_title_of_the_paper_stands_with_its_own_identifier(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    for title, identifier, other in ((ARXIV, f"arXiv:{EPRINT}", DOI), (JOURNAL, DOI, EPRINT)):
        after = text.split(f"*{title}*", 1)[1]
        assert after.index(identifier) < (after.index(other) if other in after else len(after))
    assert re.search(r"equation numbers are (its own|used)", text)
    neither = "regularization of convolutional kernels in neural networks"
    assert neither not in text


def bibtex():
    """The entries of the README: type -> field -> value."""
    (block,) = re.findall(r"```bibtex\n(.*?)```", README, re.DOTALL)
    entries = re.findall(r"@(\w+)\{\w+,\n(.*?)\n\}", block, re.DOTALL)
    return {kind: dict(re.findall(r"(\w+) *= \{(.*?)\}", fields)) for kind, fields in entries}


def test_bibtex_names_both_texts():
    preprint = bibtex()["misc"]
    article = bibtex()["article"]
    assert (preprint["title"], preprint["eprint"]) == (ARXIV, EPRINT)
    assert preprint["archiveprefix"] == "arXiv"
    assert (article["title"], article["doi"]) == (JOURNAL, DOI)
    assert article["journal"] == "Linear and Multilinear Algebra"
    assert (article["volume"], article["number"], article["pages"]) == ("70", "12", "2318--2330")
    assert article["year"] == "2022"
    assert preprint["author"] == article["author"] == "Guo, Pei-Chang and Ye, Qiang"


def test_citation_cff_names_both_texts():
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    preferred = cff["preferred-citation"]
    (reference,) = cff["references"]
    assert (preferred["type"], preferred["title"]) == ("article", JOURNAL)
    assert preferred["doi"] == DOI
    pages = f"{preferred['start']}--{preferred['end']}"
    assert (str(preferred["volume"]), preferred["issue"], pages) == ("70", "12", "2318--2330")
    assert reference["title"] == ARXIV
    assert reference["identifiers"][0]["value"] == f"arXiv:{EPRINT}"


def test_the_versions_agree():
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cff["version"] == convreg.__version__
    dated = f"## {convreg.__version__} - {cff['date-released']}\n"
    assert dated in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
