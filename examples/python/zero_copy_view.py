"""Computes on a value where it lies, in the memory that the node shares with this process.

An array made from a view keeps the value readable for as long as it lives, even when the object is
removed meanwhile.

    python zero_copy_view.py         with a pool at AQUIFER_META, or tcp://127.0.0.1:5000
"""

import numpy as np

import aquifer


def main() -> None:
    values = np.arange(1_000_000, dtype=np.float32)
    with aquifer.Client(namespace="zero-copy") as client:
        client.put("values", values)

        view = client.view("values")
        if view is None:
            raise SystemExit(client.last_error() or "not there")
        print(f"{len(view)} bytes in {len(view.pieces)} piece(s), a copy: {view.is_copy}")

        # A value may lie in several pieces; one array per piece.
        arrays = [np.frombuffer(piece, np.float32) for piece in view.pieces]
        view.release()  # takes effect when the arrays are gone
        client.remove("values")
        total = sum(float(array.sum(dtype=np.float64)) for array in arrays)
        print(f"sum {total:.0f}, expected {values.sum(dtype=np.float64):.0f}")


if __name__ == "__main__":
    main()
