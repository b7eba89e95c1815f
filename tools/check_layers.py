#!/usr/bin/env python3
"""Checks who may include and link whom; docs/style.md has the drawing of the layers.

A module may use what is strictly below its level, never its own level or above. Headers from outside
belong to one module each, because each costs up to two seconds for every file that includes it. Public
headers use the standard library only. Modules must not depend on each other in a circle.
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

LEVELS = {
    "base": 0,
    "io": 1, "memory": 1,
    "rpc": 2, "transport": 2,
    "protocol": 3, "pool": 3, "tier": 3,
    "meta": 4, "node": 4, "client": 4, "admin": 4,
    "embed": 5,
    "capi": 6, "compat": 6,
    "apps": 7, "python": 7, "bench": 7, "sim": 7, "tests": 7,
}

# Below, and yet not to be used.
FORBIDDEN = {
    ("meta", "transport"): "meta never touches data",
    ("pool", "rpc"): "a segment describes itself without messages",
    ("pool", "transport"): "a segment does not know how its bytes travel",
    ("tier", "rpc"): "the SSD tier is driven by its node",
    ("tier", "transport"): "the SSD tier does not know how bytes travel",
    ("protocol", "transport"): "messages do not know how bulk bytes travel",
}

# Header prefix -> the modules or single files that may include it.
THIRD_PARTY = {
    "boost/asio": {"io", "rpc", "admin"},
    "boost/system": {"io", "rpc"},
    "boost/beast": {"admin"},
    "boost/unordered": {"base"},
    "boost/container": {"base"},
    "spdlog/": {"base/log.cc"},
    "fmt/": {"base/log.cc"},
    "CLI/": {"base/options.cc"},
    "nlohmann/": {"admin", "compat", "apps", "bench", "tools", "tests"},
    "xxhash.h": {"base"},
    "openssl/": {"io", "rpc", "transport", "base"},
    "nanobind/": {"python"},
    "Python.h": {"python"},
    "liburing.h": {"io"},
    "ucp/": {"transport"},
    "benchmark/": {"bench"},
    "gtest/": {"*_test.cc", "*_fixture.h", "tests", "testing"},
    "gmock/": {"*_test.cc", "tests", "testing"},
}

# What the system itself brings, beside the C++ library (whose names have no slash and no ending).
SYSTEM_FOLDERS = ("sys/", "linux/", "netinet/", "arpa/", "net/", "asm/", "sanitizer/")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
MODULE_CALL = re.compile(r"aquifer_(?:module|program|tests)\s*\(([^)]*)\)")
SOURCE_SUFFIXES = {".h", ".cc", ".inc"}
KEYWORDS = {"DEPS", "LINK", "SOURCES"}


@dataclass(frozen=True)
class Problem:
    place: str
    text: str

    def __str__(self):
        return f"{self.place}: {self.text}"


def module_of(path):
    """The module that owns a path relative to the repository, or "public" for include/aquifer."""
    parts = path.parts
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[0] == "include":
        return "public"
    return parts[0]


def why_not(user, used):
    """Why module `user` must not use module `used`, or None."""
    if user == used:
        return None
    if user not in LEVELS:
        return f"module {user} has no level yet; give it one in tools/check_layers.py"
    if used not in LEVELS:
        return f"there is no module {used}"
    if LEVELS[used] > LEVELS[user]:
        return f"{used} is above {user}; only what is below may be used"
    if LEVELS[used] == LEVELS[user]:
        return f"{used} and {user} are on one level and must not know each other"
    reason = FORBIDDEN.get((user, used))
    return f"{user} must not use {used}: {reason}" if reason else None


def allowed_third_party(path, header):
    """None when `path` may include `header`, else the reason."""
    for prefix, owners in THIRD_PARTY.items():
        if not header.startswith(prefix):
            continue
        inside_src = "/".join(path.parts[1:]) if path.parts[0] == "src" else str(path)
        for owner in owners:
            if owner.startswith("*") and path.name.endswith(owner[1:]):
                return None
            if owner in (module_of(path), inside_src):
                return None
        return f"<{header}> belongs to {', '.join(sorted(owners))} only"
    if header.startswith("boost/"):
        return f"<{header}>: no module uses this part of Boost"
    return None


def is_system(header):
    return header.startswith(SYSTEM_FOLDERS) or "/" not in header


def is_ours(root, header):
    """Whether it names a file of a module: <memory> is the standard's, "memory/extent.h" is ours."""
    return header.split("/")[0] in LEVELS and any(
        (root / folder / header).is_file() for folder in ("src", "."))


