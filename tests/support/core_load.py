#!/usr/bin/env python3
"""Takes a share of every core until it is ended: another program on the machine that the tests run on.

    tests/support/core_load.py [PERCENT]     default: 30
"""
import os
import signal
import sys
import time

PERIOD = 0.1  # seconds


def take(core: int, share: float) -> None:
    os.sched_setaffinity(0, {core})
    parent = os.getppid()
    while os.getppid() == parent:
        begin = time.monotonic()
        while time.monotonic() - begin < share * PERIOD:
            pass
        time.sleep((1 - share) * PERIOD)


def main() -> None:
    share = float(sys.argv[1] if len(sys.argv) > 1 else 30) / 100
    for core in os.sched_getaffinity(0):
        if os.fork() == 0:
            take(core, share)
            os._exit(0)
    signal.pause()


main()
