"""Where the parts of the package for C and C++ are."""

import os

_HERE = os.path.dirname(os.path.abspath(__file__))


def include_dir() -> str:
    """The folder of the headers: compile with -I and this."""
    return os.path.join(_HERE, "include")


def library_dir() -> str:
    """The folder of libaquifer.so: link with -L and this, and -laquifer."""
    return os.path.join(_HERE, "lib")
