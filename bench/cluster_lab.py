"""What bench/reshard and bench/failover share: a cluster of `redline stack`, the driver under way
against it, and the tools that work on the cluster meanwhile.

Python 3 and its standard library only. Times are seconds, latencies microseconds.
"""

import contextlib
import csv
import json
import os
import pathlib
import subprocess
import time

import harness
import hlog
from harness import Child, Problem

SLOTS = 16384


class Node:
    """One line of CLUSTER NODES."""

    def __init__(self, line):
        words = line.split()
        self.id, self.addr, flags = words[0], words[1].partition("@")[0], words[2].split(",")
        self.port = int(self.addr.rpartition(":")[2])
        self.master, self.failed = "master" in flags, "fail" in flags
        self.slots = [parse_range(word) for word in words[8:] if not word.startswith("[")]
        self.open = [word for word in words[8:] if word.startswith("[")]

    def slot_count(self):
        return sum(last - first + 1 for first, last in self.slots)

    def owns(self, slot):
        return any(first <= slot <= last for first, last in self.slots)


def parse_range(word):
    first, _, last = word.partition("-")
    return int(first), int(last or first)


class Cluster:
    """Three masters and three replicas, all on the CPUs `cpus`, started and stopped by `redline stack`."""

    def __init__(self, redline, name, home, cpus, flags=()):
        self.redline, self.name, self.flags = redline, name, [f"-server-cpus={cpus}", *flags]
        self.env = dict(os.environ, REDLINE_HOME=str(home))
        self.connections = {}

    def __enter__(self):
        shown = harness.stack_command(self.redline, self.env, "up", "cluster", f"-name={self.name}",
                                      "-port=0", "-format=json", *self.flags)
        try:
            nodes = json.loads(shown)["nodes"]
            self.addrs = [node["addr"] for node in nodes]
            self.pids = [node["pid"] for node in nodes]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for connection in self.connections.values():
            with contextlib.suppress(OSError):
                connection.close()
        with contextlib.suppress(Problem):
            harness.stack_command(self.redline, self.env, "down", self.name)

    def flag(self):
        return "-addr=" + ",".join(self.addrs)

    def command(self, port, *words):
        """To the node on that port; over a new connection when the old one has gone."""
        for last in (False, True):
            try:
                if port not in self.connections:
                    self.connections[port] = harness.Resp(port)
                return self.connections[port].command(*words)
            except (OSError, Problem) as error:
                self.connections.pop(port, None)
                if last or "server says" in str(error):
                    raise Problem(f"127.0.0.1:{port}: {error}") from error

    def masters(self, asked=None):
        """Those that own slots, by their first slot, as one node sees them (the first that answers)."""
        for addr in [asked] if asked else self.addrs:
            with contextlib.suppress(Problem):
                text = self.command(int(addr.rpartition(":")[2]), "CLUSTER", "NODES").decode()
                nodes = [Node(line) for line in text.splitlines()]
                return sorted((node for node in nodes
                               if node.master and not node.failed and node.slots),
                              key=lambda node: node.slots)
        raise Problem("no node of the cluster answers")

    def keys(self):
        return sum(self.command(node.port, "DBSIZE") for node in self.masters())

    def keys_in(self, node, slots):
        return sum(self.command(node.port, "CLUSTER", "COUNTKEYSINSLOT", slot) for slot in slots)

    def open_slots(self):
        """Slots that a master says are on their way in or out."""
        return sum(len(view.open) for node in self.masters() for view in self.masters(node.addr)
                   if view.addr == node.addr)

    def check(self):
        """(whether `redis-cli --cluster check` finds nothing, its complaints)."""
        done = subprocess.run([redis_cli(), "--cluster", "check", self.addrs[0]], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        complaints = [line for line in done.stdout.splitlines()
                      if line.startswith(("[ERR]", "[WARNING]"))]
        whole = "[OK] All 16384 slots covered." in done.stdout
        return done.returncode == 0 and whole and not complaints, complaints

    def await_check(self, limit=10.0):
        """check(), again until it is clean: replicas learn of new owners by gossip."""
        end = time.monotonic() + limit
        while True:
            clean, complaints = self.check()
            if clean or time.monotonic() > end:
                return clean, complaints
            time.sleep(0.2)

    def await_whole(self, limit=20.0):
        """Waits until `redline stack status` reports no problem; Problem if it does not."""
        end = time.monotonic() + limit
        while True:
            try:
                return harness.stack_command(self.redline, self.env, "status", self.name)
            except Problem as problem:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def load(self, keys, data, cpu, work):
        """The data set into the cluster, with the flags `data`."""
        child = Child([self.redline, "loader", "-topology=cluster", self.flag(), f"-keys={keys}", *data,
                       f"-out={work / 'load'}"], {cpu}, work / "load.log", self.env)
        try:
            child.wait(240)
        finally:
            child.stop()
        if child.code not in (0, 3):
            raise Problem(f"redline loader failed: {child.tail()}")
        if self.keys() != keys:
            raise Problem(f"the loader wrote {self.keys()} keys where {keys} were asked for")


def redis_cli():
    return harness.tool("redis-cli", "apt install redis-tools")


def knows(redline, *flags):
    """Whether the driver takes these flags with a cluster: it then fails to connect, and not before."""
    done = subprocess.run([redline, "driver", "-topology=cluster", "-addr=127.0.0.1:1",
                           "-out=/nonexistent/run", *flags], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=20, check=False)
    return done.returncode == 1


class Driver:
    """`redline driver` against a cluster, under way. Its worker has a CPU; its other threads may run on
    all."""

    def __init__(self, cluster, out, cpu, flags):
        self.out = pathlib.Path(out)
        self.child = Child([cluster.redline, "driver", "-topology=cluster", cluster.flag(), f"-cpus={cpu}",
                            f"-out={self.out}", *flags], set(range(os.cpu_count())),
                           self.out.with_suffix(".log"), cluster.env)
        self.zero = None  # the wall clock at the run's zero

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stop()

    def now(self):
        """Seconds since the run's zero; None before it."""
        if self.zero is None:
            with contextlib.suppress(OSError, ValueError):
                plan = json.loads((self.out / "plan.json").read_text())
                self.zero = plan["epoch"]["wall_ns"] / 1e9
        return None if self.zero is None else time.time() - self.zero

    def await_time(self, at, limit=60.0):
        end = time.monotonic() + limit
        while (self.now() or 0) < at:
            if self.child.ended():
                raise Problem(f"the driver has ended: {self.child.tail()}")
            if time.monotonic() > end:
                raise Problem(f"the driver is not under way after {limit:.0f} s: {self.child.tail()}")
            time.sleep(0.01)

    def finish(self, limit=60.0):
        """Waits for its end, however it comes; the run's summary. Exit code 3 is a finding."""
        self.child.wait(limit)
        if self.child.code not in (0, 3):
            raise Problem(f"redline driver ended with {self.child.code}: {self.child.tail()}")
        return self.summary()

    def stop(self, limit=60.0):
        """Ends it early, as Ctrl-C does."""
        self.child.interrupt()
        return self.finish(limit)

    def summary(self):
        return json.loads((self.out / "summary.json").read_text())

    def counts(self, *names):
        """Sums of columns of intervals.csv."""
        with open(self.out / "intervals.csv") as file:
            rows = list(csv.DictReader(file))
        return {name: sum(int(row[name] or 0) for row in rows) for name in names}

    def log(self):
        return hlog.Log(self.out)


def accounts(summary):
    """What must hold of every run: each operation accounted for, no wrong value."""
    rate, verify = summary["rate"], summary["verify"]
    return {"scheduled": rate["scheduled"], "completed": rate["completed"], "failed": rate["failed"],
            "outstanding": rate["outstanding"], "errors": rate["errors"],
            "conserved": rate["scheduled"] == rate["completed"] + rate["failed"] + rate["outstanding"],
            "checked": verify["checked"], "corrupt": verify["corrupt"], "stale": verify["stale"],
            "lost_acknowledged": verify["lost_acknowledged"], "misses": summary["cache"]["misses"],
            **{name: summary["cluster"][name] for name in ("moved", "ask", "tryagain", "clusterdown")}}
