"""The calls of a store that read and write parts of objects."""

from aquifer import Addresses

from aquifer_compat.mooncake_batches import is_key, key_list, parts
from aquifer_compat.mooncake_codes import (
    BUFFER_OVERFLOW,
    GET,
    INVALID_PARAMS,
    OBJECT_NOT_FOUND,
    OK,
    PUT,
)
from aquifer_compat.mooncake_placement import Placement

_PUT_SESSION_SECONDS = 600.0  # the longest that an open put may last


class RangeCalls:
    """A part of MooncakeDistributedStore."""

    def get_into_ranges(self, buffer_ptrs, all_keys, all_dst_offsets, all_src_offsets, all_sizes):
        """Reads fragments of objects into registered buffers.

        For buffer i, its key j and fragment k: all_sizes[i][j][k] bytes from
        all_src_offsets[i][j][k] of the object to all_dst_offsets[i][j][k] of the buffer. Returns
        [i][j][k]: bytes, or a code; a key whose lists do not match has one code. A fragment that
        leaves the registered range or the object is refused.
        """
        lists = (all_keys, all_dst_offsets, all_src_offsets, all_sizes)
        if any(len(one) != len(buffer_ptrs) for one in lists):
            return [[[INVALID_PARAMS] for _ in _sized(keys)] for keys in all_keys]
        wanted = _Fragments()
        answer = []
        for address, keys, *numbers in zip(buffer_ptrs, *lists):
            if any(len(one) != len(keys) for one in numbers):
                answer.append([[INVALID_PARAMS] for _ in keys])
                continue
            end = self._registry.end_of(address)
            answer.append([wanted.add_key(address, end, key, *fragments)
                           for key, *fragments in zip(keys, *numbers)])
        wanted.read(self._get_range_into_batch)
        return answer

    def batch_get_session_start(self, keys):
        """Begins reads of parts of objects: 0 for each that is there, else a code. Nothing is
        held: an object that is evicted meanwhile is a miss of the read."""
        return [OK if found == 1 else found or OBJECT_NOT_FOUND
                for found in self.batch_is_exist(keys)]

    def batch_get_into_multi_buffer_ranges(self, keys, all_buffer_ptrs, all_sizes,
                                           all_src_offsets):
        """For each key reads fragments, all_sizes[i][f] bytes from all_src_offsets[i][f], to
        addresses. A list of the bytes read, or codes: all fragments of a key or a code."""
        keys = key_list(keys)
        lists = (all_buffer_ptrs, all_sizes, all_src_offsets)
        if any(len(one) != len(keys) for one in lists):
            return [INVALID_PARAMS] * len(keys)
        wanted = _Fragments()
        found = []
        for key, addresses, sizes, offsets in zip(keys, *lists):
            if not len(addresses) == len(sizes) == len(offsets):
                found.append([INVALID_PARAMS])
                continue
            found.append(wanted.add_pieces(key, addresses, offsets, sizes))
        wanted.read(self._get_range_into_batch)
        return [min(one) if min(one, default=0) < 0 else sum(one) for one in found]

    def batch_get_session_end(self, keys):
        """Ends reads: 0."""
        return OK

    def batch_put_session_start(self, keys, sizes, config=None):
        """Begins puts whose bytes come range by range. A list of codes; what exists is 0, and
        what is written to it is dropped. A put that is not ended within 10 minutes is lost."""
        keys = key_list(keys)
        client = self._client
        if client is None or len(sizes) != len(keys):
            return [INVALID_PARAMS] * len(keys)
        placement = self._placement(config, len(keys))
        if not isinstance(placement, Placement):
            return [placement] * len(keys)
        codes = [INVALID_PARAMS] * len(keys)
        good = [i for i, key in enumerate(keys) if is_key(key) and sizes[i] > 0]
        for part in parts(len(good)):
            some = good[part]
            opened = client.open_put_batch(
                [keys[i] for i in some], [sizes[i] for i in some], replicas=placement.replicas,
                preferred_node=placement.node, lifetime=_PUT_SESSION_SECONDS)
            for i, put in zip(some, opened):
                codes[i] = PUT[put.status]
                if codes[i] == OK:
                    self._sessions[keys[i]] = put
        return codes

    def batch_put_from_multi_buffer_ranges(self, keys, all_buffer_ptrs, all_sizes,
                                           all_dst_offsets):
        """Writes all_sizes[i][f] bytes from an address to all_dst_offsets[i][f] of a begun put.
        Each byte is written once. A list of codes."""
        keys = key_list(keys)
        lists = (all_buffer_ptrs, all_sizes, all_dst_offsets)
        if any(len(one) != len(keys) for one in lists):
            return [INVALID_PARAMS] * len(keys)
        return [self._write_ranges(key, *one) for key, *one in zip(keys, *lists)]

    def _write_ranges(self, key, addresses, sizes, offsets):
        put = self._sessions.get(key)
        if put is None or not len(addresses) == len(sizes) == len(offsets):
            return INVALID_PARAMS
        if not put:
            return PUT[put.status]  # 0 where the object was there before
        try:
            Addresses(addresses, sizes, check=True)
            for address, size, offset in zip(addresses, sizes, offsets):
                code = PUT[put.write(offset, (address, size))] if size else OK
                if code != OK:
                    return code
        except ValueError:
            return INVALID_PARAMS
        return OK

    def batch_put_session_end(self, keys):
        """Makes begun puts visible. A list of codes; -600 where bytes are missing, and the put
        goes on."""
        return [self._end_session(key) for key in key_list(keys)]

    def _end_session(self, key):
        put = self._sessions.get(key)
        if put is None:
            return INVALID_PARAMS
        code = PUT[put.commit()]
        if code != INVALID_PARAMS:
            self._sessions.pop(key, None)
        return code

    def batch_put_session_revoke(self, keys):
        """Gives begun puts up. A list of codes."""
        codes = []
        for key in key_list(keys):
            put = self._sessions.pop(key, None)
            if put is not None:
                put.abort()
            codes.append(INVALID_PARAMS if put is None else OK)
        return codes


