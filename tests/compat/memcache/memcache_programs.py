"""The metadata service as a real process, configurations and memory by address, for the tests."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from memcache_hybrid import DistributedObjectStore, LocalConfig

BUILD = Path(__file__).resolve().parents[3] / os.environ.get("AQUIFER_BUILD_DIR", "build/dev")
PROGRAM = BUILD / "bin" / "mmc_meta_service"
MAIN = "import sys; from memcache_hybrid import MetaService; sys.exit(MetaService.main())"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class MetaProcess:
    """`mmc_meta_service`, started by its configuration file and ended by its pid."""

    def __init__(self, folder, **values):
        self.port, self.config_port, self.http_port = free_port(), free_port(), free_port()
        self.url = f"tcp://127.0.0.1:{self.port}"
        self.folder = folder
        self.path = folder / "mmc-meta.conf"
        keys = {
            "ock.mmc.meta_service_url": self.url,
            "ock.mmc.meta_service.config_store_url": f"tcp://127.0.0.1:{self.config_port}",
            "ock.mmc.meta_service.metrics_url": f"http://127.0.0.1:{self.http_port}",
            "ock.mmc.log_path": str(folder / "log"),
            **values,
        }
        self.path.write_text("".join(f"{key} = {value}\n" for key, value in keys.items()))
        self.process = None

    def start(self, wait=True, words=(sys.executable, "-c", MAIN), errors=None):
        self.errors = os.fdopen(os.dup(errors), "ab") if errors else open(
            self.folder / "meta.stderr", "ab")
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=self.errors,
            env={**os.environ, "MMC_META_CONFIG_PATH": str(self.path)})
        if wait:
            wait_until(lambda: can_connect(self.port) and can_connect(self.config_port))
        return self

    def get(self, path, method="GET", body=None):
        """Status and text of a REST call."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", data=body,
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def json(self, path):
        status, text = self.get(path)
        assert status == 200
        return json.loads(text)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Its exit status after SIGTERM."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        finally:
            self.process.stdout.close()
            self.errors.close()


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass in time"
        time.sleep(0.02)


def local_config(url, **values):
    config = LocalConfig()
    config.meta_service_url = url
    config.protocol = "host_shm"
    config.dram_size = "64MB"
    for name, value in values.items():
        setattr(config, name, value)
    return config


def open_store(url, init_bm=True, **values):
    store = DistributedObjectStore()
    assert store.setup(local_config(url, **values)) == 0
    assert store.init(0, init_bm) == 0
    return store


class Memory:
    """Bytes of this process by address."""

    def __init__(self, data):
        self._bytes = ctypes.create_string_buffer(bytes(data) if not isinstance(data, int) else data,
                                                  data if isinstance(data, int) else len(data))
        self.size = len(self._bytes)
        self.address = ctypes.addressof(self._bytes)

    def __bytes__(self):
        return self._bytes.raw

    def __getitem__(self, part):
        return self._bytes.raw[part]
