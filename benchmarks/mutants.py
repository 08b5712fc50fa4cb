"""A mutation run over the mathematics: plant one small fault at a time and see whether tests fail.

    python benchmarks/mutants.py [-n PROCESSES] [--faults LIST] [--write LIST] [--count 200]

A fault is one token of one function: an operator, a constant, a dropped minus, not, .T or keyword,
two arguments exchanged, a call that gives its argument back, a branch never taken, a statement left
out. It is kept as text: the module, the function, what stood there and what stands there now, from
the whole statement down to the token; so it is planted again where the code has been reformatted,
split or moved. Where its place is gone, the fault of the same module most like it takes its turn.
The tests about the module run first, the rest of the mathematics' after them; a fault with which
they take five times as long is caught too.

With --faults it ends with 1 where one of the list that was caught is not caught any more.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import multiprocessing
import os
import queue
import random
import resource
import shutil
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MODULES = ["matlab_random", "verify", "geometry", "taps", "fourier", "winograd", "arpack",
           "threads", "convolution", "matrix", "gradients", "power", "lanczos", "lines",
           "symbol", "trigonometric", "peaks", "fill", "inertia", "bounds", "davidson",
           "circulant", "decomposed", "shift_invert", "extremes", "gram", "penalty", "forms",
           "steps", "learning_rates", "descent", "expansion", "zeros", "winding"]  # fmt: skip
ABOUT = {"arpack": "lanczos", "threads": "lanczos", "fill": "extremes", "circulant": "extremes",
         "decomposed": "extremes", "shift_invert": "extremes", "gram": "penalty", "steps": "forms",
         "zeros": "expansion"}  # tested with another  # fmt: skip
TESTED = [*MODULES, "checks", "examples"]
LIBRARIES = ["pytest", "hypothesis", "matplotlib.testing.compare", "scipy.sparse.linalg"]
SECONDS = 60, 300  # of a processor, for the tests about the module and for the others
COMPARE = {"Lt": ["LtE", "Gt"], "LtE": ["Lt"], "Gt": ["GtE", "Lt"], "GtE": ["Gt"], "Eq": ["NotEq"],
           "NotEq": ["Eq"], "Is": ["IsNot"], "IsNot": ["Is"]}  # fmt: skip
BINARY = {"Add": "Sub", "Sub": "Add", "Mult": "Div", "Div": "Mult", "FloorDiv": "Mult",
          "Mod": "FloorDiv", "Pow": "Mult", "LShift": "RShift", "RShift": "LShift",
          "BitAnd": "BitOr", "BitOr": "BitAnd", "BitXor": "BitOr"}  # fmt: skip
# f(x) -> x
UNDONE = {"abs", "max", "min", "float", "np.abs", "np.sqrt", "np.square", "np.ascontiguousarray"}
NOT_READ = {"annotation", "returns", "decorator_list", "targets", "target", "optional_vars", "ctx"}
ANYWHERE, LONG = None, 20  # a text of so many characters is known again in another function
HARMLESS = {"strict", "copy", "out"}  # keywords which change no number


def variants(node, owner, field):
    """What may stand in the place of a node by mistake."""

    def changed(**fields):
        return type(node)(**{**dict(ast.iter_fields(node)), **fields})

    operator = BINARY.get(type(getattr(node, "op", None)).__name__)
    index = isinstance(owner, ast.Subscript) and field == "slice"
    match node:
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                for name in COMPARE.get(type(op).__name__, []):
                    yield changed(ops=[*ops[:i], getattr(ast, name)(), *ops[i + 1 :]])
        case ast.BinOp(op=ast.MatMult()) if ast.dump(node.left) != ast.dump(node.right):
            yield changed(left=node.right, right=node.left)
        case ast.BinOp() | ast.AugAssign() if operator:
            yield changed(op=getattr(ast, operator)())
        case ast.BoolOp():
            yield changed(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield ast.Constant(-1 if index and node.value == 0 else node.value + 1)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield ast.Constant(0) if index else node.operand
        case ast.IfExp():
            yield changed(body=node.orelse, orelse=node.body)
        case ast.Attribute(attr="T"):
            yield node.value
        case ast.Call(args=[first, *rest]) if not isinstance(first, ast.Starred):
            if ast.unparse(node.func) in UNDONE:
                yield first
            if (
                rest
                and not isinstance(rest[0], ast.Starred)
                and ast.dump(first) != ast.dump(rest[0])
            ):
                yield changed(args=[rest[0], first, *rest[1:]])
        case ast.Call(func=ast.Attribute(value=array, attr="copy" | "conj")):
            yield array
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg not in HARMLESS | {None}:
                yield changed(keywords=[other for other in node.keywords if other is not keyword])
    if isinstance(owner, ast.If) and field == "test":
        yield ast.Constant(False)
    if left_out(node):
        yield ast.Pass()


def left_out(node):
    """Whether the code may still run without this statement."""
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant | ast.Yield)
    if isinstance(node, ast.Assign):  # of a name that is bound before
        read = {ast.unparse(part) for part in ast.walk(node.value)}
        return (
            not isinstance(node.targets[0], ast.Name | ast.Tuple)
            or ast.unparse(node.targets[0]) in read
        )
    return isinstance(node, ast.AugAssign | ast.Raise)


def places(node, function="", inside=False, chain=()):
    """(function, chain) for each node of a function: the slots from its statement down to it."""
    for field, value in ast.iter_fields(node):
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if (
                field in NOT_READ
                or not isinstance(child, ast.AST)
                or isinstance(child, ast.JoinedStr)
            ):
                continue
            if isinstance(child, ast.keyword) and child.arg in HARMLESS:
                continue
            whole = isinstance(child, ast.stmt)
            below = (*(() if whole else chain), (node, field, index, child))
            if inside and (whole or isinstance(child, ast.expr)):
                yield function, below
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                name = f"{function}.{child.name}".lstrip(".")
                yield from places(child, name, inside or isinstance(child, ast.FunctionDef))
            elif not isinstance(child, ast.Raise):  # what it says is not mathematics
                yield from places(
                    child, function, inside, () if whole and hasattr(child, "body") else below
                )


def put(slot, new):
    owner, field, index, _ = slot
    if index is None:
        setattr(owner, field, new)
    else:
        getattr(owner, field)[index] = new


class Code:
    """A module, and where in it each text stands."""

    def __init__(self, path):
        self.path, self.tree = path, ast.parse(path.read_text(encoding="utf-8"))
        self.places, self.slots = list(places(self.tree)), {}
        for function, chain in self.places:
            text = ast.unparse(chain[-1][-1])
            for where in (function, ANYWHERE):
                self.slots.setdefault((where, text), []).append(chain[-1])

    def faults(self):
        """All; a level is [before, after, which, among]: the which-th of so many places."""
        for function, chain in self.places:
            slots = [slot for slot in chain if isinstance(slot[-1], ast.stmt | ast.expr)]
            before = [ast.unparse(slot[-1]) for slot in slots]
            for new in variants(chain[-1][-1], *chain[-1][:2]):
                put(chain[-1], new)
                after = [*(ast.unparse(slot[-1]) for slot in slots[:-1]), ast.unparse(new)]
                put(chain[-1], chain[-1][-1])
                levels = []
                for slot, old, text in zip(slots, before, after, strict=True):
                    same = [other is slot for other in self.slots[function, old]]
                    levels.append([old, text, same.index(True), len(same)])
                yield {"module": self.path.stem, "function": function, "levels": levels}

    def planted(self, fault, function):
        """The code with the fault in this function, or None where its place is gone."""
        for before, after, which, among in fault["levels"]:
            slots = self.slots.get((function, before), [])
            if function is ANYWHERE and (among > 1 or len(before) < LONG):
                continue
            if len(slots) == among:
                slot = slots[which]
                whole = isinstance(slot[-1], ast.stmt)
                try:
                    put(
                        slot,
                        ast.parse(after).body[0] if whole else ast.parse(after, mode="eval").body,
                    )
                    return ast.unparse(self.tree)
                except SyntaxError:  # a slice cannot stand alone: the next level
                    continue
                finally:
                    put(slot, slot[-1])
        return None


def drawn(codes, count, draw):
    """So many faults: more from longer modules, evenly through each."""
    everything = [list(code.faults()) for code in codes.values()]
    weight = sum(len(faults) ** 0.5 for faults in everything)
    for faults in everything:
        wanted, start = min(len(faults), round(count * len(faults) ** 0.5 / weight)), draw.random()
        yield from (faults[int((i + start) * len(faults) / wanted)] for i in range(wanted))


def planted(codes, faults):
    """(fault, file, code with it) for each; where its place is gone, the one most like it."""
    taken, gone = set(), []
    for fault in faults:
        home = sorted(codes.values(), key=lambda code: code.path.stem != fault["module"])
        tries = [(code, where) for where in (fault["function"], ANYWHERE) for code in home]
        found = ((code, code.planted(fault, where)) for code, where in tries)
        code, text = next((item for item in found if item[1]), (home[0], None))
        if text is None or text in taken:
            gone.append((fault, code))
        else:
            taken.add(text)
            yield fault, code.path, text
    for fault, code in gone:
        most_alike = sorted(code.faults(), key=lambda other: -alike(other, fault))
        items = ((other, code.planted(other, other["function"])) for other in most_alike)
        other, text = next(item for item in items if item[1] not in taken)
        taken.add(text)
        was = [fault["function"], *fault["levels"][0][:2], fault.get("caught_by")]
        yield {**other, "instead_of": was}, code.path, text


def alike(one, other):
    """What two faults share: of the text of the statement, of the token; the function."""
    pairs = [(one["levels"][i], other["levels"][i]) for i in (0, -1)]
    texts = [[" -> ".join(level[:2]) for level in pair] for pair in pairs]
    ratios = [difflib.SequenceMatcher(None, *pair, autojunk=False).ratio() for pair in texts]
    return sum(ratios) + 0.3 * (one["function"] == other["function"])


class FirstFailure:
    """A pytest plugin that sends the first test to fail."""

    def __init__(self, pipe):
        self.pipe = pipe

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.pipe.send(report.nodeid)

    pytest_collectreport = pytest_runtest_logreport


def run_tests(root, tests, seconds, pipe):
    """The tests, in this process, which has the libraries loaded, and so many seconds."""
    import pytest

    os.chdir(root)
    sys.path.insert(0, str(root))
    os.environ["PYTHONPATH"] = str(root)
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    options = [
        "-x",
        "-q",
        "--noconftest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:nbval",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]
    os._exit(pytest.main([*options, *tests], plugins=[FirstFailure(pipe)]))


def caught_by(root, tests, seconds):
    """The first test that fails, "time" where they took too long, or None."""
    shutil.rmtree(root / ".hypothesis", ignore_errors=True)
    receiving, sending = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=run_tests, args=(root, tests, seconds, sending))
    process.start()
    sending.close()
    process.join(5 * seconds)  # it may wait for ever, too
    if process.exitcode is None:
        process.kill()
        process.join()
    if process.exitcode == 0:
        return None
    try:
        return receiving.recv()
    except EOFError:
        return "time" if process.exitcode < 0 else "start"


def of(folder, name):
    """The file of this name that lies highest in a folder."""
    return min(folder.rglob(name), key=lambda path: len(path.parts))


def tests_of(root, names):
    """The test files about these modules, and the modules for their doctests."""
    about = dict.fromkeys(ABOUT.get(name, name) for name in names)
    tests = [of(root / "tests", f"test_{name}.py") for name in about]
    code = [of(root / "convreg", f"{name}.py") for name in names if name in MODULES]
    return [str(path.relative_to(root)) for path in tests + code]


def run(root, todo, processes):
    """(number, what caught it), first by the tests about the module, then by the others."""
    unwanted = shutil.ignore_patterns(".*", "build", "site", "figures", "notebooks", "docs")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(processes) as pool:
        copies = queue.Queue()
        for number in range(processes):
            copy = Path(shutil.copytree(root, Path(folder, str(number)), ignore=unwanted))
            for name in MODULES:  # as every planted one will be: without its comments
                path = of(copy / "convreg", f"{name}.py")
                plain = ast.unparse(ast.parse(path.read_text(encoding="utf-8")))
                path.write_text(plain, encoding="utf-8")
            copies.put(copy)
        if failed := caught_by(copy, tests_of(copy, TESTED), SECONDS[1]):
            sys.exit(f"without a fault the tests have to pass, but {failed} does not")

        def planted_in_a_copy(number, about):
            _, file, text = todo[number]
            copy = copies.get()
            path = copy / file.relative_to(root)
            clean = path.read_text(encoding="utf-8")
            names = [name for name in TESTED if (name == path.stem) == about]
            try:
                path.write_text(text, encoding="utf-8")
                return number, caught_by(copy, tests_of(copy, names), SECONDS[not about])
            finally:
                path.write_text(clean, encoding="utf-8")
                copies.put(copy)

        left = []
        for number, test in pool.map(planted_in_a_copy, range(len(todo)), [True] * len(todo)):
            yield number, test
            if test is None and "equivalent" not in todo[number][0]:
                left.append(number)
        print(f"{len(left)} of {len(todo)} pass the tests about their module", flush=True)
        yield from pool.map(planted_in_a_copy, left, [False] * len(left))


def report(found, before):
    """What survives, the numbers, and how many are lost."""
    lost, kinds = 0, {name: Counter() for name in MODULES}
    for fault in found:
        caught, same = fault["caught_by"], "equivalent" in fault
        kind = "caught" if caught else "equivalent" if same else "survived"
        kinds.setdefault(fault["module"], Counter())[kind] += 1
        was = kind == "survived" and before.get(json.dumps(fault["levels"]))
        lost += bool(was)
        if kind == "survived" or (caught and same):
            word = "NOT EQUIVALENT" if caught else "LOST" if was else "survived"
            place = f"{fault['module']}.{fault['function']}"
            print(f"{word}: {place}: {fault['levels'][0][0]} -> {fault['levels'][0][1]}")
            if "instead_of" in fault:
                print("   in the place of", *fault["instead_of"])
    print(f"{'':14}faults  caught  survived  equivalent")
    kinds["all"] = sum(kinds.values(), Counter())
    for name, kind in kinds.items():
        numbers = kind.total(), kind["caught"], kind["survived"], kind["equivalent"]
        print("{:14}{:6}{:8}{:10}{:12}".format(name, *numbers))
    new = sum("instead_of" in fault for fault in found)
    print(f"{new} in the place of one that is gone; {lost} lost: caught before and not now")
    return lost


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--root", type=Path, default=Path(), help="the project")
    parser.add_argument("--faults", type=Path, help="a list written before: the same are planted")
    parser.add_argument("--write", type=Path, help="where the list goes, with what caught each")
    parser.add_argument("--count", type=int, default=200, help="how many, where there is no list")
    parser.add_argument("--seed", type=int, default=0, help="which")
    parser.add_argument("-n", "--processes", type=int, default=1)
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    codes = {name: Code(of(root / "convreg", f"{name}.py")) for name in MODULES}
    if arguments.faults:
        faults = json.loads(arguments.faults.read_text(encoding="utf-8"))
    else:
        faults = list(drawn(codes, arguments.count, random.Random(arguments.seed)))
    before = {json.dumps(fault["levels"]): fault.get("caught_by") for fault in faults}
    todo = list(planted(codes, faults))
    found = [{**fault, "caught_by": None} for fault, _, _ in todo]
    for number, test in run(root, todo, arguments.processes):
        found[number]["caught_by"] = test
        if arguments.write:
            lines = ",\n".join(json.dumps(fault) for fault in found)
            arguments.write.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    sys.exit(bool(report(found, before)))


if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    FORKS = multiprocessing.get_context("forkserver")
    FORKS.set_forkserver_preload(LIBRARIES)
    main()
