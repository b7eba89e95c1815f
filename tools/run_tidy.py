#!/usr/bin/env python3
"""Runs clang-tidy 14 over the sources, with the commands of build/dev; .clang-tidy has the checks."""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sources import ROOT

TIDY = "clang-tidy-14"


def run(build, path):
    # clang does not know all of gcc's warnings that the commands name.
    result = subprocess.run(
        [TIDY, "-p", str(build), "--quiet", "--extra-arg=-Wno-unknown-warning-option", path],
        cwd=ROOT, check=False, capture_output=True, text=True)
    return result.returncode, result.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="only these (default: all of src but tests)")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "dev")
    arguments = parser.parse_args()
    commands = json.loads((arguments.build / "compile_commands.json").read_text())
    files = sorted({entry["file"] for entry in commands
                    if entry["file"].startswith(str(ROOT / "src"))
                    and not entry["file"].endswith("_test.cc")})
    if arguments.files:
        wanted = {str(Path(name).resolve()) for name in arguments.files}
        files = [path for path in files if path in wanted]
    status = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for code, output in pool.map(lambda path: run(arguments.build, path), files):
            if code != 0:
                print(output)
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
