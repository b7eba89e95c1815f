#!/usr/bin/env python3
"""Checks that every header compiles by itself, so that the order of includes never matters.

A header is compiled again only when it or something that it includes has changed: the compiler's own
list of dependencies is kept, with sizes and times, under build/headers.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from sources import ROOT, cpp_files

CACHE = ROOT / "build" / "headers" / "passed.json"
COMPILER = [os.environ.get("CXX", "g++"), "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra",
            "-Isrc", "-Iinclude", "-x", "c++"]


def stamp(path):
    """What tells a changed file from an unchanged one."""
    try:
        status = (ROOT / path).stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def unchanged(entry):
    return entry is not None and all(stamp(path) == seen for path, seen in entry.items())


def compile_alone(header):
    """The header, the stamps of all that it includes, and the compiler's complaint or an empty text."""
    with tempfile.NamedTemporaryFile("r", suffix=".d") as dependencies:
        result = subprocess.run(
            [*COMPILER, "-MD", "-MF", dependencies.name, "-"], input=f'#include "{ROOT / header}"\n',
            cwd=ROOT, check=False, capture_output=True, text=True)
        names = dependencies.read().replace("\\\n", " ").split(":", 1)[-1].split()
    if result.returncode != 0:
        return header, {}, result.stderr
    ours = {str(header)} | {name for name in names if name != "-" and not name.startswith("/usr/")}
    return header, {name: stamp(name) for name in sorted(ours)}, ""


def load():
    try:
        return json.loads(CACHE.read_text())
    except (OSError, ValueError):
        return {}


def main():
    headers = [path for path in cpp_files((".h",)) if path.parts[0] in ("src", "include")]
    known = load()
    passed = {str(path): known[str(path)] for path in headers if unchanged(known.get(str(path)))}
    todo = [path for path in headers if str(path) not in passed]
    status = 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        for header, stamps, complaint in pool.map(compile_alone, todo):
            if complaint:
                print(f"{header}: does not compile by itself\n{complaint}")
                status = 1
            else:
                passed[str(header)] = stamps
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    CACHE.write_text(json.dumps(passed))
    return status


if __name__ == "__main__":
    sys.exit(main())
