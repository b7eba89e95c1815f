"""MetaService: the metadata service of a pool, in this process until a signal ends it."""

import os
import signal
import sys
import threading

from . import _pymmc


class MetaService:
    """Runs the metadata service. `main` takes what `setup` was given, or the file that
    MMC_META_CONFIG_PATH names, or the defaults."""

    _config = None

    @staticmethod
    def setup(config):
        """Takes a MetaConfig for `main`. Returns 0, or -1 for anything else."""
        if not isinstance(config, _pymmc.MetaConfig):
            return -1
        MetaService._config = config
        return 0

    @staticmethod
    def main():
        """Runs until SIGINT or SIGTERM and returns 0, or -1 when it cannot be started; the log
        says why. Called on a thread that is not the main one it runs until the process ends."""
        config = MetaService._config or _configured()
        if config is None:
            return -1
        _pymmc.start_log(config)
        service = _pymmc.start_meta(config)
        if service is None:
            return -1
        try:
            return _wait(service)
        finally:
            service.stop()


def _configured():
    path = os.environ.get("MMC_META_CONFIG_PATH") or _pymmc.loaded_meta_path()
    return _pymmc.read_meta_config(path) if path else _pymmc.MetaConfig()


def _wait(service):
    stopped = threading.Event()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, lambda *_: stopped.set())
    try:
        while not stopped.wait(0.1):
            failure = service.failure()
            if failure is not None:
                _pymmc.log_error(failure)
                return -1
        return 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def program():
    """The command mmc_meta_service: status 0 after SIGINT or SIGTERM, 255 when it cannot start."""
    sys.exit(MetaService.main() & 0xFF)
