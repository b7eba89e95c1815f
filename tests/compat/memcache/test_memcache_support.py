"""The table of what is supported, held against the package and against the names of the interface."""

import re
from pathlib import Path

import pytest
from aquifer_compat.memcache_support import (
    CXX,
    LOCAL,
    META,
    METHOD,
    PROTOCOL,
    REST,
    ROWS,
    C,
)
from aquifer_compat.support import IGNORED, REFUSES, WARNS

from memcache_hybrid import DistributedObjectStore, LocalConfig, MetaConfig

# Of the specification of MemCache's interface, the methods of newer versions included.
METHODS = """setup init close get_local_service_id put put_batch put_from batch_put_from
put_from_layers batch_put_from_layers get get_batch get_into batch_get_into get_into_layers
batch_get_into_layers remove remove_batch remove_all is_exist batch_is_exist get_key_info
batch_get_key_info register_buffer unregister_buffer batch_alloc batch_copy batch_copy_layers
batch_write_finish batch_add_lease batch_remove_lease""".split()
INCLUDE = Path(__file__).resolve().parents[3] / "include" / "memcache"


def names(part, verdict=None):
    return [row.name for row in ROWS
            if row.part == part and verdict in (None, row.verdict)]


def test_each_row_is_there_once_and_says_something():
    assert len({(row.part, row.name) for row in ROWS}) == len(ROWS)
    assert all(row.sentence.endswith(".") for row in ROWS)


def test_every_method_is_there():
    assert sorted(names(METHOD)) == sorted(METHODS)
    public = [name for name in dir(DistributedObjectStore) if not name.startswith("_")]
    assert sorted(public) == sorted(METHODS)


def fields(kind):
    public = [name for name in dir(kind) if not name.startswith("_") and name != "str"]
    return {re.sub(r"tls_(?!enable).*_path$", "tls_*_path", name) for name in public}


@pytest.mark.parametrize("part, kind", [(LOCAL, LocalConfig), (META, MetaConfig)])
def test_every_field_is_there(part, kind):
    assert set(names(part)) == fields(kind)


def test_every_c_function_is_there():
    declared = set()
    for header in ("mmc.h", "mmc_client.h", "mmc_service.h"):
        declared |= set(re.findall(r"\b(mmcs?c?_\w+)\(", (INCLUDE / header).read_text()))
    assert set(names(C)) == declared


def test_every_member_of_the_class_is_there():
    text = (INCLUDE / "mmcache.h").read_text()
    declared = set(re.findall(r"virtual [\w:<>]+ (\w+)\(", text)) | {"CreateObjectStore"}
    assert {name for row in names(CXX) for name in row.split(", ")} == declared


def test_every_path_answers(meta, store):
    for row in names(REST):
        method, _, path = row.rpartition(" ")
        parameters = {"/query_key": "?key=k", "/metadata": "?key=k", "/key": "?key=k",
                      "/batch_query_keys": "?keys=k", "/query_segment": "?segment=s",
                      "/api/v1/segments/status": "?segment=s"}
        assert meta.get(path + parameters.get(path, ""), method or "POST")[0] == 200, row


def test_what_warns_and_is_ignored_is_accepted(meta):
    for name in names(LOCAL, IGNORED) + names(LOCAL, WARNS):
        config = LocalConfig()
        config.meta_service_url = meta.url
        if name == "hbm_size":
            config.max_hbm_size = config.hbm_size = "1GB"
        elif name == "ubs_io_enable":
            config.ubs_io_enable = True
        elif name.endswith("_*_path"):
            setattr(config, name.replace("*", "ca"), "/not/there")
        assert DistributedObjectStore().setup(config) == 0, name


def test_what_is_refused_is(meta):
    for name in names(LOCAL, REFUSES):
        config = LocalConfig()
        setattr(config, name, True)
        assert DistributedObjectStore().setup(config) == -3000, name


def test_protocols_are_accepted(meta):
    for name in names(PROTOCOL):
        config = LocalConfig()
        config.protocol = name
        assert DistributedObjectStore().setup(config) == 0, name
