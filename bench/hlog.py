"""Reads a run directory's latency.hlog (HdrHistogram's interval log, compressed V2) and its events.

Python 3 and its standard library only. Latencies are microseconds, times are seconds from the run's zero.
"""

import base64
import bisect
import collections
import json
import pathlib
import struct
import zlib

SUB_BUCKETS = 2048  # three significant digits
HALF = SUB_BUCKETS // 2


def highest_in_slot(index):
    """The largest value, in nanoseconds, that falls into a slot of the histogram."""
    bucket, sub = (index >> 10) - 1, (index & (HALF - 1)) + HALF
    if bucket < 0:
        bucket, sub = 0, sub - HALF
    return ((sub + 1) << bucket) - 1


def counts_of(packed):
    """{slot: count} of one base64 text."""
    data = base64.b64decode(packed)
    (length,) = struct.unpack_from(">I", data, 4)
    plain = zlib.decompress(data[8:8 + length])
    (payload,) = struct.unpack_from(">I", plain, 4)
    position, end, slot = 40, 40 + payload, 0
    counts = collections.Counter()
    while position < end:
        value, shift = 0, 0
        while True:  # LEB128 of at most nine bytes; the ninth has eight bits
            byte = plain[position]
            position += 1
            if shift == 56:
                value |= byte << shift
                break
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
        number = (value >> 1) ^ -(value & 1)
        if number < 0:
            slot -= number  # so many empty slots
        else:
            if number:
                counts[slot] += number
            slot += 1
    return counts


class Log:
    """The intervals of one tag."""

    def __init__(self, run, tag="response"):
        self.intervals = []  # (start, end, counts)
        for line in (pathlib.Path(run) / "latency.hlog").read_text().splitlines():
            if not line.startswith(f"Tag={tag},"):
                continue
            _, start, length, _, packed = line.split(",")
            self.intervals.append((float(start), float(start) + float(length), counts_of(packed)))

    def between(self, start, end):
        """All that completed in intervals that touch [start, end)."""
        total = collections.Counter()
        for first, last, counts in self.intervals:
            if last > start and first < end:
                total.update(counts)
        return total


def total(counts):
    return sum(counts.values())


def percentile(counts, share):
    """In microseconds; None of nothing."""
    if not counts:
        return None
    slots = sorted(counts)
    sums, running = [], 0
    for slot in slots:
        running += counts[slot]
        sums.append(running)
    wanted = max(1, min(running, -int(-share * running // 1)))
    return highest_in_slot(slots[bisect.bisect_left(sums, wanted)]) / 1e3


def events_of(run, name=None, kind="fault"):
    with open(pathlib.Path(run) / "events.jsonl") as file:
        events = [json.loads(line) for line in file if line.endswith("\n")]
    return [event for event in events if event["kind"] == kind and (not name or event["name"] == name)]
