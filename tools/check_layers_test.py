"""The layer check finds each kind of violation, and nothing in a tree that keeps the rules."""

from pathlib import Path

import check_layers


def tree(tmp_path: Path, files: dict) -> Path:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def problems_of(tmp_path, files):
    return [str(problem) for problem in check_layers.check(tree(tmp_path, files))]


def test_a_tree_that_keeps_the_rules_has_no_problems(tmp_path):
    assert problems_of(tmp_path, {
        "src/base/result.h": '#include <string>\n#include "aquifer/result.h"\n',
        "src/base/log.cc": "#include <spdlog/spdlog.h>\n",
        "src/io/loop.cc": '#include <boost/asio.hpp>\n#include <sys/epoll.h>\n#include "base/result.h"\n',
        "src/io/loop_test.cc": "#include <gtest/gtest.h>\n",
        "src/io/CMakeLists.txt": "aquifer_module(io DEPS base LINK OpenSSL::SSL)\n",
        "src/node/node.cc": '#include "base/result.h"\n',
        "src/memory/extent.h": "",
        "src/io/clock.h": "#include <memory>\n",
        "include/aquifer/result.h": "#include <string>\n",
    }) == []


def test_an_upward_include_is_found_with_its_line(tmp_path):
    found = problems_of(tmp_path, {
        "src/base/result.h": '#include <string>\n#include "io/loop.h"\n', "src/io/loop.h": ""})
    assert found[0] == "src/base/result.h:2: io is above base; only what is below may be used"


def test_a_neighbour_on_the_same_level_is_found(tmp_path):
    found = problems_of(tmp_path, {
        "src/node/a.cc": '#include "client/client.h"\n', "src/client/client.h": ""})
    assert found == ["src/node/a.cc:1: client and node are on one level and must not know each other"]


def test_meta_must_not_know_a_transport(tmp_path):
    found = problems_of(tmp_path, {
        "src/meta/a.cc": '#include "transport/transport.h"\n', "src/transport/transport.h": ""})
    assert len(found) == 1 and "meta never touches data" in found[0]


def test_an_upward_link_is_found(tmp_path):
    found = problems_of(tmp_path, {"src/io/CMakeLists.txt": "# io\naquifer_module(io\n  DEPS base rpc)\n"})
    assert found == ["src/io/CMakeLists.txt:2: DEPS: rpc is above io; only what is below may be used"]


def test_an_unknown_module_is_found(tmp_path):
    found = problems_of(tmp_path, {"src/io/CMakeLists.txt": "aquifer_module(io DEPS bsae)\n"})
    assert "there is no module bsae" in found[0]


def test_headers_from_outside_have_one_owner(tmp_path):
    for file, header in [("src/pool/a.cc", "boost/asio.hpp"), ("src/base/check.cc", "fmt/format.h"),
                         ("src/io/a.cc", "CLI/CLI.hpp"), ("src/client/a.h", "nlohmann/json.hpp"),
                         ("src/base/a.cc", "boost/regex.hpp"), ("src/base/a.h", "gtest/gtest.h"),
                         ("src/io/b.cc", "made/up.h")]:
        path = tmp_path / file.replace("/", "_")
        assert len(problems_of(path, {file: f"#include <{header}>\n"})) == 1, (file, header)


def test_public_headers_use_the_standard_library_only(tmp_path):
    for number, header in enumerate(["base/result.h", "boost/asio.hpp", "sys/mman.h", "unistd.h"]):
        path = tmp_path / str(number)
        found = problems_of(path, {"include/aquifer/a.h": f"#include <{header}>\n"})
        assert len(found) == 1 and "public headers" in found[0], header


def test_a_circle_is_found():
    assert check_layers.find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert check_layers.find_cycle({"a": {"b", "c"}, "b": {"c"}}) is None
