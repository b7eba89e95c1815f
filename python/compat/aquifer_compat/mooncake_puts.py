"""The calls of a store that put whole objects.

Puts keep what exists, and that counts as put; upserts replace it. Fast paths come first: one call
of the pool, whose statuses become codes. What it refuses goes the careful way below.
"""

from aquifer import Addresses

from aquifer_compat.mooncake_batches import Memory, is_key, key_list, parts, put_one_by_one
from aquifer_compat.mooncake_binding import (
    FEW,
    BoundCalls,
    NotSetUp,
    is_large,
    know,
    known,
)
from aquifer_compat.mooncake_codes import (
    INVALID_PARAMS,
    NO_AVAILABLE_HANDLE,
    OK,
    PUT,
    RPC_FAIL,
    first_failure,
    put_codes,
)
from aquifer_compat.mooncake_placement import PLAIN, Placement, read_placement

_SEQUENCES = (list, tuple)  # the pool takes them for addresses, and callers may not


class _Parts(list):
    """Buffers that are one value."""


class PutCalls(BoundCalls):
    """A part of MooncakeDistributedStore."""

    # Puts. What exists is kept, and counts as put.

    def put(self, key, value, config=None):
        """Stores the bytes of a buffer. 0 when it is stored or was there, else a code."""
        if config is None and not isinstance(value, _SEQUENCES):
            try:
                code = PUT[self._put(key, value)]
                return code if code != RPC_FAIL else self._or_no_space([code])[0]
            except ValueError:
                pass
        return self._put_values([key], [value], config)[0]

    def put_parts(self, key, *parts, config=None):
        """Stores buffers one after the other as one object. 0 bytes: 0, and nothing is stored."""
        if not any(memoryview(part).nbytes for part in parts):
            return INVALID_PARAMS if self._client is None else OK
        return self._put_values([key], [_Parts(parts)], config)[0]

    def put_batch(self, keys, values, config=None):
        """put for many: 0 when all are stored, else the first code."""
        if len(keys) != len(values):
            return INVALID_PARAMS
        return first_failure(self._put_values(keys, list(values), config))

    def put_from(self, key, buffer_ptr, size, config=None):
        """Stores `size` bytes at an address. 0 bytes: 0, and nothing is stored."""
        if config is None and buffer_ptr >> 21 in known:
            try:
                code = PUT[self._put(key, (buffer_ptr, size))]
                return code if code != RPC_FAIL else self._or_no_space([code])[0]
            except ValueError:
                pass
        code = self.batch_put_from([key], [buffer_ptr], [size], config)[0]
        if code == OK and size > 0:
            know(buffer_ptr)
        return code

    def batch_put_from(self, keys, buffer_ptrs, sizes, config=None):
        """put_from for many: a list of codes. Lists of other lengths: -600 for each key."""
        return self._put_memory(self._put_batch, keys, buffer_ptrs, sizes, config)

    def batch_put_from_multi_buffers(self, keys, all_buffer_ptrs, all_sizes, config=None):
        """Stores objects whose bytes lie at several addresses each: a list of 0 and codes."""
        return self._put_memory(self._put_batch, keys, all_buffer_ptrs, all_sizes, config, True)

    def put_from_with_metadata(self, key, buffer_ptr, metadata_buffer_ptr, size, metadata_size,
                               config=None):
        """Stores one object: the metadata and behind it the bytes of the buffer. 0 or a code."""
        return self._put_memory(self._put_batch, [key], [[metadata_buffer_ptr, buffer_ptr]],
                                [[metadata_size, size]], config)[0]

    def batch_put_from_ascend(self, key, addrs, sizes):
        """One object from several addresses: a list with one code."""
        return self._put_memory(self._put_batch, [key], [addrs], [sizes], None)

    # Upserts: as the puts, but what exists is replaced.

    def upsert(self, key, value, config=None):
        """As put, in the place of what is there."""
        return self._put_values([key], [value], config, replacing=True)[0]

    def upsert_parts(self, key, *parts, config=None):
        """As put_parts, in the place of what is there."""
        if not any(memoryview(part).nbytes for part in parts):
            return INVALID_PARAMS if self._client is None else OK
        return self._put_values([key], [_Parts(parts)], config, replacing=True)[0]

    def upsert_batch(self, keys, values, config=None):
        """As put_batch, in the place of what is there."""
        if len(keys) != len(values):
            return INVALID_PARAMS
        return first_failure(self._put_values(keys, list(values), config, replacing=True))

    def upsert_from(self, key, buffer_ptr, size, config=None):
        """As put_from, in the place of what is there."""
        return self.batch_upsert_from([key], [buffer_ptr], [size], config)[0]

    def batch_upsert_from(self, keys, buffer_ptrs, sizes, config=None):
        """As batch_put_from, in the place of what is there."""
        return self._put_memory(self._replace_batch, keys, buffer_ptrs, sizes, config,
                                replacing=True)

    # Inside.

    def _placement(self, config, count, same_node=False, replacing=False):
        if config is None:
            return PLAIN
        membership = self._membership
        return read_placement(config, count, self._hostname,
                              membership.node_name if membership else "", same_node, replacing)

    def _put_values(self, keys, values, config, replacing=False):
        """Codes for buffers, or _Parts."""
        keys = key_list(keys)
        placement = self._placement(config, len(keys), replacing=replacing)
        for value in values:
            for part in value if type(value) is _Parts else (value,):
                if isinstance(part, _SEQUENCES):
                    raise TypeError(f"a value must be a bytes-like object, "
                                    f"not {type(part).__name__}")
        if not isinstance(placement, Placement):
            return [placement] * len(keys)
        native = self._replace_batch if replacing else self._put_batch
        return self._put_all(native, keys, values, placement)

    def _put_memory(self, native, keys, addresses, sizes, config, same_node=False,
                    replacing=False):
        """Codes for addresses: one of each key, or a list of them."""
        count = len(keys)
        if len(addresses) != count or len(sizes) != count:
            return [INVALID_PARAMS] * count
        placement = self._placement(config, count, same_node, replacing)
        if not isinstance(placement, Placement):
            return [placement] * count
        if count <= FEW and placement.is_plain and not is_large(sizes):
            try:
                return self._or_no_space(
                    put_codes(native(keys, Addresses(addresses, sizes, check=True),
                                     preferred_node=placement.node)))
            except (ValueError, TypeError):
                pass
        return self._put_all(native, key_list(keys), Memory(addresses, sizes), placement)

    def _put_all(self, native, keys, values, placement):
        """Codes for a list of values, or for Memory."""
        codes = []
        for part in parts(len(keys)):
            codes += self._put_some(native, keys[part], values[part], placement)
        return codes

    def _put_some(self, native, keys, values, placement):
        if self._client is None:
            return [INVALID_PARAMS] * len(keys)
        memory = isinstance(values, Memory)
        options = {"replicas": placement.replicas, "preferred_node": placement.node,
                   "timeout": self._seconds(len(keys), values.total) if memory else None}
        try:
            codes = put_codes(native(keys, values.addresses() if memory else values, **options))
        except NotSetUp:
            return [INVALID_PARAMS] * len(keys)
        except ValueError:
            codes = put_one_by_one(native, keys, values, options)
        codes = self._or_no_space(codes)
        if placement.replicas > 1 and NO_AVAILABLE_HANDLE in codes:
            self._put_fewer_copies(native, keys, values, placement, codes)
        if placement.pin_seconds:
            stored = [key for key, code in zip(keys, codes) if code == OK and is_key(key)]
            if stored:
                self._client.pin_batch(stored, max(placement.pin_seconds, 0.0))
        return codes

    def _or_no_space(self, codes):
        """The codes of puts; a pool that answers and has no memory in it is one without space."""
        if RPC_FAIL in codes:
            status = self._client.status()
            if status and not any(node["state"] != "lost" for node in status["nodes"]):
                return [NO_AVAILABLE_HANDLE if code == RPC_FAIL else code for code in codes]
        return codes

    def _put_fewer_copies(self, native, keys, values, placement, codes):
        """Where the pool has fewer nodes than copies were asked for, there are fewer copies."""
        nodes = [node for node in self._client.status().get("nodes", ())
                 if node["state"] == "alive"]
        if not 0 < len(nodes) < placement.replicas:
            return
        fewer = Placement(len(nodes), placement.node)
        for index, code in enumerate(codes):
            if code == NO_AVAILABLE_HANDLE:
                one = slice(index, index + 1)
                codes[index] = self._put_some(native, keys[one], values[one], fewer)[0]
