#!/usr/bin/env python3
"""Draws the report of a bench: charts as SVG files, and one HTML page that needs nothing but itself.

Reads what `aquifer bench --json FILE` wrote, and knows the rows by their names and units only, so a row that
is new appears by itself. Text in the charts takes the colour of the page, which follows the reader's light or
dark setting. The same JSON always gives the same bytes.
"""

import argparse
import html
import io
import json
import logging
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402 (the backend is chosen first)

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

INK = "#010101"  # stands for the colour of the text around the chart
OURS, LIMIT, TARGET, MET, MISSED = "#3b82f6", "#8b949e", "#d97706", "#2da44e", "#e5534b"
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
BLOCK = re.compile(r"(shm|tcp)\.(put|get)\.r(\d+)\.b(\d+)\.t(\d+)(\.memcpy|\.digests)?$")
PEERS = ("redis", "memcached")
STYLE = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10,
    "font.sans-serif": ["system-ui", "Segoe UI", "Helvetica", "Arial", "DejaVu Sans"],
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK,
    "ytick.color": INK, "axes.titlesize": 11, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
    "grid.color": "#808080", "grid.alpha": 0.25, "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class Chart:
    name: str  # of the file, without its ending
    title: str
    says: str  # the one sentence that tells what to see
    svg: str


# Rows


def peer_of(row):
    first = row["name"].split(".")[0]
    return first if first in PEERS else None


def target_value(row):
    """The value at which the row meets its target, or None."""
    return None if row["target"] is None else row["target"] * row["reference"]


def score(row):
    """How many times as good as promised; 1 is just met. A promise of none at all is met or it is not."""
    if row["better"] == "higher":
        return row["ratio"] / row["target"]
    if row["target"] == 0 or row["ratio"] == 0:
        return 1.0 if row["met"] else 0.0
    return row["target"] / row["ratio"]


def figure_text(value):
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


# Charts


def svg_of(figure, name):
    """The figure as SVG text whose ink is the reader's, with ids of its own."""
    matplotlib.rcParams["svg.hashsalt"] = name
    output = io.StringIO()
    figure.savefig(output, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    text = output.getvalue()
    return text[text.index("<svg"):].replace(INK, "currentColor")


def bars_figure(count):
    figure, axes = pyplot.subplots(figsize=(9, 0.9 + 0.24 * count))
    axes.grid(visible=False, axis="y")
    return figure, axes


def beside(axes, place, text):
    """Words at the right of a line of a chart, where no bar can cover them."""
    axes.text(1.01, place, text, va="center", fontsize=8, transform=axes.get_yaxis_transform())


def draw_promises(rows):
    rows = [row for row in rows if row["target"] is not None]
    if not rows:
        return None
    figure, axes = bars_figure(len(rows))
    scores = [min(score(row), 3) for row in rows]
    axes.barh(range(len(rows)), scores, color=[MET if row["met"] else MISSED for row in rows], height=0.7)
    for place, row in enumerate(rows):
        says = "met" if row["met"] else "NOT MET"
        goal = f"{'≥' if row['better'] == 'higher' else '≤'} {row['target']:.3g}"
        beside(axes, place, f"{row['ratio']:.2f} ({goal}) {says}")
    axes.axvline(1, color=TARGET, linewidth=1.5)
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows], fontsize=8)
    axes.set_xlim(0, max(scores + [1.1]))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("times as good as promised (drawn up to 3)")
    met = sum(bool(row["met"]) for row in rows)
    return Chart("promises", "Promises", f"{met} of {len(rows)} rows with a target meet it: bars that reach the "
                 "line at 1 do; beside each stands its ratio and the ratio that is promised.",
                 svg_of(figure, "promises"))


def draw_ratios(rows):
    rows = [row for row in rows if row["target"] is None and row["ratio"] > 0]
    if not rows:
        return None
    figure, axes = bars_figure(len(rows))
    good = [row["ratio"] if row["better"] == "higher" else 1 / row["ratio"] for row in rows]
    axes.hlines(range(len(rows)), 1, good, color=LIMIT, linewidth=2)
    axes.plot(good, range(len(rows)), "o", color=OURS)
    for place, (row, value) in enumerate(zip(rows, good)):
        beside(axes, place, f"{value:.2f} × {row['reference_name']}")
    axes.axvline(1, color=LIMIT, linewidth=1.5)
    axes.set_xscale("log")
    axes.set_xlim(min(good + [1]) / 1.5, max(good + [1]) * 1.5)
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("times as good as what it stands beside (logarithmic)")
    return Chart("ratios", "Rows without a promise", "Right of the line the pool is better than what it stands "
                 "beside, left of it worse; nothing is promised for these rows.", svg_of(figure, "ratios"))


