"""The command `aquifer-compat`: which module answers to which name, and what stands in the way.

`aquifer-compat doctor` imports nothing of an engine; it looks where Python would find the names
that this package brings, tells whether they are ours, and tries the programs on PATH.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import shutil
import sys

# What engines import, and whose it is when it is ours. mooncake.engine may be another's on purpose.
MODULES = {
    "memcache_hybrid": True,
    "mooncake": True,
    "mooncake.store": True,
    "mooncake.mooncake_config": True,
    "mooncake.http_metadata_server": True,
    "mooncake.mooncake_store_service": True,
    "mooncake.engine": False,
}
PROGRAMS = ["mmc_meta_service", "mooncake_master", "mooncake_client",
            "mooncake_http_metadata_server", "mc_store_rest_server"]
# Distributions that bring the same names.
OTHERS = ["memcache_hybrid", "mooncake-transfer-engine", "mooncake-transfer-engine-non-cuda"]

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def place_of(name):
    """The file of a module, without importing it (its packages are), or why there is none."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError) as error:
        return None, f"cannot be imported: {error}"
    if spec is None:
        return None, "is not there"
    return spec.origin, None


def is_ours(path):
    return os.path.realpath(path).startswith(os.path.realpath(HERE) + os.sep) or (
        os.path.abspath(path).startswith(HERE + os.sep))


def check_modules():
    """Lines for people, and whether all is well."""
    lines, good = [], True
    for name, must_be_ours in MODULES.items():
        path, problem = place_of(name)
        if problem:
            lines.append(f"  {name:34} {problem}")
            good = False
            continue
        owner = "Aquifer" if is_ours(path) else "another package"
        lines.append(f"  {name:34} {owner:16} {path}")
        if must_be_ours and owner != "Aquifer":
            good = False
    return lines, good


def check_programs():
    lines, good = [], True
    for name in PROGRAMS:
        path = shutil.which(name)
        lines.append(f"  {name:34} {path or 'is not on PATH'}")
        good = good and path is not None
    return lines, good


def check_distributions():
    """Others that bring the same names: which one answers then depends on the order of sys.path."""
    lines = []
    for name in OTHERS:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        lines.append(f"  {name} {version} is installed too; the first on sys.path answers")
    return lines


def doctor():
    """Prints the report. Returns 0 when every name is answered by this package."""
    modules, modules_good = check_modules()
    programs, programs_good = check_programs()
    others = check_distributions()
    try:
        import aquifer

        core = f"aquifer {aquifer.__version__} at {os.path.dirname(aquifer.__file__)}"
    except ImportError as error:
        core, modules_good = f"aquifer cannot be imported: {error}", False
    print(f"python    {sys.executable}\ncore      {core}\nmodules")
    print("\n".join(modules))
    print("programs")
    print("\n".join(programs))
    if others:
        print("others")
        print("\n".join(others))
    if not modules_good:
        print("verdict   not every name is answered by Aquifer: put its folder first on PYTHONPATH,"
              " or uninstall the other package")
        return 1
    if not programs_good:
        print("verdict   the modules are Aquifer's, but not every program is on PATH")
        return 1
    print("verdict   good: engines that import these names use Aquifer")
    return 0


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="aquifer-compat", description="Aquifer under the names of MemCache and Mooncake.")
    parser.add_argument("command", choices=["doctor"],
                        help="doctor: tell which module answers to which name")
    parser.parse_args(arguments)
    return doctor()


if __name__ == "__main__":
    sys.exit(main())
