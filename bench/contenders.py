"""The generators that bench/peers and bench/agreement set beside each other on one Redis: how each is
started, what it says of itself, and how a run of it is measured from outside."""

import csv
import json
import shutil
import subprocess

import harness
from harness import Problem, note

CONNS, KEYS, VALUE, SEED = 50, 100_000, 100, 1
KNOWN = ["redline", "redline-block", "redline-spin", "redis-benchmark", "memtier"]


class Redline:
    """`redline driver`, every value verified, everything recorded."""
    looks = 64  # at most so many keys are looked for before the run, some past the last one

    def __init__(self, lab, wait):
        self.lab, self.wait = lab, wait
        self.name = "redline" if wait == "auto" else f"redline-{wait}"
        self.runs = 0

    def command(self, batch):
        self.runs += 1
        self.out = self.lab.work / f"{self.name}-{batch}-{self.runs}"
        lab = self.lab
        return [lab.redline, "driver", f"-addr=127.0.0.1:{lab.stack.port}", f"-keys={KEYS}",
                f"-value-size={VALUE}", "-ttl-frac=0", f"-seed={SEED}", f"-run-seed={self.runs}",
                "-rw-ratio=1", "-rate=max", f"-conns={CONNS}", "-threads=1", f"-cpus={lab.cpu}",
                f"-wait={self.wait}", f"-pipeline={0 if batch == 1 else batch}", "-verify=full",
                f"-duration={lab.duration}s", f"-warmup={lab.settle}s", f"-out={self.out}"]

    def figures(self, child):
        if child.code not in (0, 3):  # 3: ran, and reports itself as invalid
            raise Problem(f"{self.name} failed with {child.code}: {child.tail()}")
        summary = json.loads((self.out / "summary.json").read_text())
        verify, rate = summary["verify"], summary["rate"]
        if verify["corrupt"] or rate["failed"] or summary["cache"]["misses"]:
            raise Problem(f"{self.name}: corrupt {verify['corrupt']}, failed {rate['failed']}, misses "
                          f"{summary['cache']['misses']}: the data set is not the one that was loaded")
        if verify["checked"] < rate["completed"]:
            raise Problem(f"{self.name} verified {verify['checked']} of {rate['completed']} values")
        generator = summary["generator"]
        return {"own_ops_per_s": rate["achieved"], "own_cpu_us_per_op": generator["cpu_us_per_op"],
                "idle_polls_s": self._idle_polls(), "io": generator["io"], "wait": generator["wait"],
                "utilisation": generator["utilisation"],
                **self._latency(summary["latency_us"]["service"]["all"]),
                "invalid_reasons": summary["invalid_reasons"]}

    @staticmethod
    def _latency(service):
        """In the closed model response is service: from the send to the reply."""
        return {f"{name}_us": service[name] for name in ("mean", "p50", "p99", "p999")}

    def _idle_polls(self):
        """Seconds that its worker spun without finding anything: spent CPU, but no work."""
        with open(self.out / "intervals.csv") as file:
            return sum(float(row["idle_s"] or 0) for row in csv.DictReader(file))


class RedisBenchmark:
    """redis-benchmark knows no duration and pads its random numbers to 12 digits: a first short run
    tells how many requests fill the time, and its keys, `obj:000000012345`, lie in database 1."""
    looks = 0
    name = "redis-benchmark"

    def __init__(self, lab):
        self.lab = lab
        self.program = harness.tool("redis-benchmark", "apt install redis-tools")
        self.requests = {}

    def command(self, batch):
        if batch not in self.requests:
            self.requests[batch] = self._calibrate(batch)
        return self._argv(batch, self.requests[batch])

    def _argv(self, batch, requests):
        return [self.program, "-h", "127.0.0.1", "-p", self.lab.stack.port, "-c", CONNS, "-d", VALUE,
                "-n", requests, "-P", batch, "-r", KEYS, "--dbnum", 1, "--csv", "GET",
                "obj:__rand_int__"]

    def _calibrate(self, batch):
        requests = 30_000 if batch == 1 else 200_000
        child = harness.Child(self._argv(batch, requests), {self.lab.cpu}, self.lab.log(self.name))
        try:
            child.wait(60)
        finally:
            child.stop()
        whole = self.lab.settle + self.lab.duration
        return int(max(requests, self.figures(child)["own_ops_per_s"] * whole))

    def figures(self, child):
        try:
            rows = [row for row in csv.reader(child.text().splitlines()) if len(row) > 1]
            names = {"avg_latency_ms": "mean_us", "p50_latency_ms": "p50_us", "p99_latency_ms": "p99_us"}
            return {"own_ops_per_s": float(rows[-1][1]),
                    **{names[name]: float(cell) * 1e3 for name, cell in zip(rows[0], rows[-1])
                       if name in names}}
        except (IndexError, ValueError):
            raise Problem(f"redis-benchmark failed: {child.tail()}") from None


