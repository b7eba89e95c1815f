"""The calls of a store that look for objects, read them whole, and remove them."""

import re

from aquifer import Addresses, Status

from aquifer_compat.mooncake_batches import (
    KEYS_MAX,
    Memory,
    get_one_by_one,
    is_key,
    key_list,
    parts,
)
from aquifer_compat.mooncake_binding import (
    FEW,
    BoundCalls,
    NotSetUp,
    is_large,
    know,
    known,
)
from aquifer_compat.mooncake_buffers import BufferHandle, shrink, uninitialised
from aquifer_compat.mooncake_codes import (
    GET,
    INVALID_PARAMS,
    OBJECT_NOT_FOUND,
    OK,
    REMOVE,
    RPC_FAIL,
    count_or_code,
    get_codes,
)
from aquifer_compat.mooncake_settings import node_name
from aquifer_compat.mooncake_types import ReplicaDescriptor

_ROOM_MIN = 4096
_ROOM_TOTAL = 256 << 20  # of the buffers of one call that are made before sizes are known
_TOO_SMALL = -int(Status.TOO_SMALL)


class GetCalls(BoundCalls):
    """A part of MooncakeDistributedStore."""

    _room = _ROOM_MIN  # the size of what was read lately

    # What is there.

    def is_exist(self, key):
        """1; 0 when it is not there, and when that cannot be told; -600 before setup."""
        try:
            return 1 if self._exists(key) else 0
        except NotSetUp:
            return INVALID_PARAMS
        except ValueError:
            return 0  # no key, or too long for one

    def batch_is_exist(self, keys):
        """is_exist for many: a list of int."""
        try:
            return [+found for found in self._exists_batch(keys)]
        except (ValueError, TypeError):
            keys = key_list(keys)
        if self._client is None:
            return [INVALID_PARAMS] * len(keys)
        codes = []
        for part in parts(len(keys)):
            some = keys[part]
            good = [key for key in some if is_key(key)]
            found = iter(self._exists_batch(good) if good else ())
            codes += [+next(found) if is_key(key) else 0 for key in some]
        return codes

    def get_size(self, key):
        """Bytes of the object; -704 when it is not there."""
        try:
            found = self._stat(key)
        except ValueError:
            return INVALID_PARAMS
        return found["size"] if found else OBJECT_NOT_FOUND

    def get_replica_desc(self, key):
        """A list of ReplicaDescriptor, empty on a miss."""
        try:
            found = self._stat(key)
        except ValueError:
            return []
        if not found:
            return []
        return [ReplicaDescriptor(found["size"], replica["node"]) for replica in found["replicas"]]

    def batch_get_replica_desc(self, keys):
        """A dict of key to list of ReplicaDescriptor, for the keys that are there."""
        described = {key: self.get_replica_desc(key) for key in keys}
        return {key: replicas for key, replicas in described.items() if replicas}

    # Gets.

    def get(self, key):
        """The bytes of an object; b"" when it is not there."""
        try:
            return self._get(key) or b""
        except ValueError:
            return b""

    def get_batch(self, keys):
        """get for many: a list of bytes."""
        keys = key_list(keys)
        try:
            if len(keys) <= KEYS_MAX:
                return [value or b"" for value in self._get_batch(keys)]
        except ValueError:
            pass
        return [self.get(key) for key in keys]

    def get_buffer(self, key):
        """A BufferHandle with a copy of the object; None when it is not there."""
        return self.batch_get_buffer([key])[0]

    def batch_get_buffer(self, keys):
        """get_buffer for many: a list of BufferHandle and None."""
        keys = key_list(keys)
        handles = []
        while len(handles) < len(keys):
            step = max(1, min(KEYS_MAX, _ROOM_TOTAL // self._room))
            handles += self._get_handles(keys[len(handles):len(handles) + step])
        return handles

    def get_into(self, key, buffer_ptr, size):
        """Reads an object to an address. Its number of bytes, or a code: -704 when it is not
        there, -600 when `size` is less than it has."""
        if buffer_ptr >> 21 in known:
            try:
                count = self._get_into(key, (buffer_ptr, size))
                return count if count > 0 else GET[-count]
            except ValueError:
                pass
        count = self.batch_get_into([key], [buffer_ptr], [size])[0]
        if count > 0:
            know(buffer_ptr)
        return count

    def batch_get_into(self, keys, buffer_ptrs, sizes):
        """get_into for many: a list of bytes and codes. Other lengths: -600 for each key."""
        return self._get_memory(keys, buffer_ptrs, sizes)

    def batch_get_into_multi_buffers(self, keys, all_buffer_ptrs, all_sizes,
                                     prefer_alloc_in_same_node=False):
        """Reads objects to several addresses each, which are filled in order and may hold more
        than the object: a list of bytes of the objects, and codes."""
        return self._get_memory(keys, all_buffer_ptrs, all_sizes)

    def batch_get_into_ascend(self, key, addrs, sizes):
        """One object to several addresses: a list with its bytes, or a code."""
        return self._get_memory([key], [addrs], [sizes])

    # Removals. There are no leases: whoever reads has verified bytes or a miss.

    def remove(self, key, force=False):
        """0; -704 when it is not there."""
        try:
            return REMOVE[self._remove(key)]
        except ValueError:
            return INVALID_PARAMS

    def batch_remove(self, keys, force=False):
        """remove for many: a list of codes."""
        keys = key_list(keys)
        try:
            if keys and len(keys) <= KEYS_MAX:
                return [REMOVE[status] for status in self._remove_batch(keys)]
        except ValueError:
            pass
        return [self.remove(key) for key in keys]

    def remove_all(self, force=False):
        """Removes all objects of this tenant. How many there were, or a code."""
        client = self._client
        return INVALID_PARAMS if client is None else count_or_code(client.clear())

    def remove_by_regex(self, regex, force=False):
        """Removes the objects in whose key the expression, in Python's syntax, is found. Their
        number, or a code: -600 for what is no expression."""
        client = self._client
        if client is None:
            return INVALID_PARAMS
        try:
            wanted = re.compile(regex)
        except re.error:
            return INVALID_PARAMS
        found = client.iter_keys("")
        keys = [key for key in found if isinstance(key, str) and wanted.search(key)]
        if not found.complete:
            return RPC_FAIL
        return self.batch_remove(keys).count(OK)

    def batch_replica_clear(self, keys, segment_name=""):
        """Removes objects, with a segment's name only those that lie there and nowhere else. A
        list of the keys that were removed."""
        cleared = []
        for key in keys:
            nodes = {replica.get_memory_descriptor().buffer_descriptor.transport_endpoint
                     for replica in self.get_replica_desc(key)}
            if nodes and (not segment_name or nodes == {self._node_of(segment_name)}):
                cleared += [key] if self.remove(key) == OK else []
        return cleared

    # Inside.

    def _get_memory(self, keys, addresses, sizes):
        count = len(keys)
        if len(addresses) != count or len(sizes) != count:
            return [INVALID_PARAMS] * count
        if count <= FEW and not is_large(sizes):
            try:
                return get_codes(
                    self._get_into_batch(keys, Addresses(addresses, sizes, check=True)))
            except (ValueError, TypeError):
                pass
        keys, memory, codes = key_list(keys), Memory(addresses, sizes), []
        for part in parts(count):
            codes += self._get_some(keys[part], memory[part])
        return codes

    def _get_some(self, keys, memory):
        if self._client is None:
            return [INVALID_PARAMS] * len(keys)
        options = {"timeout": self._seconds(len(keys), memory.total)}
        try:
            return get_codes(self._get_into_batch(keys, memory.addresses(), **options))
        except NotSetUp:
            return [INVALID_PARAMS] * len(keys)
        except ValueError:
            return get_one_by_one(self._get_into_batch, keys, memory, options)

    def _get_handles(self, keys):
        """Reads into buffers of the size that objects had lately, and what does not fit again."""
        handles = [uninitialised(self._room) for _ in keys]
        try:
            counts = self._get_into_batch(keys, handles)
        except ValueError:
            if self._client is None:
                return [None] * len(keys)
            counts = [self._get_into(key, handle) if is_key(key) else 0
                      for key, handle in zip(keys, handles)]
        large = [index for index, count in enumerate(counts) if count == _TOO_SMALL]
        found = [shrink(handle, count) if count > 0 else None
                 for handle, count in zip(handles, counts)]
        if large:
            for index, value in zip(large, self._get_batch([keys[index] for index in large])):
                found[index] = BufferHandle(value) if value else None
        self._room = max([_ROOM_MIN, *map(len, filter(None, found))])
        return found

    def _node_of(self, segment):
        membership = self._membership
        if membership is not None and segment == self._hostname and membership.node_name:
            return membership.node_name
        return node_name(segment)
