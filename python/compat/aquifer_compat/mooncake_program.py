"""What Mooncake's programs have in common: their command line, and how they end."""

import signal
import sys
import threading

from aquifer_compat.mooncake_flags import REFUSED, WARNED, CommandLine, FlagError
from aquifer_compat.mooncake_log import fail


def read_command_line(program, flags, arguments):
    """(CommandLine, None), or (None, the exit status) when there is nothing more to do."""
    line = CommandLine(flags)
    words = sys.argv[1:] if arguments is None else list(arguments)
    plain = {word.lstrip("-") for word in words if word.startswith("-")}
    if "version" in plain:
        from aquifer import __version__

        print(f"{program} (Aquifer {__version__})")
        return None, 0
    if plain & {"help", "h", "helpfull", "helpshort"}:
        print(f"{program}: flags are written --name=value or --name value\n{line.usage()}", end="")
        return None, 0
    try:
        line.parse(words)
        if line.values.get("config_path"):
            line.load(line["config_path"])
    except FlagError as error:
        return None, fail(program, f"ERROR: {error}")
    for flag in line.asked(REFUSED):
        return None, fail(program, f"--{flag.name} is not supported: {flag.meaning}")
    return line, None


def warn_of_flags(line, log):
    """One line for each flag that asks for what is not there."""
    for flag in line.asked(WARNED):
        log.line(f"--{flag.name} has no effect: {flag.meaning}")


class StopSignals:
    """SIGINT and SIGTERM of a program, from construction on. Main thread only."""

    def __init__(self):
        self._asked = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._asked.set())

    def wait(self, seconds):
        """Whether one has come, within the time."""
        return self._asked.wait(seconds)
