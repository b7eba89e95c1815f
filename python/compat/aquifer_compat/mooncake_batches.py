"""Batches that cannot go to the pool as they are: too long, or with a bad element.

The pool takes a batch whole or refuses it with an exception. Mooncake answers a code for each
element, so what is refused comes here: bad elements get their code, and the good ones go again.
"""

from aquifer import Addresses

from aquifer_compat.mooncake_codes import INVALID_PARAMS, OK, get_codes, put_codes

KEYS_MAX = 16384
KEY_BYTES_MAX = 1024


def key_list(keys):
    """A list or tuple of the keys. TypeError for one string, and for what has no elements."""
    if isinstance(keys, (list, tuple)):
        return keys
    if isinstance(keys, (str, bytes)):
        raise TypeError("keys must be a list of str, not one")
    return list(keys)


def is_key(key):
    """Whether the pool takes it. TypeError for what is neither str nor bytes."""
    if isinstance(key, bytes):
        return 0 < len(key) <= KEY_BYTES_MAX
    if not isinstance(key, str):
        raise TypeError(f"a key must be str or bytes, not {type(key).__name__}")
    try:
        return 0 < len(key.encode()) <= KEY_BYTES_MAX
    except UnicodeEncodeError:
        return False


def parts(count):
    """Slices that cut `count` elements into batches that the pool takes."""
    return [slice(begin, begin + KEYS_MAX) for begin in range(0, count, KEYS_MAX)]


class Memory:
    """Addresses and sizes of a batch: one of each for an object, or a list of each."""

    def __init__(self, addresses, sizes):
        self._addresses = _plain(addresses)
        self._sizes = _plain(sizes)

    def __getitem__(self, part):
        return Memory(self._addresses[part], self._sizes[part])

    def __len__(self):
        return len(self._addresses)

    def addresses(self):
        """As the pool takes it. ValueError for what it does not, device memory among it."""
        return Addresses(self._addresses, self._sizes, check=True)

    def total(self):
        """Bytes of all objects."""
        return sum(map(_sum, self._sizes))

    def is_empty(self):
        """Whether there are no bytes at all, and nothing that is no size."""
        try:
            return self.total() == 0 and all(_lowest(size) == 0 for size in self._sizes)
        except TypeError:
            return False


def _plain(numbers):
    """Lists where arrays or other sequences were given."""
    if not isinstance(numbers, (list, tuple)):
        numbers = numbers.tolist() if hasattr(numbers, "tolist") else list(numbers)
    if all(isinstance(one, (int, list, tuple)) for one in numbers):
        return numbers
    return [one if isinstance(one, (int, list, tuple)) else
            one.tolist() if hasattr(one, "tolist") else one for one in numbers]


def _sum(size):
    return sum(size) if isinstance(size, (list, tuple)) else size


def _lowest(size):
    return min(size, default=0) if isinstance(size, (list, tuple)) else size


def _spread(native, keys, values, codes, good, options, translate):
    """Sends the good elements together, and where even that is refused one at a time."""
    if not good:
        return codes
    try:
        found = translate(native([keys[i] for i in good], _pick(values, good), **options))
    except ValueError:
        if len(good) == 1:
            return codes
        for index in good:
            _spread(native, keys, values, codes, [index], options, translate)
        return codes
    for index, code in zip(good, found):
        codes[index] = code
    return codes


def _pick(values, indices):
    if isinstance(values, Memory):
        return Memory([values._addresses[i] for i in indices],
                      [values._sizes[i] for i in indices]).addresses()
    return [values[i] for i in indices]


def _reachable(memory, index):
    try:
        memory[index:index + 1].addresses()
    except ValueError:
        return False
    return True


def put_one_by_one(native, keys, values, options):
    """Codes of a batch of puts in which something is bad. values: Memory, or buffers."""
    codes = [INVALID_PARAMS] * len(keys)
    good = []
    if isinstance(values, Memory):
        for index, key in enumerate(keys):
            if not is_key(key):
                continue
            if values[index:index + 1].is_empty():
                codes[index] = OK  # nothing to store
            elif _reachable(values, index):
                good.append(index)
    else:
        values = [_in_one_piece(value) for value in values]
        good = [index for index, key in enumerate(keys) if is_key(key) and values[index]]
    return _spread(native, keys, values, codes, good, options, put_codes)


def _in_one_piece(value):
    """Bytes of a buffer, or of a list of buffers, where the pool might not take them as they
    are."""
    if isinstance(value, list):
        return b"".join(memoryview(part).tobytes() for part in value)
    return memoryview(value).tobytes()


def get_one_by_one(native, keys, memory, options):
    """Codes of a batch of gets in which something is bad. memory: Memory."""
    codes = [INVALID_PARAMS] * len(keys)
    good = [index for index, key in enumerate(keys)
            if is_key(key) and not memory[index:index + 1].is_empty()
            and _reachable(memory, index)]
    return _spread(native, keys, memory, codes, good, options, get_codes)
