#!/usr/bin/env python3
"""Installs the wheels of a folder into fresh virtual environments and uses what they bring.

    tools/try_packages.py FOLDER

First `aquifer` alone: its module, program, library and headers work, and it brings no name of another
project. Then `aquifer-compat` beside it: the doctor is content, each program answers, and a
metadata service and a master start and end.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PLAIN = """
import importlib.util, os, aquifer, aquifer.integrations.sglang, aquifer.integrations.vllm
import aquifer.integrations.lmcache, aquifer.integrations.mindie
with aquifer.Pool("16MiB") as pool, pool.client() as client:
    assert client.put("k", b"value").ok and client.get("k") == b"value"
for name in ("mooncake", "memcache_hybrid", "aquifer_compat"):
    assert importlib.util.find_spec(name) is None, name
assert os.path.isfile(os.path.join(aquifer.include_dir(), "aquifer", "client.h"))
print(aquifer.include_dir())
print(aquifer.library_dir())
"""

CPP = """
#include <aquifer/pool.h>
int main() {
  auto pool = aquifer::Pool::open({.dram_bytes = 16u << 20});
  auto client = pool->client();
  return client->put("k", "value", 5) == aquifer::Status::kOk ? 0 : 1;
}
"""

COMPAT = """
import memcache_hybrid, mooncake.store, mooncake.mooncake_config, mooncake.http_metadata_server
import os
store = mooncake.store.MooncakeDistributedStore()
assert store.is_exist("k") == -600
assert memcache_hybrid.DistributedObjectStore().is_exist("k") == -3019
folder = os.path.dirname(memcache_hybrid.__file__)
for part in ("config/mmc-local.conf", "config/mmc-meta.conf", "lib/libmf_memcache.so",
             "include/mmcache.h", "include/cpp/mmcache.h"):
    assert os.path.isfile(os.path.join(folder, part)), part
from mooncake.engine import TransferEngine
assert TransferEngine().initialize("localhost", "P2PHANDSHAKE", "tcp", "") == 0
"""


class Environment:
    """A virtual environment with wheels from one folder and nothing else."""

    def __init__(self, folder, wheels):
        venv.create(folder, with_pip=False)
        self.bin = Path(folder) / "bin"
        self._wheels = wheels

    def install(self, name):
        wheel, = self._wheels.glob(f"{name.replace('-', '_')}-*.whl")
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "install", "-q",
             "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)], check=True)

    def run(self, *words, **options):
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment["PATH"] = f"{self.bin}:{environment['PATH']}"
        environment.update(options.pop("env", {}))
        return subprocess.run(words, check=True, env=environment, text=True, timeout=60,
                              stdout=subprocess.PIPE, **options).stdout

    def serve(self, *words, until, **env):
        """Starts a program, waits for a port, and ends it; its status must be 0."""
        environment = {**os.environ, **env, "PATH": f"{self.bin}:{os.environ['PATH']}"}
        environment.pop("PYTHONPATH", None)
        process = subprocess.Popen([str(self.bin / words[0]), *words[1:]], env=environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for_port(until, process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0, (words, process.returncode)
        finally:
            process.kill()
            process.wait()


def free_port():
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for_port(port, process):
    import socket
    import time

    end = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, f"it ended with {process.returncode}"
            assert time.monotonic() < end, "it does not listen"
            time.sleep(0.05)


def try_plain(environment, folder):
    environment.install("aquifer")
    include, library = environment.run(str(environment.bin / "python"), "-c", PLAIN).split()
    assert "aquifer" in environment.run(str(environment.bin / "aquifer"), "--version")
    source, program = folder / "one.cc", folder / "one"
    source.write_text(CPP)
    subprocess.run(["g++", "-std=c++20", f"-I{include}", str(source), "-o", str(program),
                    f"-L{library}", "-laquifer", f"-Wl,-rpath,{library}"], check=True)
    environment.run(str(program))


def try_compat(environment, folder):
    environment.install("aquifer-compat")
    python = str(environment.bin / "python")
    environment.run(python, "-c", COMPAT)
    assert "verdict   good" in environment.run(str(environment.bin / "aquifer-compat"), "doctor")
    assert environment.run(str(environment.bin / "mooncake_master"), "--version")
    for program in ("mooncake_client", "mooncake_http_metadata_server", "mc_store_rest_server"):
        environment.run(str(environment.bin / program), "--help", stderr=subprocess.STDOUT)
    ports = [free_port() for _ in range(3)]
    configuration = folder / "mmc-meta.conf"
    configuration.write_text(
        f"ock.mmc.meta_service_url = tcp://127.0.0.1:{ports[0]}\n"
        f"ock.mmc.meta_service.config_store_url = tcp://127.0.0.1:{ports[1]}\n"
        f"ock.mmc.meta_service.metrics_url = http://127.0.0.1:{ports[2]}\n"
        f"ock.mmc.log_path = {folder}\n")
    environment.serve("mmc_meta_service", until=ports[1], MMC_META_CONFIG_PATH=str(configuration))
    environment.serve("mooncake_master", f"--port={ports[0]}", f"--metrics_port={ports[1]}",
                      "--rpc_address=127.0.0.1", "--metrics_host=127.0.0.1", until=ports[1])


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("wheels", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        environment = Environment(Path(folder) / "venv", options.wheels)
        try_plain(environment, Path(folder))
        print("aquifer alone: its module, program, library and headers work")
        try_compat(environment, Path(folder))
        print("aquifer-compat beside it: the doctor is content, and each program answers")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
