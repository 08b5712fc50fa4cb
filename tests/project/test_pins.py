"""The pins of constraints.txt: one for each package and Python, and each can be had."""

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
import yaml
from packaging import tags
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version
from pages import ROOT

import convreg

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
pytestmark = pytest.mark.filterwarnings("ignore:pkg_resources is deprecated")  # inside pip
LINES = (ROOT / "constraints.txt").read_text().splitlines()
PINS = [Requirement(line) for line in LINES]
PYTHONS = re.findall(r":: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)


def pins_for(python):
    """The pins that hold for a Python: name -> version."""
    held = [
        pin for pin in PINS if not pin.marker or pin.marker.evaluate({"python_version": python})
    ]
    found = {canonicalize_name(pin.name): pin.specifier for pin in held}
    assert len(found) == len(held), "two pins of one package hold at once"
    return {name: Version(str(specifier).removeprefix("==")) for name, specifier in found.items()}


def test_every_line_is_one_exact_version():
    for pin in PINS:
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), pin
    names = [canonicalize_name(pin.name) for pin in PINS]
    assert names == sorted(names)


def test_the_pythons_are_the_same_everywhere():
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^PYTHONS := (.*)$", makefile, re.MULTILINE)[1].split() == PYTHONS
    oldest = PROJECT["requires-python"].removeprefix(">=")  # and no newest
    assert oldest == PYTHONS[0]
    assert f"sys.version_info < ({oldest.replace('.', ', ')})" in makefile
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == PYTHONS


@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_asked_for_is_pinned_within_its_bounds(python):
    pins = pins_for(python)
    for entry in [
        *PROJECT["dependencies"],
        *(entry for extra in EXTRAS.values() for entry in extra),
    ]:
        wanted = Requirement(entry)
        assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)]), entry


def names(extra):
    return {Requirement(entry).name for entry in EXTRAS[extra]}


def test_each_extra_is_for_one_use():
    core = {Requirement(entry).name for entry in PROJECT["dependencies"]}
    assert core == {"numpy", "scipy", "threadpoolctl"}
    assert names("torch") == {"torch"}  # who trains a network of their own needs no JupyterLab
    assert names("torch") < names("training")
    assert names("dask") < names("test")  # tested as it is offered
    assert not core & set().union(*map(names, EXTRAS))
    assert not names("notebooks") & (names("test") | names("site") | names("training"))


def brings(name, found):
    """A package and what it asks for where no extra is named, and so on."""
    found.add(canonicalize_name(name))
    for line in importlib.metadata.requires(name) or []:
        wanted = Requirement(line)
        needed = not wanted.marker or wanted.marker.evaluate({"extra": ""})
        if needed and canonicalize_name(wanted.name) not in found:
            brings(wanted.name, found)
    return found


def test_the_package_alone_brings_nothing_else():
    found = set()
    for entry in PROJECT["dependencies"]:
        brings(Requirement(entry).name, found)
    assert found == {"numpy", "scipy", "threadpoolctl"}


def test_what_jupyterlab_would_bring_is_seen():
    assert {"jupyterlab", "jinja2", "markupsafe"} <= brings("jupyterlab", set())


def test_the_conda_environment_takes_the_same_pins():
    *conda, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    # repo2docker reads a minor version, and only after an equals sign
    python = re.fullmatch(r"python=(3\.\d+)", conda[0])[1]
    assert conda[1:] == ["pip"]
    pins = pins_for(python)
    core = {Requirement(entry).name for entry in PROJECT["dependencies"]}
    wanted = [f"{name}=={pins[name]}" for name in core | names("notebooks")]
    *given, package = pip["pip"]
    assert sorted(given) == sorted(wanted)
    assert package == "-e .[notebooks]"


def test_the_version_stands_in_one_place():
    assert PROJECT["dynamic"] == ["version"]
    package = (ROOT / "convreg").rglob("*.py")
    lines = [line for path in package for line in path.read_text().splitlines()]
    assert lines.count(f'__version__ = "{convreg.__version__}"') == 1


OLD = ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]
PLATFORMS = [*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)), *OLD]


@cache
def accepted(python):
    """The tags of the wheels that a Python on Linux takes."""
    version = tuple(int(part) for part in python.split("."))
    own = tags.cpython_tags(version, platforms=PLATFORMS)
    return {*own, *tags.compatible_tags(version, f"cp{version[0]}{version[1]}", PLATFORMS)}


def asks(options):
    """A function: the files that pip's index has of a package; None where it does not answer."""
    sessions = pytest.importorskip("pip._internal.network.session")
    session = sessions.PipSession(retries=1, index_urls=[options.index_url])
    session.timeout = 20
    session.verify = options.cert or True
    address = options.index_url.rstrip("/")
    kind = {"Accept": "application/vnd.pypi.simple.v1+json"}

    def files(name):
        try:
            answer = session.get(f"{address}/{name}/", headers=kind)
            return answer.json()["files"]
        except (OSError, ValueError, KeyError):
            return None

    return files


@pytest.fixture(scope="module")
def index():
    """What the index has of every package: name -> files; skipped where it does not answer."""
    commands = pytest.importorskip("pip._internal.commands")
    files = asks(commands.create_command("download").parser.get_default_values())
    wanted = sorted({canonicalize_name(pin.name) for pin in PINS})
    if files(wanted[0]) is None:
        pytest.skip("there is no network, or pip's index does not answer with JSON")
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(wanted, pool.map(files, wanted), strict=True))


def is_for(file, python):
    """Whether the first release of a Python may install a file, by its metadata."""
    try:
        specifier = SpecifierSet(file.get("requires-python") or "")
    except InvalidSpecifier:
        return False
    return specifier.contains(f"{python}.0") and not file.get("yanked")


def has_wheel(files, version, python):
    """Whether there is a wheel of a version for a Python."""
    for file in files:
        try:
            _, built, _, kinds = parse_wheel_filename(file["filename"])
        except InvalidWheelFilename:
            continue  # a source
        if built == version and kinds & accepted(python) and is_for(file, python):
            return True
    return False


@pytest.mark.network
@pytest.mark.parametrize("python", PYTHONS)
def test_every_pin_has_a_wheel(index, python):
    lacking = {
        f"{name}=={version}"
        for name, version in pins_for(python).items()
        if not has_wheel(index[name], version, python)
    }
    assert not lacking


@pytest.mark.network
def test_pip_installs_three_packages_beside_convreg(index, tmp_path):
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    subprocess.run([*command, "--report", report, ROOT], check=True)
    installed = json.loads(report.read_text())["install"]
    names = {canonicalize_name(package["metadata"]["name"]) for package in installed}
    assert names == {"convreg", "numpy", "scipy", "threadpoolctl"}


@pytest.mark.network
def test_a_pin_without_a_wheel_is_found(index):
    assert has_wheel(index["numpy"], Version("2.4.6"), "3.11")
    assert not has_wheel(index["numpy"], Version("2.4.6"), "3.15")  # older than this Python
    assert not has_wheel(index["numpy"], Version("2.5.5"), "3.11")  # no longer for this one
    assert not has_wheel(index["numpy"], Version("2.4.66"), "3.11")
