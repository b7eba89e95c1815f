"""How a run is told: a line for each event with its outages, and a table of checks."""

import dataclasses

FAULTS_SHOWN = 8


@dataclasses.dataclass
class Check:
    """One promise. `value` is what was counted against it; 0 is what was promised."""

    name: str
    value: int
    of: str = ""
    judged: bool = True

    @property
    def verdict(self):
        if not self.judged:
            return "not judged"
        return "ok" if self.value == 0 else "FAILED"


def seconds(value):
    return "   never" if value is None else f"{value:8.3f}"


def timeline(events, began):
    """Lines; times in seconds, from the event on."""
    yield ("  at      put             get             look-up         whole   object of the node"
           "  event")
    yield "          first    all    first    all    first    all           not readable for"
    for event in events:
        cells = "".join(seconds(one) for pair in event["outages"].values() for one in pair)
        unreadable = "" if event["unreadable"] == "-" else seconds(event["unreadable"])
        whole = "" if event["whole"] == "-" else seconds(event["whole"])
        yield f"{event['at'] - began:6.1f}{cells}{whole:>8}{unreadable:>8}  {event['words']}"


def kinds_table(events):
    """Median and longest outage of each kind of event: until some client had a success, and until all
    had for what happened to a client."""
    kinds = {}
    for event in events:
        kinds.setdefault(event["kind"], []).append(event)
    names = ("put", "get", "look-up", "whole", "not readable")
    yield f"{'event':14}{'count':>6}" + "".join(f"{name:>17}" for name in names)
    for kind, some in sorted(kinds.items()):
        whose = 1 if kind.endswith("client") else 0
        columns = [[one["outages"][name][whose] for one in some] for name in names[:3]]
        columns += [[one["whole"] for one in some], [one["unreadable"] for one in some]]
        yield f"{kind:14}{len(some):6}" + "".join(f"{spread(column):>17}" for column in columns)


def spread(values):
    """None is an outage without an end, and longer than all others."""
    values = sorted((float("inf") if value is None else value) for value in values if value != "-")
    if not values:
        return ""
    middle = values[len(values) // 2]
    return " / ".join("never" if one == float("inf") else f"{one:.3f}"
                      for one in (middle, values[-1]))


def checks_table(checks):
    for check in checks:
        yield f"{check.verdict:>10}  {check.value:>8}  {check.name}{check.of and ': ' + check.of}"


def faults_text(faults, began):
    """The first few of each kind."""
    shown = {}
    for fault in faults:
        kind = fault["what"]
        shown[kind] = shown.get(kind, 0) + 1
        if shown[kind] <= FAULTS_SHOWN:
            rest = ", ".join(f"{name} {value}" for name, value in fault.items()
                             if name not in ("what", "at"))
            yield f"  {fault['at'] - began:6.1f} s  {kind}: {rest}"
    for kind, count in shown.items():
        if count > FAULTS_SHOWN:
            yield f"  {kind}: {count - FAULTS_SHOWN} more"
