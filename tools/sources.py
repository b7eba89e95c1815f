"""The C and C++ files of the repository, for the checks beside this file."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def cpp_files(suffixes=(".h", ".cc", ".c")):
    """Tracked files and new ones that git does not ignore, relative to the root, sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=False, capture_output=True, text=True)
    if listed.returncode == 0:
        names = {Path(line) for line in listed.stdout.splitlines()}
    else:  # an unpacked archive
        names = {path.relative_to(ROOT) for folder in ("src", "include", "bench", "python", "sim", "tests")
                 for path in (ROOT / folder).rglob("*")}
    return sorted(path for path in names if path.suffix in suffixes and (ROOT / path).is_file())
