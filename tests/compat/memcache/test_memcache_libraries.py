"""libmf_memcache.so: its C++ class, its C functions, and nothing else in it."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from memcache_programs import MetaProcess

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / os.environ.get("AQUIFER_BUILD_DIR", "build/dev")
INCLUDE = ROOT / "include" / "memcache"
LIBRARY = BUILD / "lib" / "libmf_memcache.so"


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    program = tmp_path_factory.mktemp("user") / "memcache_user"
    subprocess.run(
        ["g++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{INCLUDE}",
         str(Path(__file__).with_name("memcache_user.cc")), "-o", str(program),
         f"-L{LIBRARY.parent}", "-lmf_memcache", f"-Wl,-rpath,{LIBRARY.parent}"], check=True)
    return program


def test_a_program_of_its_users(user, tmp_path):
    meta = MetaProcess(tmp_path).start()
    done = subprocess.run([user, meta.url], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == done.stderr == ""
    assert meta.stop() == 0


def test_it_shows_what_memcache_has_and_nothing_else():
    shown = subprocess.run(["nm", "-DC", "--defined-only", str(LIBRARY)], capture_output=True,
                           text=True, check=True).stdout
    names = {line.split(" ", 2)[2] for line in shown.splitlines()}
    for name in names:
        assert re.match(r"(mmcs?c?_\w+$|ock::mmc::|(local|meta)_config_to_string|"
                        r"create_default_|typeinfo (name )?for ock::mmc::|vtable for ock::mmc::)",
                        name), name
    declared = set()
    for header in INCLUDE.glob("mmc*.h"):
        declared |= set(re.findall(r"\b(mmcs?c?_\w+)\(", header.read_text()))
    assert declared <= names


def test_where_memcache_keeps_its_header(tmp_path):
    source = tmp_path / "one.cc"
    source.write_text('#include "cpp/mmcache.h"\nint main() { return 0; }\n')
    subprocess.run(["g++", "-std=c++17", "-fsyntax-only", f"-I{INCLUDE}", str(source)], check=True)
