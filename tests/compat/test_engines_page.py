"""docs/engines.md has the tables as they are, and commands that name what exists."""

import re
from pathlib import Path

from aquifer_compat.support import with_tables

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "engines.md"


def test_the_tables_are_those_of_the_packages():
    page = PAGE.read_text()
    assert page == with_tables(page), "run ./dev docs"


def test_the_package_needs_aquifer_of_the_same_version():
    version = re.match(r"\d+\.\d+\.\d+", (ROOT / "VERSION").read_text()).group()
    assert f'"aquifer=={version}"' in (ROOT / "python/compat/pyproject.toml").read_text()


def test_the_commands_name_modules_and_classes_that_exist():
    page = PAGE.read_text()
    for module, name in re.findall(
            r'"module_path": "([\w.]+)", "class_name": "(\w+)"'
            r'|"kv_connector_module_path": "[\w.]+"', page):
        assert not module or hasattr(__import__(module, fromlist=[name]), name)
    vllm = __import__("aquifer.integrations.vllm", fromlist=["AquiferConnector"])
    assert '"kv_connector": "AquiferConnector"' in page and vllm.AquiferConnector
    lmcache = __import__("aquifer.integrations.lmcache", fromlist=["AquiferConnectorAdapter"])
    assert "class_name: AquiferConnectorAdapter" in page and lmcache.AquiferConnectorAdapter
