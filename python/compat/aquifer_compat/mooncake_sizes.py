"""Sizes and truths as Mooncake's configuration writes them."""

import re

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20,
          "g": 1 << 30, "gb": 1 << 30, "t": 1 << 40, "tb": 1 << 40}
_SIZE = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)\s*([a-z]*)")

_TRUE = {"true", "1", "yes", "on", "enable", "enabled"}
_FALSE = {"false", "0", "no", "off", "disable", "disabled", ""}


def parse_size(value):
    """Bytes: an int as it is, or text such as "4gb", "16 MB", "1.5g" (powers of 1024).

    ValueError for what is neither, names no number, or is not finite.
    """
    if isinstance(value, bool):
        raise ValueError(f"bad size {value!r}: expected bytes, or a size such as '4gb'")
    if isinstance(value, int):
        return value
    match = _SIZE.fullmatch(str(value).strip().lower())
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"bad size {value!r}: expected bytes, or a size such as '4gb'")
    number, unit = match[1], _UNITS[match[2]]
    try:
        return int(number) * unit if number.lstrip("+-").isdigit() else int(float(number) * unit)
    except OverflowError:
        raise ValueError(f"bad size {value!r}: too large") from None


def parse_bool(value):
    """A truth: a bool, a number, None, or words such as "true", "on", "no". Else ValueError."""
    if value is None:
        return False
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"bad truth value {value!r}: expected true or false")
