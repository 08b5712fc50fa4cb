"""For the tests of a sweep: a notebook whose runs do as they are told, and what a sweep left."""

import csv
import json
from collections import Counter

from tiny import status

from convreg.companion.runs import Run

BODY = """log = Path(os.environ["SWEEP_LOG"])
with open(log, "a") as lines:
    lines.write(f"{state} {os.getpid()}\\n")
broken = log.with_name("broken").exists()
if state == 3 and broken:
    raise ValueError(f"state: {state}, no")
if state == 4 and broken:
    os.kill(os.getpid(), 9)
if state == 5 and broken:
    os.kill(os.getppid(), 9)
time.sleep(float(os.environ.get("SWEEP_SLEEP", "0")) * (state > 5))"""


class PretendedRuns(list):
    """Instead of kernels: the parameters of every run; `fail` and `during` say what happens."""

    fail = ()

    @staticmethod
    def during(parameters):
        """What is done while a run goes on."""

    def execute(self, notebook, parameters):
        """In the place of `convreg.companion.runs.execute`."""
        self.append(parameters)
        self.during(parameters)
        if parameters["state"] in self.fail:
            return Run(b"executed", {"x.csv": b""}, {}, 0.2, "code cell 5\nValueError: no")
        headline = {"twice": 2 * parameters["alpha"], "sum": parameters["state"]}
        found = json.dumps({"headline": headline}).encode()
        return Run(b"executed", {"x.csv": b"x"}, {"tiny.json": found}, 0.1, "")


def swept(*grid, out="out", notebook="tiny.ipynb", more=()):
    """The exit status of a sweep."""
    return status("sweep", notebook, "--grid", *grid, "--out", out, *more)


def index(out):
    """The rows of index.csv, each cell as text."""
    with open(out / "index.csv", newline="") as file:
        return list(csv.DictReader(file))


def by_state(out):
    """How the run of each state ended; every run has one row and one folder."""
    rows = index(out)
    assert len(rows) == len({row["run"] for row in rows}) == len(list(out.glob("runs/*")))
    return {int(row["state"]): row["status"] for row in rows}


def without_seconds(out):
    """The rows of index.csv but for the times."""
    return [{name: row[name] for name in row if name != "seconds"} for row in index(out)]


def logged(folder):
    """How often each state was run."""
    return Counter(int(line.split()[0]) for line in (folder / "log").read_text().splitlines())
