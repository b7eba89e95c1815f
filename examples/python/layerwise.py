"""Writes a value layer by layer while it is being computed, and reads single layers of it.

Nobody sees the object before the commit; a put that is left without one is given up.

    python layerwise.py              with a pool at AQUIFER_META, or tcp://127.0.0.1:5000
"""

import numpy as np
from numpy.typing import NDArray

import aquifer

LAYERS, LAYER_SHAPE = 8, (2, 16, 512)


def layer_of(number: int) -> NDArray[np.float32]:
    """Stands for the forward pass of one layer."""
    return np.random.default_rng(number).random(LAYER_SHAPE).astype(np.float32)


def main() -> None:
    layer_bytes = layer_of(0).nbytes
    with aquifer.Client(namespace="layerwise") as client:
        with client.open_put("request-17", LAYERS * layer_bytes, lifetime=30) as put:
            for number in range(LAYERS):
                put.write(number * layer_bytes, layer_of(number))
                assert not client.exists("request-17")
            status = put.commit()
        if not status:
            raise SystemExit(f"{status.name}: {client.last_error()}")
        print(f"committed {put.size} bytes in {LAYERS} writes")

        layer = np.empty(LAYER_SHAPE, np.float32)
        for number in (5, 0, 7):
            size = client.get_range_into("request-17", number * layer_bytes, layer)
            same = size == layer_bytes and np.array_equal(layer, layer_of(number))
            print(f"layer {number}: {size} bytes, equal: {same}")
        client.clear()


if __name__ == "__main__":
    main()
