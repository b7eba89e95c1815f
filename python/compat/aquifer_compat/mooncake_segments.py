"""The calls of a store that give memory to the pool and take it back while it is open."""

from aquifer_compat.mooncake_codes import INVALID_PARAMS, NOT_SUPPORTED, OK, first_failure
from aquifer_compat.mooncake_log import warn_once
from aquifer_compat.mooncake_settings import Refused

_GRACE_SECONDS_MAX = 3600


class SegmentCalls:
    """A part of MooncakeDistributedStore."""

    def allocate_and_mount_segment(self, size, protocol="tcp", location=""):
        """Gives `size` bytes more of fresh memory to the pool. A dict with `ret` (0 or a code),
        `segment_ids` (names of nodes) and `allocated_size`. The other arguments are not used."""
        membership = self._membership
        if membership is None or size <= 0:
            return {"ret": INVALID_PARAMS, "segment_ids": [], "allocated_size": 0}
        try:
            name = membership.add_node(size)
        except Refused as error:
            warn_once(f"mount {error}", f"allocate_and_mount_segment: {error}")
            return {"ret": error.code, "segment_ids": [], "allocated_size": 0}
        return {"ret": OK, "segment_ids": [name], "allocated_size": size}

    def mount_segment(self, path, size, offset=0, protocol="tcp", location=""):
        """Refused, with `ret` -1012: nodes make their memory, and take nobody's file."""
        warn_once("mount_segment", "mount_segment is not supported: the pool makes its memory "
                                   "itself; use allocate_and_mount_segment")
        return {"ret": NOT_SUPPORTED, "segment_ids": []}

    def unmount_segment(self, segment_ids, grace_period_seconds=0):
        """Takes memory back that this store has given. What it holds moves to other nodes within
        the time (seconds), and the rest is lost. 0, or a code for a name that is not of here."""
        membership = self._membership
        ids = [segment_ids] if isinstance(segment_ids, str) else list(segment_ids)
        if membership is None or not 0 <= grace_period_seconds <= _GRACE_SECONDS_MAX:
            return INVALID_PARAMS
        return first_failure([membership.remove_node(name, grace_period_seconds)
                              for name in ids])

    def unmount_and_free_segment(self, segment_ids, grace_period_seconds=0):
        """The same as unmount_segment: memory that leaves the pool is freed."""
        return self.unmount_segment(segment_ids, grace_period_seconds)

    def unmount_local_disk_segment(self, grace_period_seconds=0):
        """-1012: there are no segments on disks."""
        return NOT_SUPPORTED

    def create_copy_task(self, key, targets=()):
        """(None, -1012): the pool keeps the number of copies that a put asked for by itself."""
        return None, NOT_SUPPORTED

    def create_move_task(self, key, source="", target=""):
        """(None, -1012): objects move when their node is drained."""
        return None, NOT_SUPPORTED

    def query_task(self, task_id):
        """(None, -1012): there are no tasks."""
        return None, NOT_SUPPORTED

    def get_offload_rpc_read_count(self):
        """0: nothing is read from disks."""
        return 0
