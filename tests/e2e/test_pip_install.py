"""pip install . into a fresh environment brings the module and the program."""

import os
import shutil
import subprocess
import sys
import tempfile

import pytest
from processes import ROOT

USE = """
import aquifer
with aquifer.Pool("16MiB") as pool, pool.client() as client:
    assert client.put("key", [b"some", b"thing"]) is aquifer.Status.OK, client.last_error()
    assert client.get("key") == b"something"
assert aquifer.AsyncClient
print(aquifer.__version__, aquifer.__file__)
"""


@pytest.fixture
def build_folder():
    """A new folder two levels below the root, as build/dev is.

    The compiler's cache knows files by their paths relative to the folder it runs in, so from here
    it finds what the build of the tests has left.
    """
    (ROOT / "build").mkdir(exist_ok=True)
    folder = tempfile.mkdtemp(prefix="pip-", dir=ROOT / "build")
    yield folder
    shutil.rmtree(folder)


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
    return done.stdout


def test_pip_install_brings_module_and_program(tmp_path, build_folder):
    run([sys.executable, "-m", "venv", tmp_path / "venv"])
    programs = tmp_path / "venv" / "bin"
    # Build type and name of the compiler are those of build/dev, again for the compiler's cache; a
    # user gets Release.
    settings = [f"--config-settings=build-dir={build_folder}"]
    settings += ["--config-settings=cmake.build-type=RelWithDebInfo"]
    cache = {"CXX": "c++", "CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}
    run([programs / "pip", "install", "-q", *settings, ROOT], env={**os.environ, **cache})

    # From elsewhere, and without the path by which the tests find the package.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    version = (ROOT / "VERSION").read_text().strip()
    said = run([programs / "python", "-c", USE], cwd=tmp_path, env=environment).split()
    assert said[0] == version
    assert said[1].startswith(str(tmp_path))
    assert version in run([programs / "aquifer", "--version"], cwd=tmp_path, env=environment)
    files = run([programs / "pip", "show", "-f", "aquifer"], env=environment)
    for name in ("__init__.pyi", "_aquifer.pyi", "_async.py", "_async.pyi", "py.typed"):
        assert f"aquifer/{name}\n" in files
    assert ".h\n" not in files and ".a\n" not in files
