"""pip install of both packages into a fresh environment brings what each is for."""

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
def build_folders():
    """Two new folders two levels below the root, as build/dev is.

    The compiler's cache knows files by their paths relative to the folder it runs in, so from here
    it finds what the build of the tests has left.
    """
    (ROOT / "build").mkdir(exist_ok=True)
    folders = [tempfile.mkdtemp(prefix="pip-", dir=ROOT / "build") for _ in range(2)]
    yield folders
    for folder in folders:
        shutil.rmtree(folder)


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
    return done.stdout


def test_pip_install_brings_modules_programs_libraries_and_headers(tmp_path, build_folders):
    run([sys.executable, "-m", "venv", tmp_path / "venv"])
    programs = tmp_path / "venv" / "bin"
    # Build type and name of the compiler are those of build/dev, again for the compiler's cache; a
    # user gets Release.
    settings = ["--config-settings=cmake.build-type=RelWithDebInfo"]
    cache = {"CXX": "c++", "CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}
    for package, folder in zip((ROOT, ROOT / "python" / "compat"), build_folders):
        build = f"--config-settings=build-dir={folder}"
        run([programs / "pip", "install", "-q", "--no-deps", build, *settings, package],
            env={**os.environ, **cache})
        if package == ROOT:
            check_plain(tmp_path, programs)

    # Both together: every name is ours, and every program is there.
    environment = clean()
    said = run([programs / "aquifer-compat", "doctor"],
               env={**environment, "PATH": f"{programs}:{environment['PATH']}"})
    assert "verdict   good" in said
    assert run([programs / "mooncake_master", "--version"], env=environment)
    run([programs / "python", "-c", "import mooncake.store, memcache_hybrid"], cwd=tmp_path,
        env=environment)
    files = run([programs / "pip", "show", "-f", "aquifer-compat"], env=environment)
    for name in ("lib/libmf_memcache.so", "include/mmcache.h", "config/mmc-local.conf",
                 "config/mmc-meta.conf"):
        assert f"memcache_hybrid/{name}\n" in files


def clean():
    """The environment without the path by which the tests find the packages."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def check_plain(tmp_path, programs):
    """aquifer alone, used from elsewhere."""
    environment = clean()
    version = (ROOT / "VERSION").read_text().strip()
    said = run([programs / "python", "-c", USE], cwd=tmp_path, env=environment).split()
    assert said[0] == version
    assert said[1].startswith(str(tmp_path))
    assert version in run([programs / "aquifer", "--version"], cwd=tmp_path, env=environment)
    files = run([programs / "pip", "show", "-f", "aquifer"], env=environment)
    for name in ("__init__.pyi", "_aquifer.pyi", "_async.py", "_async.pyi", "py.typed",
                 "lib/libaquifer.so", "include/aquifer/client.h", "integrations/sglang.py"):
        assert f"aquifer/{name}\n" in files
    assert ".a\n" not in files
    others = "mooncake", "memcache_hybrid", "aquifer_compat"
    run([programs / "python", "-c", "import importlib.util as u, sys\n"
         f"sys.exit(any(map(u.find_spec, {others})))"], cwd=tmp_path, env=environment)