class Memtier:
    """memtier_benchmark with a seed for each connection: with its default they all read the same
    keys in the same order, which Redis then finds in the CPU's cache. It refuses a key 0: it draws
    from one key less than the others."""
    looks = 0
    name = "memtier"

    def __init__(self, lab):
        self.lab = lab
        self.program = harness.tool("memtier_benchmark", "it is not on the PATH")

    def command(self, batch):
        self.json = self.lab.work / "memtier.json"
        self.json.unlink(missing_ok=True)
        return [self.program, "-s", "127.0.0.1", "-p", self.lab.stack.port, "-P", "redis", "-t", 1,
                "-c", CONNS, "--distinct-client-seed", "--ratio=0:1", "--key-prefix=obj:",
                "--key-minimum=1", f"--key-maximum={KEYS - 1}", "--key-pattern=R:R", "-d", VALUE,
                f"--pipeline={batch}", f"--test-time={round(self.lab.duration + self.lab.settle)}",
                "--hide-histogram", f"--json-out-file={self.json}"]

    def figures(self, child):
        try:
            gets = json.loads(self.json.read_text())["ALL STATS"]["Gets"]
            percentiles = gets["Percentile Latencies"]
            return {"own_ops_per_s": float(gets["Ops/sec"]),
                    "own_misses_per_s": float(gets["Misses/sec"]),
                    "mean_us": float(gets["Average Latency"]) * 1e3,
                    "p50_us": float(percentiles["p50.00"]) * 1e3,
                    "p99_us": float(percentiles["p99.00"]) * 1e3,
                    "p999_us": float(percentiles["p99.90"]) * 1e3}
        except (OSError, ValueError, KeyError):
            raise Problem(f"memtier_benchmark failed: {child.tail()}") from None


class Lab:
    """What all runs share: the server, the cores, the time, where files go."""

    def __init__(self, options, work):
        self.work, self.cpu, self.server_cpu = work, options.cpu, options.server_cpu
        self.duration, self.settle = options.duration, options.settle
        self.redline = harness.redline_of(options.build)
        self.stack = None

    def log(self, name):
        return self.work / f"{name}.log"

    def load(self):
        self.stack.load(KEYS, VALUE, SEED, self.cpu, self.work)
        # The same number of keys of the same size again, by the names that redis-benchmark can draw.
        connection = harness.Resp(self.stack.port)
        connection.command("SELECT", 1)
        for first in range(0, KEYS, 1000):
            connection.socket.sendall(b"".join(
                harness.Resp.encode("SET", f"obj:{i:012d}", b"%0*d" % (VALUE, i))
                for i in range(first, first + 1000)))
            for _ in range(1000):
                connection.reply()
        connection.close()

    def run(self, contender, batch):
        argv = contender.command(batch)
        before = self.stack.admin.info("stats", "commandstats")
        child = harness.Child(argv, {self.cpu}, self.log(contender.name))
        try:
            first, last, threads = harness.steady_window(
                self.stack, child, self.settle, 3 * (self.duration + self.settle) + 30)
        finally:
            child.stop()
        after = self.stack.admin.info("stats", "commandstats")
        if child.code not in (0, 3):
            raise Problem(f"{contender.name} failed with {child.code}: {child.tail()}")
        for thread, cpus in threads.items():
            if cpus != {self.cpu}:
                raise Problem(f"thread {thread} of {contender.name} may run on CPUs {sorted(cpus)}, "
                              f"not on {self.cpu} alone")
        result = {"generator": contender.name, "batch": batch,
                  "command": [str(word) for word in argv]}
        result.update(harness.window_figures(first, last, self.server_cpu, self.cpu))
        result.update(contender.figures(child))
        whole = {name: int(after[name]) - int(before[name])
                 for name in ("get_calls", "keyspace_hits", "keyspace_misses")}
        if whole["keyspace_misses"] > contender.looks:
            raise Problem(f"{whole['keyspace_misses']} of {whole['get_calls']} GETs of "
                          f"{contender.name} missed: it measured an empty answer")
        result["cpu_us_per_op_with_polls"] = child.cpu() * 1e6 / whole["get_calls"]
        result["cpu_us_per_op"] = ((child.cpu() - result.get("idle_polls_s", 0)) * 1e6 /
                                   whole["get_calls"])
        result["whole_run"] = dict(whole, cpu_s=child.cpu())
        return result


def make_contenders(lab, names):
    contenders = []
    for name in names:
        if name.startswith("redline"):
            wait = name.removeprefix("redline").removeprefix("-") or "auto"
            contenders.append(Redline(lab, wait))
        elif name == "redis-benchmark":
            contenders.append(RedisBenchmark(lab))
        elif shutil.which("memtier_benchmark"):
            contenders.append(Memtier(lab))
        else:
            note("memtier_benchmark is not on the PATH: left out")
    return contenders


def version_of(program):
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0] if done.stdout or done.stderr else ""
