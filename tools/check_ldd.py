#!/usr/bin/env python3
"""Checks which shared libraries the programs, libaquifer.so and the Python module ask for.

A user copies one file to another machine: it may need what every Debian has and OpenSSL, nothing else.
libaquifer.so goes into processes that have an OpenSSL of their own, and so must not bring one.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from sources import ROOT

ALLOWED = ("linux-vdso", "ld-linux", "libc", "libm", "libstdc++", "libgcc_s", "libssl", "libcrypto",
           "libpthread", "libdl", "librt")
ALLOWED_FOR_LIBRARY = ("linux-vdso", "ld-linux", "libc", "libm", "libstdc++", "libgcc_s")


def libraries(program):
    """The names of all shared libraries that `program` loads, directly or not."""
    result = subprocess.run(["ldd", str(program)], check=False, capture_output=True, text=True)
    if "not a dynamic executable" in result.stdout + result.stderr:
        return []
    if "statically linked" in result.stdout:
        return []
    return [Path(line.split()[0]).name for line in result.stdout.splitlines() if line.strip()]


def is_allowed(library, allowed=ALLOWED):
    return re.split(r"\.so|-x86-64|-aarch64", library)[0] in allowed


def programs(build):
    """Pairs of a file and the names that it may load."""
    found = sorted(path for path in (build / "bin").glob("*") if path.is_file())
    found += sorted((build / "python").rglob("*.so")) + sorted((build / "compat").rglob("*.so"))
    return ([(path, ALLOWED) for path in found]
            + [(path, ALLOWED_FOR_LIBRARY) for path in sorted((build / "lib").glob("*.so"))])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "dev")
    status = 0
    for program, allowed in programs(parser.parse_args().build):
        for library in libraries(program):
            if not is_allowed(library, allowed):
                print(f"{program.name}: needs {library}, which is not in tools/check_ldd.py")
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
