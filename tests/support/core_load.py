#!/usr/bin/env python3
"""Takes a share of every core until it is ended: another program on the machine that the tests run on.

    tests/support/core_load.py [PERCENT] [--bursts]

PERCENT   of each core; default: 30
--bursts  at random times, for 5 to 200 ms each, a core apart from the other; a tenth of a second's share each
          tenth of a second otherwise
"""
import os
import random
import signal
import sys
import time

PERIOD = 0.1  # seconds
BURST = (0.005, 0.2)  # seconds


def spin(seconds: float) -> None:
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        pass


def take(core: int, share: float, bursts: bool) -> None:
    os.sched_setaffinity(0, {core})
    parent = os.getppid()
    draw = random.Random(core)
    while os.getppid() == parent:
        busy = draw.uniform(*BURST) if bursts else share * PERIOD
        # Exponential gaps: bursts come at times that nothing else keeps to.
        idle = busy * (1 - share) / share
        spin(busy)
        time.sleep(draw.expovariate(1 / idle) if bursts else idle)


def main() -> None:
    bursts = "--bursts" in sys.argv[1:]
    shares = [a for a in sys.argv[1:] if a != "--bursts"]
    share = float(shares[0] if shares else 30) / 100
    for core in os.sched_getaffinity(0):
        if os.fork() == 0:
            take(core, share, bursts)
            os._exit(0)
    signal.pause()


main()
