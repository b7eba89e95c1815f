"""Importing the package does nothing that could be noticed, and says what it is."""

import ast
import pathlib

import pytest

import aquifer
from aquifer import _aquifer

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPES = ["Client", "KeyIterator", "PendingPut", "Pool", "View"]
STUB = ROOT / "python" / "aquifer" / "_aquifer.pyi"


def test_import_has_no_side_effects(run_python):
    script = """
import enum, os, signal, sys, threading

def state():
    # The kernel's view: a handler may be set behind Python's back.
    signals = [line for line in open("/proc/self/status") if line.startswith("Sig")]
    return (signals, len(os.listdir("/proc/self/task")), sorted(os.listdir("/proc/self/fd")),
            dict(os.environ), threading.active_count())

before = state()
import aquifer
assert state() == before, (before, state())
"""
    assert run_python(script) == ""


def test_import_of_the_package_leaves_asyncio_out(run_python):
    script = """
import sys, aquifer
assert "asyncio" not in sys.modules
assert aquifer.AsyncClient and "asyncio" in sys.modules
"""
    run_python(script)


def test_importing_and_closing_handlers_stay_those_of_the_program(run_python):
    script = """
import signal, aquifer
handler = lambda *_: None
watched = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGSEGV)
for number in watched:
    signal.signal(number, handler)
with aquifer.Pool("16MiB") as pool, pool.client() as client:
    assert client.put("key", b"value").ok and client.get("key") == b"value"
    assert all(signal.getsignal(number) is handler for number in watched)
assert all(signal.getsignal(number) is handler for number in watched)
"""
    run_python(script)


def test_the_version_is_that_of_the_repository():
    assert aquifer.__version__ == (ROOT / "VERSION").read_text().strip()


def parameters(function):
    """(name, default, by name only) of each parameter, from a parsed def."""
    plain = [*function.args.posonlyargs, *function.args.args]
    defaults = [None] * (len(plain) - len(function.args.defaults)) + function.args.defaults
    named = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    found = [(arg, default, False) for arg, default in zip(plain, defaults, strict=True)]
    found += [(arg, default, True) for arg, default in named]
    return [(arg.arg, default and ast.unparse(default), by_name) for arg, default, by_name in found]


def stub_methods():
    for item in ast.parse(STUB.read_text()).body:
        if isinstance(item, ast.ClassDef) and item.name in TYPES:
            for method in item.body:
                named = isinstance(method, ast.FunctionDef) and not method.decorator_list
                # The others have the arguments that Python gives them.
                if named and (method.name == "__init__" or not method.name.startswith("__")):
                    yield pytest.param(item.name, method, id=f"{item.name}.{method.name}")


def signature_of(function):
    text, _, defaults = function.__nb_signature__[0]
    for index, value in enumerate(defaults or ()):
        text = text.replace(f"\\{index}", repr(value))
    return ast.parse(text.replace("\n", " ") + ": ...").body[0]


@pytest.mark.parametrize("owner, method", stub_methods())
def test_the_stub_says_what_the_module_takes(owner, method):
    function = getattr(getattr(_aquifer, owner), method.name)
    assert parameters(signature_of(function)) == parameters(method)


def test_the_stub_names_everything():
    types = {i.name: i for i in ast.parse(STUB.read_text()).body if isinstance(i, ast.ClassDef)}
    for item in (types[name] for name in [*TYPES, "Status"]):
        public = {name for name in vars(getattr(_aquifer, item.name)) if not name.startswith("_")}
        named = {m.name for m in item.body if isinstance(m, ast.FunctionDef)}
        values = {m.targets[0].id: m.value.value for m in item.body if isinstance(m, ast.Assign)}
        assert public <= named | set(values)
        if item.name == "Status":
            assert values == {status.name: int(status) for status in aquifer.Status}
