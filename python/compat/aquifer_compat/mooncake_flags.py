"""Command lines as Mooncake's programs take them, and files with the same names.

`--f=v`, `--f v`, `-f v`; of truths also `--f` and `--nof`. Names may be written with dashes. A
flag that is unknown, or a value that cannot be read, ends the program: FlagError.
"""

import json
import math
import re
from dataclasses import dataclass

HONOURED = "does"
IGNORED = "ignored"  # of no consequence to what the program does
WARNED = "warns"  # asks for what is not there: one line says so, where it is asked for
REFUSED = "refuses"  # ends the program where it is asked for


class FlagError(ValueError):
    """What is wrong with a command line or a file, in words."""


@dataclass(frozen=True)
class Flag:
    """One flag: its name, the default, which also says its type, and what becomes of it."""

    name: str
    default: object
    verdict: str
    meaning: str
    parse: object = None  # instead of reading the type of the default

    def read(self, text):
        """The value of a text. FlagError."""
        try:
            if self.parse is not None:
                return self.parse(text)
            return _READERS[type(self.default)](text)
        except ValueError:
            raise FlagError(f"bad value {text!r} for --{self.name}: expected "
                            f"{_EXPECTED.get(self.parse or type(self.default), 'a number')}"
                            ) from None


def _truth(text):
    word = text.lower()
    if word in ("true", "t", "yes", "y", "1"):
        return True
    if word in ("false", "f", "no", "n", "0"):
        return False
    raise ValueError


def _integer(text):
    return int(text, 16) if text.lower().startswith("0x") else int(text)


def _number(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def milliseconds(text):
    """Milliseconds of "10000", "500ms", "10s", "5m" or "1h"."""
    match = re.fullmatch(r"(\d+)\s*(ms|s|m|h)?", text.strip().lower())
    if match is None:
        raise ValueError
    return int(match[1]) * {None: 1, "ms": 1, "s": 1000, "m": 60000, "h": 3600000}[match[2]]


def share(text):
    """A number from 0 to 1."""
    value = _number(text)
    if not 0.0 <= value <= 1.0:
        raise ValueError
    return value


def port(text):
    """A port from 0 to 65535."""
    value = _integer(text)
    if not 0 <= value <= 65535:
        raise ValueError
    return value


def positive(text):
    """An int above 0."""
    value = _integer(text)
    if value <= 0:
        raise ValueError
    return value


_READERS = {bool: _truth, int: _integer, float: _number, str: str}
_EXPECTED = {bool: "true or false", int: "an integer", float: "a number",
             milliseconds: "a time such as 10000, 500ms, 10s, 5m or 1h",
             share: "a number from 0 to 1", port: "0 to 65535",
             positive: "an integer above 0"}


class CommandLine:
    """The values of the flags, and which of them were given."""

    def __init__(self, flags):
        self._flags = {flag.name: flag for flag in flags}
        self.values = {flag.name: flag.default for flag in flags}
        self.given = set()

    def __getitem__(self, name):
        return self.values[name]

    def parse(self, arguments):
        """Reads the words of a command line. Words that are no flags are not used."""
        words = list(arguments)
        while words:
            word = words.pop(0)
            if word == "--":
                return
            if not re.match(r"--?[A-Za-z]", word):
                continue
            name, equals, text = word.lstrip("-").partition("=")
            flag, negated = self._find(name)
            if negated:
                if equals:
                    raise FlagError(f"--{name} takes no value")
                text = "false"
            elif not equals and flag.default is True or not equals and flag.default is False:
                text = "true"
            elif not equals:
                if not words:
                    raise FlagError(f"--{flag.name} lacks its value")
                text = words.pop(0)
            self._set(flag, text)

    def _find(self, name):
        """(flag, whether it is negated)."""
        plain = name.replace("-", "_")
        flag = self._flags.get(plain)
        if flag is not None:
            return flag, False
        flag = self._flags.get(plain[2:]) if plain.startswith("no") else None
        if flag is not None and isinstance(flag.default, bool):
            return flag, True
        raise FlagError(f"unknown command line flag '{name}'")

    def _set(self, flag, text):
        self.values[flag.name] = flag.read(text)
        self.given.add(flag.name)

    def load(self, path):
        """Values of a JSON or YAML file, where the command line gives none. FlagError.

        YAML is read with PyYAML where that is installed. Names that are no flags are an error.
        """
        for name, value in _read_file(path).items():
            flag, negated = self._find(str(name))
            if negated:
                raise FlagError(f"unknown name {name!r} in {path}")
            if flag.name in self.given:
                continue
            text = str(value).lower() if isinstance(value, bool) else str(value)
            self.values[flag.name] = flag.read(text)
            self.given.add(flag.name)

    def asked(self, verdict):
        """The flags of a verdict that were given another value than their default."""
        return [flag for flag in self._flags.values()
                if flag.verdict == verdict and self.values[flag.name] != flag.default]

    def usage(self):
        """All flags, for --help."""
        return "".join(f"  --{flag.name} ({flag.meaning}; {flag.verdict}) "
                       f"default: {_shown(flag.default)}\n" for flag in self._flags.values())


def _shown(value):
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if value == "" else value


def _read_file(path):
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise FlagError(f"--config_path {path}: {error}") from None
    try:
        found = json.loads(text)
    except ValueError as error:
        if str(path).lower().endswith(".json"):
            raise FlagError(f"--config_path {path}: {error}") from None
        found = _read_yaml(path, text)
    if not isinstance(found, dict):
        raise FlagError(f"--config_path {path} must hold names and values")
    return found


def _read_yaml(path, text):
    try:
        import yaml
    except ImportError:
        raise FlagError(f"--config_path {path}: YAML needs the package PyYAML, which is not "
                        "installed; write it as JSON") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise FlagError(f"--config_path {path}: {error}") from None
