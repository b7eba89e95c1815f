"""cmake --install brings a tree that may be moved, from which others build and run."""

import re
import subprocess

import pytest
from processes import BUILD, ROOT

BUILD_FOLDER = BUILD if BUILD.is_absolute() else ROOT / BUILD
STRICT = "-Wall -Wextra -Werror"
PROGRAMS = ("embedded_pool", "layer_by_layer", "prefix", "scattered_block", "view")

# What each example must have printed, in C and in C++.
SAID = {
    "embedded_pool": "hello, pool\n1 object in 64 MiB\n",
    "layer_by_layer": "before the commit: not_found\nlayer 3: ok, begins with 'd'\n",
    "prefix": "4 of 6 blocks are there; compute from token 64 on\n",
    "scattered_block": "ok: 131072 bytes, as they were\n",
    "view": "1048576 of 1048576 bytes are 'x', seen in place\n",
}


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=300, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An installed tree that was moved afterwards."""
    folder = tmp_path_factory.mktemp("install")
    run("cmake", "--install", BUILD_FOLDER, "--prefix", folder / "first")
    (folder / "first").rename(folder / "moved")
    return folder / "moved"


def exported(library):
    lines = run("nm", "--dynamic", "--defined-only", "--demangle", library).splitlines()
    return [line.split(maxsplit=2)[2] for line in lines]


def test_the_tree_has_program_library_headers_and_packages(installed):
    names = {str(path.relative_to(installed)) for path in installed.rglob("*")
             if path.is_file() or path.is_symlink()}
    version = (ROOT / "VERSION").read_text().strip()
    major = version.split(".")[0]
    library = next(installed.rglob("libaquifer.so"))
    assert (library.parent / f"libaquifer.so.{major}").resolve().name == f"libaquifer.so.{version}"
    headers = {str(path.relative_to(ROOT)) for path in (ROOT / "include").rglob("*.h")}
    assert headers == {name for name in names if name.startswith("include/")}
    assert {name for name in names if name.startswith("bin/")} == {
        "bin/aquifer", "bin/mmc_meta_service"}
    assert next(installed.rglob("libmf_memcache.so"))
    assert not [name for name in names if name.endswith((".a", ".cc"))]
    assert version in run(installed / "bin" / "aquifer", "--version")


def test_the_library_exports_its_interface_and_nothing_else(installed):
    names = exported(next(installed.rglob("libaquifer.so")))
    strangers = [name for name in names if not name.startswith(("aquifer_", "aquifer::"))]
    assert not strangers
    inner = [name for name in names
             if not re.match(r"aquifer_|aquifer::(Client|Meta|Node|Pool|View|PendingPut|name_of|version)\b",
                             name)]
    assert not inner
    header = (ROOT / "include/aquifer/aquifer.h").read_text()
    declared = set(re.findall(r"^AQUIFER_EXPORT [^;(]*?\b(aquifer_\w+)\(", header, re.MULTILINE))
    assert len(declared) > 50
    assert declared == {name for name in names if name.startswith("aquifer_")}


def test_its_name_for_the_loader_has_the_major_version(installed):
    library = next(installed.rglob("libaquifer.so"))
    major = (ROOT / "VERSION").read_text().split(".")[0]
    assert f"[libaquifer.so.{major}]" in run("readelf", "--dynamic", "--wide", library)


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_examples_build_against_the_tree_and_run(installed, processes, tmp_path, language):
    build = tmp_path / "build"
    run("cmake", "-S", ROOT / "examples" / language, "-B", build, "-G", "Ninja",
        f"-DCMAKE_PREFIX_PATH={installed}", f"-DCMAKE_C_FLAGS={STRICT}",
        f"-DCMAKE_CXX_FLAGS={STRICT}")
    run("cmake", "--build", build, "--parallel", "2")
    processes.solo()
    for program in PROGRAMS:
        words = [] if program == "embedded_pool" else [processes.meta_address]
        assert run(build / program, *words) == SAID[program], program


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_examples_say_what_is_wrong_when_there_is_no_pool(installed, tmp_path, language):
    source = ROOT / "examples" / language / ("prefix.c" if language == "c" else "prefix.cc")
    flags = run("pkg-config", "--cflags", "--libs", "aquifer",
                env={"PKG_CONFIG_PATH": str(next(installed.rglob("pkgconfig"))),
                     "PATH": "/usr/bin:/bin"}).split()
    library = next(installed.rglob("libaquifer.so")).parent
    compiler = ["cc", "-std=c11"] if language == "c" else ["c++", "-std=c++20"]
    run(*compiler, source, "-o", tmp_path / "prefix", *flags, f"-Wl,-rpath,{library}")
    done = subprocess.run([tmp_path / "prefix", "tcp://127.0.0.1:1"], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr and "aquifer meta" in done.stderr, done.stderr
