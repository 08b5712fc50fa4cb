"""What runs elsewhere: the workflows, CI, the hooks, Binder, and what a release says of itself."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pages import ROOT

import convreg

GITHUB = ROOT / ".github"
WORKFLOWS = {path.stem: path for path in (GITHUB / "workflows").glob("*.yml")}


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(name):
    """The steps of all jobs of a workflow."""
    return [step for job in read(WORKFLOWS[name])["jobs"].values() for step in job["steps"]]


def shell(name):
    """The lines that a workflow runs."""
    return "\n".join(step.get("run", "") for step in steps(name))


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_a_workflow_runs_targets_of_make_and_actions_with_a_version(name):
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    for line in re.findall(r"\bmake ([^|&;\n]*)", shell(name)):
        given = [word for word in line.split() if "=" not in word and word[0] != "."]
        assert set(given) <= set(targets), line
    for step in steps(name):
        assert ("run" in step) != ("uses" in step)
        assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v1)", step.get("uses", "a/b@v1"))


def test_ci_runs_the_quick_command_everywhere_and_the_thorough_one_once():
    jobs = read(WORKFLOWS["ci"])["jobs"]
    quick = [step.get("run") for step in jobs["test"]["steps"]]
    assert quick[-1] == "make test PYTHON=python"
    thorough = [step.get("run") for step in jobs["everything"]["steps"]]
    assert thorough[-1] == "CONVREG_BROWSER=required make test-all"
    last = (ROOT / ".ci" / "run").read_text().splitlines()[-2:]
    assert last == ["make torch", "CONVREG_BROWSER=required make test-all"]


def tagged(tag):
    """The step of the release that compares a tag with the version."""
    (step,) = [step for step in steps("release") if step.get("name") == "The tag is the version"]
    environment = {**os.environ, "GITHUB_REF_NAME": tag}
    command = ["bash", "-e", "-c", step["run"]]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_a_release_is_refused_where_the_tag_is_not_the_version():
    assert tagged(f"v{convreg.__version__}").returncode == 0
    refused = tagged("v9.9.9")
    assert refused.returncode == 1
    assert refused.stdout == f"the tag is v9.9.9, the version {convreg.__version__}\n"


def test_only_the_job_that_publishes_may_ask_for_a_token():
    workflow = read(WORKFLOWS["release"])
    assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML reads `on` as true
    assert workflow["permissions"] == {"contents": "read"}
    jobs = workflow["jobs"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert jobs["publish"]["needs"] == "build"
    assert "permissions" not in jobs["build"]


def test_dependabot_looks_after_pins_and_actions_every_week():
    updates = read(GITHUB / "dependabot.yml")["updates"]
    assert [entry["package-ecosystem"] for entry in updates] == ["pip", "github-actions"]
    assert all(entry["schedule"] == {"interval": "weekly"} for entry in updates)
    assert all((ROOT / entry["directory"].lstrip("/")).is_dir() for entry in updates)


def test_a_report_asks_what_was_run_what_came_and_with_which_versions():
    (template,) = (GITHUB / "ISSUE_TEMPLATE").iterdir()
    form = read(template)
    assert {"name", "description", "body"} <= form.keys()
    assert [entry["id"] for entry in form["body"]] == ["ran", "came", "versions"]
    assert all(entry["validations"] == {"required": True} for entry in form["body"])
    assert "`convreg --version`" in form["body"][2]["attributes"]["description"]


def test_zenodo_is_told_what_the_citation_says():
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    citation = read(ROOT / "CITATION.cff")
    assert zenodo["title"] == citation["title"]
    assert zenodo["license"] == citation["license"] == "MIT"
    assert zenodo["creators"] == citation["authors"]
    assert zenodo["upload_type"] == citation["type"] == "software"
    related = [entry["identifier"] for entry in zenodo["related_identifiers"]]
    (preprint,) = citation["references"]
    assert related == [preprint["identifiers"][0]["value"], citation["preferred-citation"]["doi"]]


def test_the_hooks_use_the_pinned_versions():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if ";" not in line)
    hooks = read(ROOT / ".pre-commit-config.yaml")["repos"]
    given = {hook["repo"].rpartition("/")[2]: hook.get("rev", "").lstrip("v") for hook in hooks}
    assert given == {"ruff-pre-commit": pins["ruff"], "nbstripout": pins["nbstripout"], "local": ""}


def test_binder_runs_post_build():
    assert os.access(ROOT / "postBuild", os.X_OK)
    assert not (ROOT / "binder").exists()  # it would hide environment.yml and postBuild
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    subprocess.run(["bash", str(ROOT / "postBuild")], check=True, env=environment)
