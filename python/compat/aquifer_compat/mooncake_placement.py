"""From a ReplicateConfig to what the pool understands."""

from aquifer_compat.mooncake_codes import INVALID_PARAMS
from aquifer_compat.mooncake_log import warn_once
from aquifer_compat.mooncake_settings import node_name
from aquifer_compat.mooncake_types import ReplicateConfig, SoftPinAction

REPLICAS_MAX = 8
PIN_SECONDS_MAX = 86400.0
SOFT_PIN_SECONDS = 1800.0


class Placement:
    """Copies, the node asked first, and the seconds of a pin (0: none; below 0: end one)."""

    __slots__ = ("replicas", "node", "pin_seconds", "is_plain")

    def __init__(self, replicas=1, node=None, pin_seconds=0.0):
        self.replicas = replicas
        self.node = node
        self.pin_seconds = pin_seconds
        self.is_plain = replicas == 1 and not pin_seconds


PLAIN = Placement()


def read_placement(config, keys, own_hostname, own_node, same_node=False, replacing=False):
    """A Placement, or a code. TypeError for what is no ReplicateConfig. None is PLAIN.

    keys: how many. same_node: whether prefer_alloc_in_same_node may be asked for. replacing:
    whether the put replaces, where a TTL needs ENABLE.
    """
    if config is None:
        return PLAIN
    if not isinstance(config, ReplicateConfig):
        raise TypeError(f"config must be a ReplicateConfig, not {type(config).__name__}")
    replicas = config.replica_num
    wanted = config.preferred_segment or next(iter(config.preferred_segments or ()), "")
    if config.prefer_alloc_in_same_node:
        if not same_node or replicas != 1:
            return INVALID_PARAMS
        wanted = wanted or (own_hostname if own_node else "")
    if config.group_ids is not None and len(config.group_ids) != keys:
        return INVALID_PARAMS
    if replicas < 1:
        return INVALID_PARAMS
    if config.nof_replica_num or config.dfs_replica_num or config.preferred_nof_segments:
        warn_once("replica kinds", "replicas outside of memory are not available; those in memory "
                                   "are made")
    pin_seconds = _pin_seconds(config, replacing)
    if pin_seconds is None:
        return INVALID_PARAMS
    node = None
    if wanted:
        node = own_node if wanted == own_hostname and own_node else node_name(str(wanted))
    return Placement(min(replicas, REPLICAS_MAX), node or None, pin_seconds)


def _pin_seconds(config, replacing):
    """Seconds of the pin that a put asks for; None when what it asks for makes no sense."""
    ttl = config.soft_pin_ttl_ms
    if config.soft_pin_action != SoftPinAction.ENABLE and ttl is not None and replacing:
        return None
    if config.with_hard_pin:
        warn_once("hard pin", "a hard pin keeps an object from eviction for a day at most")
        return PIN_SECONDS_MAX
    if config.soft_pin_action == SoftPinAction.ENABLE:
        return min(SOFT_PIN_SECONDS if ttl is None else ttl / 1000, PIN_SECONDS_MAX)
    if config.soft_pin_action == SoftPinAction.DISABLE:
        return -1.0
    return 0.0