def draw_block(rows, transport, threads):
    """Put and get of one transport, ours beside the limit, over the batches."""
    found = {}
    for row in rows:
        parts = BLOCK.match(row["name"])
        if parts and parts[1] == transport and parts[5] == threads and not parts[6]:
            found.setdefault(parts[2], []).append((int(parts[4]), row))
    figure, panels = pyplot.subplots(1, len(found), figsize=(9, 3.2), sharey=True, squeeze=False)
    for axes, (act, series) in zip(panels[0], sorted(found.items())):
        pair_bars(axes, [(str(batch), row) for batch, row in sorted(series, key=lambda one: one[0])])
        axes.set_title(act)
        axes.set_xlabel("objects in one call")
    panels[0][0].set_ylabel("GB/s")
    panels[0][-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    name = f"{transport}-{threads}"
    way = "mapped memory" if transport == "shm" else "TCP"
    limit = "the fastest copy" if transport == "shm" else "raw sockets"
    return Chart(name, f"The block by {way}, {threads} copy thread{'' if threads == '1' else 's'}",
                 f"A blue bar that reaches its amber line keeps the promise; grey is {limit} of the same bytes in "
                 "the same run.", svg_of(figure, name))


def pair_bars(axes, pairs):
    """Ours and the reference side by side for each (label, row), and a line at the target."""
    axes.bar([i - 0.19 for i in range(len(pairs))], [row["value"] for _, row in pairs], 0.36, color=OURS,
             label="ours")
    axes.bar([i + 0.19 for i in range(len(pairs))], [row["reference"] for _, row in pairs], 0.36, color=LIMIT,
             label="reference")
    goals = [(i, target_value(row)) for i, (_, row) in enumerate(pairs) if row["target"] is not None]
    if goals:
        axes.hlines([goal for _, goal in goals], [i - 0.42 for i, _ in goals], [i + 0.42 for i, _ in goals],
                    color=TARGET, linewidth=2, label="target")
    for place, (_, row) in enumerate(pairs):
        axes.plot([place - 0.19] * len(row["samples"]), row["samples"], ".", color=INK, markersize=3, alpha=0.5)
    axes.set_xticks(range(len(pairs)), [label for label, _ in pairs])
    axes.grid(visible=False, axis="x")


def draw_candidates(rows):
    """Every way to copy that was tried, over all batches, beside the pool."""
    found = [(BLOCK.match(row["name"]), row) for row in rows]
    found = [(parts, row) for parts, row in found
             if parts and parts[1] == "shm" and parts[5] == "1" and not parts[6] and row["candidates"]]
    if not found:
        return None
    names = [one["name"] for one in found[0][1]["candidates"]] + ["the pool"]
    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.3 * len(names)))
    for act, colour, shift in (("put", OURS, -0.13), ("get", TARGET, 0.13)):
        dots = [(one["value"], names.index(one["name"]) + shift) for parts, row in found if parts[2] == act
                for one in row["candidates"] if one["name"] in names]
        dots += [(row["value"], len(names) - 1 + shift) for parts, row in found if parts[2] == act]
        axes.plot(*zip(*dots), "o", color=colour, alpha=0.7, markersize=5, label=act) if dots else None
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_xlabel("GB/s, a dot for each batch size")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return Chart("copies", "Ways to copy", "The rightmost dots of all copies are the limit that the pool, in the last "
                 "line, is held against; digests and look-ups are in the pool's line only.", svg_of(figure, "copies"))


