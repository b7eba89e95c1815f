#!/usr/bin/env python3
"""Checks which shared libraries the programs and the Python module ask for.

A user copies one file to another machine: it may need what every Debian has and OpenSSL, nothing else.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from sources import ROOT

ALLOWED = ("linux-vdso", "ld-linux", "libc", "libm", "libstdc++", "libgcc_s", "libssl", "libcrypto",
           "libpthread", "libdl", "librt")


def libraries(program):
    """The names of all shared libraries that `program` loads, directly or not."""
    result = subprocess.run(["ldd", str(program)], check=False, capture_output=True, text=True)
    if "not a dynamic executable" in result.stdout + result.stderr:
        return []
    if "statically linked" in result.stdout:
        return []
    return [Path(line.split()[0]).name for line in result.stdout.splitlines() if line.strip()]


def is_allowed(library):
    return re.split(r"\.so|-x86-64|-aarch64", library)[0] in ALLOWED


def programs(build):
    found = [path for path in (build / "bin").glob("*") if path.is_file()]
    return sorted(found) + sorted((build / "python").rglob("*.so"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "dev")
    status = 0
    for program in programs(parser.parse_args().build):
        for library in libraries(program):
            if not is_allowed(library):
                print(f"{program.name}: needs {library}, which is not in tools/check_ldd.py")
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
