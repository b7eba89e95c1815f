"""The report of a bench: what is in it follows from the JSON, and it needs nothing but itself."""

import json
import re
from xml.etree import ElementTree

import bench_report
import pytest


def row(name, value, reference, **more):
    fields = {"unit": "GB/s", "reference_name": "limit", "better": "higher", "target": None, "verified": True,
              "samples": [value], "candidates": [], **more}
    ratio = value / reference if reference else 0
    met = None
    if fields["target"] is not None:
        met = ratio >= fields["target"] if fields["better"] == "higher" else ratio <= fields["target"]
    return {"name": name, "value": value, "reference": reference, "ratio": ratio, "met": met, **fields}


TRIED = [{"name": "memcpy", "value": 7.0}, {"name": "nt", "value": 10.0}]
RESULTS = {
    "machine": {"processor": "One & <Only>", "cores": 2, "cache_bytes": 32 << 20, "memory_bytes": 8 << 30,
                "kernel": "6.1", "huge_pages": "never", "version": "1.2.3"},
    "workload": {"rounds": 7},
    "rows": [
        row("shm.get.r1.b8.t1", 9.5, 10, target=0.92, candidates=TRIED),
        row("shm.put.r1.b8.t1", 8.0, 10, target=0.92, candidates=TRIED),
        row("shm.get.r1.b8.t1.memcpy", 9.5, 7, target=1.18, candidates=TRIED),
        row("tcp.get.r1.b1.t2", 2.0, 4, verified=False),
        row("full.refused", 0, 448, unit="puts", better="lower", target=0),
        row("start.first_put", 0.03, 1, unit="s", better="lower", target=1),
        row("cold.get", 5, 10, target=0.7),
        row("redis.get.4k", 2, 20, unit="us", better="lower", reference_name="redis"),
        row("redis.get.block", 10, 1, reference_name="redis"),
    ],
    "remarks": ["little <memory>"],
}


@pytest.fixture
def report(tmp_path):
    """Draws the report of some results: the page, and the charts by name."""
    def draw(results):
        (tmp_path / "bench.json").write_text(json.dumps(results))
        page, charts = tmp_path / "report.html", tmp_path / "charts"
        words = [tmp_path / "bench.json", "--html", page, "--svg-dir", charts]
        assert bench_report.main([str(word) for word in words]) == 0
        return page.read_text(), {path.stem: path.read_text() for path in charts.iterdir()}
    return draw


def test_every_kind_of_row_has_its_chart_and_every_row_stands_in_the_table(report):
    page, charts = report(RESULTS)
    assert set(charts) == {"promises", "shm-1", "tcp-2", "copies", "latencies", "conditions", "peers", "ratios"}
    for one in RESULTS["rows"]:
        assert f"<tr><td>{one['name']}<td>" in page
    assert page.count("<figcaption>") == len(charts)


def test_met_and_missed_promises_are_counted_and_named(report):
    page, charts = report(RESULTS)
    assert '<b class="met">4</b>promises met' in page and '<b class="missed">2</b>not met' in page
    assert "4 of 6 rows with a target meet it" in page
    assert charts["promises"].count("NOT MET") == 2
    assert '<b class="missed">1</b>NOT VERIFIED' in page


def test_charts_are_well_formed_and_take_the_colour_of_the_reader(report):
    _, charts = report(RESULTS)
    for name, text in charts.items():
        ElementTree.fromstring(text)
        assert "currentColor" in text and bench_report.INK not in text, name
        assert "prefers-color-scheme: dark" in text


def test_the_page_loads_nothing_and_escapes_what_it_shows(report):
    page, _ = report(RESULTS)
    links = re.findall(r"""(?:src|href)\s*=\s*["']([^"'#][^"']*)|url\((?!#)""", page)
    assert links == [] and "<script" not in page and "@import" not in page
    assert "One &amp; &lt;Only&gt;" in page and "little &lt;memory&gt;" in page
    ids = re.findall(r'<clipPath id="([^"]+)"', page)
    assert len(ids) == len(set(ids)), "charts of one page share no id"


def test_the_same_results_give_the_same_bytes(report):
    assert report(RESULTS) == report(RESULTS)


def test_results_without_rows_still_give_a_page(report):
    page, charts = report({**RESULTS, "rows": [], "remarks": []})
    assert charts == {} and "promises met" in page


@pytest.mark.parametrize("text", ["", "{}", '{"rows": 1}', "[]"])
def test_what_is_no_result_of_a_bench_is_said(tmp_path, capsys, text):
    (tmp_path / "bench.json").write_text(text)
    assert bench_report.main([str(tmp_path / "bench.json")]) == 1
    assert "bench.json is no result of aquifer bench" in capsys.readouterr().err
