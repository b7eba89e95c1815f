"""What concerns many keys at once: listings in pages, and removal by prefix."""

import pytest

from aquifer import Status

KEYS = {f"a/{i}": 1 + 100 * i for i in range(50)} | {f"b/{i}": 7 for i in range(20)}


@pytest.fixture
def filled(client):
    values = [bytes(size) for size in KEYS.values()]
    assert client.put_batch(list(KEYS), values) == [Status.OK] * len(KEYS)
    return client


def pages(client, *arguments, **options):
    """All pages of a listing, in order."""
    found, cursor = [], None
    while True:
        entries, cursor = client.list(*arguments, cursor=cursor, **options)
        found.append(entries)
        if cursor is None:
            return found
        assert type(cursor) is bytes and len(found) < 1000


def listed(client, *arguments, **options):
    return sum(pages(client, *arguments, **options), [])


def test_a_listing_has_every_key_with_its_size(filled):
    entries = listed(filled)
    assert len(entries) == len(KEYS) and dict(entries) == KEYS
    assert filled.last_error() == ""


@pytest.mark.parametrize("limit", [1, 7, 50, 4096])
def test_pages_hold_what_was_asked_for_at_most(filled, limit):
    found = pages(filled, "a/", limit=limit)
    assert max(len(entries) for entries in found) <= limit
    entries = sum(found, [])
    assert len(entries) == 50 and {key for key, _ in entries} == {f"a/{i}" for i in range(50)}


def test_a_prefix_is_bytes_of_the_key(filled):
    assert {key for key, _ in listed(filled, "a/1")} == {"a/1", *(f"a/1{i}" for i in range(10))}
    assert dict(listed(filled, b"b/19")) == {"b/19": 7}
    assert listed(filled, "nothing") == []


def test_an_empty_namespace_lists_nothing(client):
    assert listed(client) == []
    assert list(client.iter_keys()) == []


def test_keys_are_text_where_they_are_utf8_and_bytes_otherwise(client):
    keys = ["text", "ключ", b"\xff\xfe", b"a\x00b"]
    assert client.put_batch(keys, [b"value"] * 4) == [Status.OK] * 4
    found = [key for key, _ in listed(client)]
    assert set(found) == {"text", "ключ", b"\xff\xfe", "a\0b"}
    assert client.get_batch(found) == [b"value"] * 4


def test_an_iterator_goes_through_all_pages(client):
    keys = [f"key{i}" for i in range(2500)]
    assert all(client.put_batch(keys, [b"v"] * 2500))
    iterator = client.iter_keys("key")
    assert iter(iterator) is iterator and not iterator.complete
    found = list(iterator)
    assert len(found) == 2500 and set(found) == set(keys)
    assert iterator.complete and list(iterator) == []


def test_an_iterator_that_is_cut_off_says_so(pool, request):
    with pool.client(namespace=request.node.name) as client:
        client.put_batch([f"key{i}" for i in range(1500)], [b"v"] * 1500)
        iterator = client.iter_keys()
        next(iterator)
        client.close()
        assert len(list(iterator)) < 1500
        assert not iterator.complete and client.last_error() != ""


def test_namespaces_are_listed_apart(filled):
    filled.put("elsewhere", b"value", namespace="listed-elsewhere")
    assert listed(filled, namespace="listed-elsewhere") == [("elsewhere", 5)]
    assert list(filled.iter_keys(namespace="listed-elsewhere")) == ["elsewhere"]
    assert filled.clear(namespace="listed-elsewhere") == 1
    assert len(listed(filled)) == len(KEYS)


def test_removal_by_prefix_tells_how_many(filled):
    assert filled.remove_prefix("a/1") == 11
    assert filled.remove_prefix("a/1") == 0
    assert filled.remove_prefix(b"b/") == 20
    assert not any(filled.exists_batch([f"b/{i}" for i in range(20)]))
    assert {key for key, _ in listed(filled)} == {f"a/{i}" for i in range(50)} - {
        "a/1",
        *(f"a/1{i}" for i in range(10)),
    }
    assert filled.get("a/20") == bytes(2001)


def test_clear_removes_all_of_a_namespace(filled):
    filled.put("key", b"value", namespace="not-cleared")
    assert filled.clear() == len(KEYS)
    assert listed(filled) == []
    assert filled.clear() == 0
    assert filled.get("key", namespace="not-cleared") == b"value"
