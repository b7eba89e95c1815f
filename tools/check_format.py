#!/usr/bin/env python3
"""Checks that clang-format 14 would change nothing; --fix lets it."""

import argparse
import subprocess
import sys

from sources import ROOT, cpp_files

FORMATTER = "clang-format-14"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fix", action="store_true", help="format the files in place")
    fix = parser.parse_args().fix
    files = [str(path) for path in cpp_files()]
    if not files:
        return 0
    if fix:
        return subprocess.run([FORMATTER, "-i", *files], cwd=ROOT, check=False).returncode
    result = subprocess.run([FORMATTER, "--dry-run", *files],
                            cwd=ROOT, check=False, capture_output=True, text=True)
    wrong = sorted({line.split(":", 1)[0] for line in result.stderr.splitlines()
                    if "-Wclang-format-violations" in line})
    for path in wrong:
        print(f"{path}: not formatted; run tools/check_format.py --fix")
    return 1 if wrong or result.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
