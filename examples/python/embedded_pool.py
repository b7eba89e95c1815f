"""A whole pool inside this process: nothing to start, and nothing left when it ends.

    python embedded_pool.py
"""

import aquifer


def main() -> None:
    with aquifer.Pool("64MiB") as pool, pool.client() as client:
        print(f"other processes of this host join at {pool.meta}")

        client.put("config", b"kept")
        client.pin("config", 3600)  # eviction leaves it alone for an hour
        for number in range(100):
            client.put(f"block-{number}", bytes(1 << 20))

        status = client.status()
        print(f"{status['objects']} objects, {status['evictions']} evicted to make room")
        print(f"the pinned one: {client.get('config')!r}")


if __name__ == "__main__":
    main()