def draw_times(rows):
    rows = [row for row in rows if row["unit"] in SECONDS and not peer_of(row) and row["value"] > 0]
    if not rows:
        return None
    figure, axes = bars_figure(len(rows))
    micro = [SECONDS[row["unit"]] * 1e6 for row in rows]
    ours = [row["value"] * unit for row, unit in zip(rows, micro)]
    theirs = [row["reference"] * unit for row, unit in zip(rows, micro)]
    axes.hlines(range(len(rows)), ours, theirs, color=LIMIT, linewidth=1.5, alpha=0.6)
    axes.plot(theirs, range(len(rows)), "o", color=LIMIT, label="reference")
    axes.plot(ours, range(len(rows)), "o", color=OURS, label="ours")
    goals = [(target_value(row) * unit, place) for place, (row, unit) in enumerate(zip(rows, micro))
             if row["target"]]
    if goals:
        axes.plot(*zip(*goals), "|", color=TARGET, markersize=14, markeredgewidth=2.5, label="target")
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("microseconds (logarithmic); less is better")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return Chart("latencies", "Latencies", "A blue dot left of its amber mark keeps the promise; the grey dot is what it "
                 "is measured against.", svg_of(figure, "latencies"))


def draw_conditions(rows):
    """Throughput under special conditions: a cold client, a full pool."""
    rows = [row for row in rows if row["unit"] == "GB/s" and not BLOCK.match(row["name"]) and not peer_of(row)]
    if not rows:
        return None
    figure, axes = pyplot.subplots(figsize=(9, 3.2))
    pair_bars(axes, [(f"{row['name']}\nbeside {row['reference_name']}", row) for row in rows])
    axes.set_ylabel("GB/s")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return Chart("conditions", "Under harder conditions", "Blue is the pool in the condition that names the row, grey the "
                 "same work without it, and the amber line what must be left.", svg_of(figure, "conditions"))


def draw_peers(rows):
    rows = [row for row in rows if peer_of(row)]
    if not rows:
        return None
    units = sorted({row["unit"] for row in rows}, reverse=True)
    figure, panels = pyplot.subplots(1, len(units), figsize=(9, 3.4), squeeze=False)
    for axes, unit in zip(panels[0], units):
        pair_bars(axes, [(row["name"].replace(".", "\n", 1), row) for row in rows if row["unit"] == unit])
        better = "more" if unit == "GB/s" else "less"
        axes.set_ylabel(f"{unit}; {better} is better")
    panels[0][-1].legend(labels=["ours", "the other server"], loc="upper left", bbox_to_anchor=(1, 1),
                         handles=panels[0][-1].containers[:2])
    factors = [row["ratio"] if row["better"] == "higher" else 1 / row["ratio"] for row in rows if row["ratio"]]
    span = f"{min(factors):.1f} to {max(factors):.1f}" if factors else "0"
    return Chart("peers", "Beside other servers", f"The same objects, one a call: the pool is {span} times as fast.",
                 svg_of(figure, "peers"))


def draw_all(results):
    """The charts for which there are rows, in the order of the page."""
    rows = results["rows"]
    blocks = sorted({(parts[1], parts[5]) for row in rows if (parts := BLOCK.match(row["name"]))})
    with matplotlib.rc_context(STYLE):
        charts = [draw_promises(rows)]
        charts += [draw_block(rows, *block) for block in blocks]
        charts += [draw(rows) for draw in (draw_candidates, draw_times, draw_conditions, draw_peers, draw_ratios)]
    return [chart for chart in charts if chart]