def include_problem(root, path, header):
    """What is wrong with one include, or None."""
    module = module_of(path)
    if header.startswith("aquifer/"):
        return None
    if header.startswith("memcache/") and module in ("compat", "python"):
        return None  # another pool's interface, which compat implements
    if path.parts[:2] == ("include", "memcache") and (root / path.parent / header).is_file():
        return None
    if module == "public":
        # The C interface is plain C, so its header names may end in .h.
        if "." in header and header not in ("stdint.h", "stddef.h", "stdbool.h"):
            return f"public headers include the standard library and aquifer/ only, not {header}"
        if "/" in header:
            return f"public headers include the standard library and aquifer/ only, not {header}"
        return None
    outside = allowed_third_party(path, header)
    if outside:
        return outside
    first = header.split("/")[0]
    if is_ours(root, header):
        return why_not(module, first)
    if is_system(header) or any(header.startswith(prefix) for prefix in THIRD_PARTY):
        return None
    if first in LEVELS or (root / path.parent / header).is_file():
        return None
    return f"{header} is neither ours nor in the table of outside headers (tools/check_layers.py)"


def source_files(root):
    for folder in ("src", "include", "bench", "python", "sim", "tests"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCE_SUFFIXES and path.is_file():
                yield path.relative_to(root)


def check_includes(root, edges):
    problems = []
    for path in source_files(root):
        lines = (root / path).read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            header = match.group(1) or match.group(2)
            wrong = include_problem(root, path, header)
            if wrong:
                problems.append(Problem(f"{path}:{number}", wrong))
            used = header.split("/")[0]
            if is_ours(root, header) and used != module_of(path):
                edges.setdefault(module_of(path), set()).add(used)
    return problems


def linked_modules(arguments):
    """The DEPS among the words of one aquifer_...() call."""
    keyword = ""
    for word in arguments.split()[1:]:
        if word in KEYWORDS:
            keyword = word
        elif keyword == "DEPS":
            yield word


def check_links(root, edges):
    problems = []
    for path in sorted(root.glob("src/*/CMakeLists.txt")) + sorted(root.glob("*/CMakeLists.txt")):
        module = path.parent.name
        text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
        for call in MODULE_CALL.finditer(text):
            line = text[: call.start()].count("\n") + 1
            for used in linked_modules(call.group(1)):
                wrong = why_not(module, used)
                if wrong:
                    problems.append(Problem(f"{path.relative_to(root)}:{line}", "DEPS: " + wrong))
                if used != module:
                    edges.setdefault(module, set()).add(used)
    return problems


def find_cycle(edges):
    """One circle of modules as a list, or None. The levels exclude circles, unless the table is wrong."""
    done = set()

    def visit(module, trail):
        if module in trail:
            return trail[trail.index(module):] + [module]
        if module in done:
            return None
        for used in sorted(edges.get(module, ())):
            cycle = visit(used, trail + [module])
            if cycle:
                return cycle
        done.add(module)
        return None

    for module in sorted(edges):
        cycle = visit(module, [])
        if cycle:
            return cycle
    return None


def check(root):
    """All problems of the tree at `root`."""
    edges = {}
    problems = check_includes(root, edges) + check_links(root, edges)
    cycle = find_cycle(edges)
    if cycle:
        problems.append(Problem("modules", "they depend on each other: " + " -> ".join(cycle)))
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    problems = check(parser.parse_args().root)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
