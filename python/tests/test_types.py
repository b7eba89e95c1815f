"""The type stubs are true: mypy accepts and refuses by them what it should, and the module has what
they say."""

import os
import pathlib
import subprocess
import sys

import aquifer

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = pathlib.Path(aquifer.__file__).parent


def run(*arguments, tmp_path):
    # The package as the tests import it, with its marker py.typed.
    environment = {**os.environ, "MYPYPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
        env=environment,
    )
    return done.returncode, done.stdout + done.stderr


def test_mypy_accepts_and_refuses_what_it_should(tmp_path):
    files = [ROOT / "python" / "tests" / "typed_use.py", *ROOT.glob("examples/python/*.py")]
    code, said = run("mypy", "--strict", *map(str, files), tmp_path=tmp_path)
    assert code == 0, said


def test_mypy_would_notice(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import aquifer\nsize: str = aquifer.Client().match_prefix([])\n")
    code, said = run("mypy", "--strict", str(wrong), tmp_path=tmp_path)
    assert code == 1 and "Incompatible types in assignment" in said


# What a stub cannot say or need not: nanobind's own marks, and constructors that are not for users.
NOT_COMPARED = r"""
aquifer\.(_aquifer\.)?(Addresses|Client|KeyIterator|Meta|Node|PendingPut|Pool|View)
aquifer\.(_aquifer\.)?(KeyIterator|PendingPut|View)\.__init__
aquifer\.(_aquifer\.)?Status\.__nb_enum__
aquifer\.(_async\.)?(AsyncKeyIterator|AsyncPendingPut)\.__init__
aquifer\.(_async\.)?AsyncClient\.(clear|status)
aquifer\.integrations\..*
"""


# The plug-ins are checked by their tests: the engines that they derive from are not here.
PLUG_INS = """
[mypy]
[mypy-aquifer.integrations.*]
ignore_errors = True
"""


def test_the_stubs_match_the_module(tmp_path):
    allowed, settings = tmp_path / "allowed", tmp_path / "mypy.ini"
    allowed.write_text(NOT_COMPARED)
    settings.write_text(PLUG_INS)
    code, said = run("mypy.stubtest", "aquifer", "--allowlist", str(allowed),
                     "--mypy-config-file", str(settings), tmp_path=tmp_path)
    assert code == 0, said
