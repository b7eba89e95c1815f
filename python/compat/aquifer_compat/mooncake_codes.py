"""The codes of Mooncake's store, and which of them stands for which Status of the pool.

All translation is here. Codes are chosen from what engines expect: -200 for want of space, because
vLLM then stops saving for a while; -704 for a miss; -600 for arguments; and for trouble the ones
that vLLM's encoder cache forgives (-703, -704, -900, -901; of a get -600 and -702 too), because it
gives a store up for any other.
"""

from aquifer import Status

OK = 0
BUFFER_OVERFLOW = -10
SEGMENT_NOT_FOUND = -101
NO_AVAILABLE_HANDLE = -200
VERSION_MISMATCH = -300
INVALID_PARAMS = -600
ILLEGAL_CLIENT = -601
INVALID_REPLICA = -702
REPLICA_NOT_READY = -703
OBJECT_NOT_FOUND = -704
OBJECT_ALREADY_EXISTS = -705
RPC_FAIL = -900
RPC_TIMEOUT = -901
NOT_SUPPORTED = -1012

_COMMON = {
    Status.TIMEOUT: RPC_TIMEOUT,
    Status.RECOVERING: REPLICA_NOT_READY,
    Status.IN_FLIGHT: REPLICA_NOT_READY,
    Status.UNREACHABLE: RPC_FAIL,
    Status.CLOSED: INVALID_PARAMS,
    Status.INVALID_ARGUMENT: INVALID_PARAMS,
    Status.NOT_SUPPORTED: NOT_SUPPORTED,
    Status.VERSION_MISMATCH: VERSION_MISMATCH,
    Status.DENIED: ILLEGAL_CLIENT,
    Status.CANCELLED: OBJECT_NOT_FOUND,
    Status.NOT_FOUND: OBJECT_NOT_FOUND,
}


def _table(special, otherwise=RPC_FAIL):
    chosen = {**_COMMON, **special}
    return tuple(chosen.get(number, otherwise) for number in range(max(Status) + 1))


# By the number of a Status. Puts: EXISTS is a success, and an UNKNOWN outcome is none.
PUT = _table({
    Status.OK: OK,
    Status.EXISTS: OK,
    Status.PENDING: OK,  # a replacement is stored; a node has still to drop the old value
    Status.UNKNOWN: RPC_TIMEOUT,
    Status.BUSY: NO_AVAILABLE_HANDLE,  # no space came free before the deadline
    Status.NO_SPACE: NO_AVAILABLE_HANDLE,
    Status.TOO_LARGE: NO_AVAILABLE_HANDLE,
    Status.CONFLICT: OBJECT_ALREADY_EXISTS,
})

# By the negated number that a get answers; 0 is a miss.
GET = _table({
    Status.OK: OBJECT_NOT_FOUND,
    Status.TOO_SMALL: INVALID_PARAMS,
    Status.INTEGRITY: INVALID_REPLICA,
})

# Removals. PENDING: decided, and no get that starts later finds it where the nodes are heard.
REMOVE = _table({Status.OK: OK, Status.PENDING: OK})


def put_codes(statuses):
    """Codes of the statuses of a batch of puts; statuses: a list of Status."""
    if statuses.count(Status.OK) == len(statuses):
        return [0] * len(statuses)
    return [PUT[status] for status in statuses]


def get_codes(counts):
    """What a batch of gets answers: bytes, or codes. counts: as get_into_batch gives them."""
    if min(counts, default=1) > 0:
        return counts
    return [count if count > 0 else GET[-count] for count in counts]


def count_or_code(number):
    """What a call that counts answers: the number, or a code where the pool is in trouble."""
    return number if number >= 0 else GET[-number]


def first_failure(codes):
    """The first code that is not 0, or 0."""
    return next((code for code in codes if code), OK)