def _sized(keys):
    return keys if isinstance(keys, (list, tuple)) else ()


class _Fragments:
    """Collects reads of ranges, makes them in one batch, and writes the answers to where the
    lists that were handed out wait for them."""

    def __init__(self):
        self._keys = []
        self._offsets = []
        self._addresses = []
        self._sizes = []
        self._targets = []  # (list, index) of each

    def add_key(self, buffer, end, key, dst_offsets, src_offsets, sizes):
        """The fragments of one key of one registered buffer: the list with their answers."""
        if not len(dst_offsets) == len(src_offsets) == len(sizes):
            return [INVALID_PARAMS]
        room = -1 if end is None else end - buffer
        usable = [INVALID_PARAMS if room < 0 or min(dst, src, size) < 0 else
                  BUFFER_OVERFLOW if dst + size > room else OK
                  for dst, src, size in zip(dst_offsets, src_offsets, sizes)]
        return self._add(key, [buffer + dst for dst in dst_offsets], src_offsets, sizes, usable)

    def add_pieces(self, key, addresses, offsets, sizes):
        """Fragments of one key for any addresses: the list with their answers."""
        usable = [INVALID_PARAMS if min(address, offset, size) < 0 else OK
                  for address, offset, size in zip(addresses, offsets, sizes)]
        return self._add(key, addresses, offsets, sizes, usable)

    def _add(self, key, addresses, offsets, sizes, answers):
        good = is_key(key)
        for index, (address, offset, size) in enumerate(zip(addresses, offsets, sizes)):
            if answers[index] != OK or size == 0:
                continue
            answers[index] = INVALID_PARAMS
            if good:
                self._keys.append(key)
                self._offsets.append(offset)
                self._addresses.append(address)
                self._sizes.append(size)
                self._targets.append((answers, index))
        return answers

    def read(self, native):
        """Makes the reads. native: get_range_into_batch of a client."""
        for part in parts(len(self._keys)):
            self._read(native, part)

    def _read(self, native, part):
        keys, sizes = self._keys[part], self._sizes[part]
        try:
            counts = native(keys, self._offsets[part],
                            Addresses(self._addresses[part], sizes, check=True))
        except ValueError:
            if len(keys) > 1:  # one of them is bad, or two overlap
                for index in range(*part.indices(len(self._keys))):
                    self._read(native, slice(index, index + 1))
            return
        for (answers, index), count, size in zip(self._targets[part], counts, sizes):
            if count == size:
                answers[index] = count
            else:  # a range that ends behind the object is not read in part
                answers[index] = INVALID_PARAMS if count > 0 else GET[-count]
