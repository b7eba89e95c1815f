"""What the parts of a store share: the pool's calls that setup binds, and what there is before."""

# Batches of so many keys end in the usual time.
FEW = 64
_LARGE = 512 << 20
_BYTES_PER_SECOND = 256 << 20  # what larger ones are given time for

# The client's methods that a store keeps at hand, as attributes with a leading underscore.
BOUND = ("put", "get", "exists", "remove", "stat", "put_batch", "replace_batch", "get_batch",
         "get_into", "get_into_batch", "get_range_into_batch", "exists_batch", "remove_batch")

# Regions of 2 MiB that a single put or get has touched: memory of a device does not begin inside
# one, so what begins there need not be looked at again. Batches have theirs in the core.
known = set()
_KNOWN_MAX = 65536


def know(address):
    """Remembers the region of an address that has been touched."""
    if len(known) >= _KNOWN_MAX:
        known.clear()
    known.add(address >> 21)


def is_large(sizes):
    """Whether a batch has more bytes than the usual deadline is for. sizes: ints, or lists."""
    try:
        total = sum(sizes) if isinstance(sizes[0], int) else sum(map(sum, sizes))
    except (TypeError, IndexError):
        return False
    return total > _LARGE


class NotSetUp(ValueError):
    """Raised by the calls of a store that is not open, inside of it."""


def _absent(*_, **__):
    raise NotSetUp


class BoundCalls:
    """A part of MooncakeDistributedStore. Each fast path is one call of one of these."""

    _client = None
    _membership = None
    _put = _get = _exists = _remove = _stat = staticmethod(_absent)
    _put_batch = _replace_batch = _get_batch = staticmethod(_absent)
    _get_into = _get_into_batch = _get_range_into_batch = staticmethod(_absent)
    _exists_batch = _remove_batch = staticmethod(_absent)

    def _seconds(self, count, total):
        """The deadline of a call with so many keys, or bytes; None for the usual one."""
        membership = self._membership
        if membership is None:
            return None
        bytes_ = total()
        if count <= FEW and bytes_ <= _LARGE:
            return None
        return min(3600.0, membership.seconds + bytes_ / _BYTES_PER_SECOND)