# The page


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>aquifer bench</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
:root {{ --ink: #1f2328; --paper: #fff; --line: #d0d7de; --faint: #59636e; --met: #1a7f37; --missed: #cf222e }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e6edf3; --paper: #0d1117; --line: #3d444d; --faint: #9198a1; --met: #3fb950; --missed: #f85149 }} }}
body {{ color: var(--ink); background: var(--paper); font: 16px/1.5 system-ui, sans-serif; max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem }}
h1 {{ margin-bottom: 0 }} h2 {{ margin: 2.5rem 0 0.2rem }}
.faint, figcaption {{ color: var(--faint) }} figure {{ margin: 0 }}
svg {{ width: 100%; height: auto }}
.tiles {{ display: flex; gap: 1rem; flex-wrap: wrap; margin: 1.5rem 0 }}
.tile {{ border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.6rem 1.1rem }}
.tile b {{ display: block; font-size: 1.8rem; line-height: 1.2 }}
.met {{ color: var(--met) }} .missed {{ color: var(--missed) }}
.wide {{ overflow-x: auto }} table {{ border-collapse: collapse; font-size: 0.85rem }}
td, th {{ border-bottom: 1px solid var(--line); padding: 0.2rem 0.6rem; text-align: right; white-space: nowrap }}
td:first-child, th:first-child, td:nth-child(2), th:nth-child(2) {{ text-align: left }}
</style></head><body>
<h1>aquifer bench</h1>
<p class="faint">{machine}</p>
<div class="tiles">{tiles}</div>
{charts}
<h2>How it was measured</h2>
<p>Each path is measured beside what limits it, in the same run and in turn: limit, pool, limit, pool, with one round
to warm up. Figures are medians of {rounds} rounds; the small dots are single samples. GB/s is 10<sup>9</sup> bytes of
values a second. Every byte that was put and read is compared, outside the time that is measured, and the nodes' own
counters must agree. A ratio says what is left unused; absolute figures belong to the machine.</p>
{remarks}
<h2>All rows</h2>
<div class="wide"><table><tr><th>row<th>beside<th>ours<th>reference<th>unit<th>ratio<th>target<th>met<th>verified</tr>
{rows}
</table></div>
</body></html>
"""


def tile(value, label, kind=""):
    return f'<div class="tile"><b class="{kind}">{value}</b>{label}</div>'


def tiles_of(rows):
    counts = Counter(row["met"] for row in rows if row["met"] is not None)
    wrong = sum(not row["verified"] for row in rows)
    return "".join([tile(counts[True], "promises met", "met"),
                    tile(counts[False], "not met", "missed" if counts[False] else ""),
                    tile(len(rows) - wrong, "rows verified"),
                    tile(wrong, "NOT VERIFIED", "missed") if wrong else ""])


def row_line(row):
    met = {None: "–", True: '<span class="met">yes</span>', False: '<span class="missed">NO</span>'}[row["met"]]
    goal = "–" if row["target"] is None else f"{'≥' if row['better'] == 'higher' else '≤'} {row['target']:.3g}"
    cells = [html.escape(row["name"]), html.escape(row["reference_name"]), figure_text(row["value"]),
             figure_text(row["reference"]), html.escape(row["unit"]), f"{row['ratio']:.2f}", goal, met,
             "yes" if row["verified"] else '<span class="missed">NO</span>']
    return "<tr>" + "".join(f"<td>{cell}" for cell in cells) + "</tr>"


def machine_line(machine):
    return (f"{machine['processor']}, {machine['cores']} cores, last-level cache {machine['cache_bytes'] >> 20} MiB, "
            f"memory {machine['memory_bytes'] >> 30} GiB, Linux {machine['kernel']}, huge pages "
            f"{machine['huge_pages']}, aquifer {machine['version']}")


def page_of(results, charts):
    remarks = "".join(f"<li>{html.escape(text)}</li>" for text in results["remarks"])
    return PAGE.format(
        machine=html.escape(machine_line(results["machine"])), tiles=tiles_of(results["rows"]),
        charts="\n".join(f"<h2>{html.escape(chart.title)}</h2>\n<figure><figcaption>{html.escape(chart.says)}"
                         f"</figcaption>\n{chart.svg}</figure>" for chart in charts),
        rounds=results["workload"]["rounds"], remarks=f"<ul>{remarks}</ul>" if remarks else "",
        rows="\n".join(row_line(row) for row in results["rows"]))


def standalone(svg):
    """The chart as a file of its own: it has no page around it that gives it a colour."""
    style = ("<style>:root { color: #1f2328 } @media (prefers-color-scheme: dark) "
             "{ :root { color: #e6edf3 } }</style>")
    end = svg.index(">") + 1
    return '<?xml version="1.0" encoding="utf-8"?>\n' + svg[:end] + style + svg[end:]


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="what aquifer bench --json wrote")
    parser.add_argument("--html", type=Path, help="the page to write")
    parser.add_argument("--svg-dir", type=Path, help="the folder for the charts, one file each")
    arguments = parser.parse_args(words)
    try:
        results = json.loads(arguments.results.read_text(encoding="utf-8"))
        charts = draw_all(results)
        page = page_of(results, charts)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        print(f"bench_report.py: {arguments.results} is no result of aquifer bench: {problem!r}", file=sys.stderr)
        return 1
    if arguments.html:
        arguments.html.write_text(page, encoding="utf-8")
    if arguments.svg_dir:
        arguments.svg_dir.mkdir(parents=True, exist_ok=True)
        for chart in charts:
            (arguments.svg_dir / f"{chart.name}.svg").write_text(standalone(chart.svg), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
