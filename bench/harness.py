"""What bench/peers, bench/sink and bench/timing share: servers and generators of one run, pinned and
always stopped; readings of Redis, of the machine and of a process; checks of the machine; figures.

Python 3 and its standard library only. Runs on Linux. Times are seconds unless a name says more.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")
BUSY_PROCESS = 0.05  # of a core: above this another process takes part in the measurement

MUCH_STEAL = 0.02  # of a core's time: above this the hypervisor does


class Problem(Exception):
    """Something that ends the run; its text is the one line that is printed."""


# ------------------------------------------------------------------------------------- programs


def tool(path, how):
    """A program by path or by name on PATH; Problem says how to get it."""
    found = shutil.which(str(path))
    if not found:
        raise Problem(f"{path} is missing: {how}")
    return found


def bench_tool(name, build):
    return tool(build / "bench" / name, f"ninja -C {build} {name}")


def redline_of(build):
    return tool(build / "redline", f"ninja -C {build} redline")


class Child:
    """A process pinned to `cpus`, in a session of its own, whose resources are known at its end."""

    def __init__(self, argv, cpus, output, env=None):
        self.argv = [str(word) for word in argv]
        self.output = output
        with open(output, "wb") as out:
            self.process = subprocess.Popen(
                self.argv, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env,
                start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        self.pid = self.process.pid
        self.usage = None
        self.code = None

    def ended(self):
        if self.usage is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.usage, self.code = usage, os.waitstatus_to_exitcode(status)
                self.process.returncode = self.code
        return self.usage is not None

    def wait(self, limit):
        end = time.monotonic() + limit
        while not self.ended():
            if time.monotonic() > end:
                self.stop()
                raise Problem(f"{self.argv[0]} did not end within {limit:.0f} s: {self.tail()}")
            time.sleep(0.01)
        return self

    def interrupt(self):
        """As Ctrl-C does."""
        if not self.ended():
            self._signal(signal.SIGINT)

    def kill(self):
        if not self.ended():
            self._signal(signal.SIGKILL)

    def stop(self, limit=3.0):
        """SIGINT, so that it may clean up; SIGKILL for all of its session after `limit`."""
        if self.ended():
            return
        self.interrupt()
        end = time.monotonic() + limit
        while not self.ended() and time.monotonic() < end:
            time.sleep(0.01)
        self.kill()
        while not self.ended():
            time.sleep(0.01)

    def _signal(self, what):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, what)

    def cpu(self):
        """CPU seconds, user and system, of the whole life of the process; after its end."""
        return self.usage.ru_utime + self.usage.ru_stime

    def text(self):
        return pathlib.Path(self.output).read_text(errors="replace")

    def tail(self):
        lines = [line for line in self.text().replace("\r", "\n").splitlines() if line.strip()]
        errors = [line for line in lines if line.lower().startswith(("error", "redline"))]
        return (errors or lines or ["it printed nothing"])[-1].strip()


def cpu_of(pid):
    """CPU seconds so far of a process with all its threads, also those that have ended. It moves in
    ticks of 10 ms; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return _cpu_in_stat(file.read())
    except OSError:
        return None


def _cpu_in_stat(text):
    fields = text[text.rindex(")") + 2:].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def allowed_cpus(pid, thread=None):
    with open(f"/proc/{pid}/task/{thread or pid}/status") as file:
        for line in file:
            if line.startswith("Cpus_allowed_list:"):
                return parse_cpus(line.split(":")[1].strip())
    return set()


def parse_cpus(text):
    cpus = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        cpus.update(range(int(first), int(last or first) + 1))
    return cpus


def resident_bytes(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


# ------------------------------------------------------------------------------------- machine


def cpu_times():
    """/proc/stat: for each CPU (busy, idle, steal) in seconds since boot."""
    times = {}
    with open("/proc/stat") as file:
        for line in file:
            words = line.split()
            if words[0].startswith("cpu") and words[0] != "cpu":
                user, nice, system, idle, wait, irq, soft, steal = map(int, words[1:9])
                times[int(words[0][3:])] = tuple(
                    ticks / TICK for ticks in (user + nice + system + irq + soft, idle + wait, steal))
    return times


def difference(before, after):
    return {cpu: tuple(b - a for a, b in zip(before[cpu], after[cpu])) for cpu in before}


def process_cpu():
    """CPU seconds of every process, with its name."""
    table = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as file:
                text = file.read()
        except OSError:
            continue
        table[int(name)] = (text[text.index("(") + 1:text.rindex(")")], _cpu_in_stat(text))
    return table


def machine_warnings(cpus, span=1.0):
    """What spoils numbers on this machine, one line each. Looks at it for `span` seconds."""
    warnings = []
    if pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_count").exists() and _tracks_loopback():
        warnings.append("nf_conntrack follows loopback connections: every packet pays for it "
                        "(remove the iptables or nft rules that use it)")
    for table in ("ip_tables_names", "ip6_tables_names"):
        with contextlib.suppress(OSError):
            if pathlib.Path("/proc/net", table).read_text().strip():
                warnings.append("iptables tables are loaded: every packet walks them")
                break
    before, cores = process_cpu(), cpu_times()
    time.sleep(span)
    after, spent = process_cpu(), difference(cores, cpu_times())
    for pid, (name, cpu) in after.items():
        share = (cpu - before.get(pid, (name, cpu))[1]) / span
        if share > BUSY_PROCESS and pid != os.getpid():
            warnings.append(f"process {pid} ({name}) uses {share:.0%} of a core")
    for cpu in sorted(cpus):
        busy, idle, steal = spent[cpu]
        if steal > MUCH_STEAL * (busy + idle + steal):
            warnings.append(f"the hypervisor takes {steal / (busy + idle + steal):.0%} of CPU {cpu}")
    congestion = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    if congestion == "bbr":
        warnings.append("net.ipv4.tcp_congestion_control is bbr, which paces by timers also on "
                        "loopback (sysctl -w net.ipv4.tcp_congestion_control=reno)")
    return warnings


def _tracks_loopback():
    """Whether the count of tracked connections follows ours. A loaded but unused module does not."""
    def count():
        return int(pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text())

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        before = count()
        with contextlib.ExitStack() as open_ones:
            for _ in range(32):
                open_ones.enter_context(socket.create_connection(listener.getsockname()))
            return count() - before >= 16


# ------------------------------------------------------------------------------------- Redis


class Resp:
    """Commands to a Redis, in turn. Enough RESP2 for INFO, CONFIG, SET and GET."""

    def __init__(self, port, timeout=10.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.input = self.socket.makefile("rb")

    def close(self):
        self.input.close()
        self.socket.close()

    @staticmethod
    def encode(*words):
        parts = [f"*{len(words)}\r\n".encode()]
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        return b"".join(parts)

    def command(self, *words):
        self.socket.sendall(self.encode(*words))
        return self.reply()

    def reply(self):
        line = self.input.readline()
        if not line.endswith(b"\r\n"):
            raise Problem("the server closed the connection")
        mark, rest = line[:1], line[1:-2]
        if mark == b"-":
            raise Problem(f"the server says: {rest.decode(errors='replace')}")
        if mark == b"$":
            return None if rest == b"-1" else self.input.read(int(rest) + 2)[:-2]
        if mark == b"*":
            return [self.reply() for _ in range(int(rest))]
        return int(rest) if mark == b":" else rest

    def info(self, *sections):
        """INFO's fields as text; those of cmdstat_get as get_calls."""
        fields = {}
        for line in self.command("INFO", *sections).decode().splitlines():
            name, colon, value = line.partition(":")
            if colon:
                fields[name] = value
        calls = fields.get("cmdstat_get", "calls=0,").partition("calls=")[2]
        fields["get_calls"] = calls.partition(",")[0]
        return fields


def stack_command(redline, env, *words):
    """`redline stack` with these words: what it prints; Problem with its last line when it fails."""
    done = subprocess.run([redline, "stack", *words], env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise Problem(f"redline stack {words[0]}: {last}")
    return done.stdout


class Stack:
    """A redis-server pinned to one CPU, started and stopped by `redline stack`; `flags` go to its up."""

    def __init__(self, redline, name, cpu, home, flags=()):
        self.redline, self.name, self.cpu, self.flags = redline, name, cpu, flags
        self.env = dict(os.environ, REDLINE_HOME=str(home))
        self.port = self.pid = None

    def __enter__(self):
        cpus = [f"-{who}-cpus={self.cpu}" for who in ("server", "bio", "bgsave", "aof-rewrite")]
        shown = self._run("up", "node", f"-name={self.name}", "-port=0", "-format=json", *cpus,
                          *self.flags)
        try:
            node = json.loads(shown)["nodes"][0]
            self.port, self.pid = int(node["addr"].rpartition(":")[2]), int(node["pid"])
            if self.port == 6379:
                raise Problem("the stack came up on port 6379, which is not ours to touch")
            self.admin = Resp(self.port)
            self._check_pinning()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _check_pinning(self):
        actual = {}
        for name in ("server_cpulist", "bio_cpulist", "bgsave_cpulist", "aof_rewrite_cpulist"):
            actual[name] = self.admin.command("CONFIG", "GET", name)[1].decode()
            if not actual[name] or parse_cpus(actual[name]) != {self.cpu}:
                raise Problem(f"redis-server has {name}={actual[name]!r} where it must be {self.cpu}")
        if allowed_cpus(self.pid) != {self.cpu}:
            raise Problem(f"redis-server's main thread may run on CPUs {allowed_cpus(self.pid)}, "
                          f"not on {self.cpu} alone")

    def __exit__(self, *_):
        with contextlib.suppress(AttributeError, OSError):
            self.admin.close()
        with contextlib.suppress(Problem):
            self._run("down", self.name)

    def _run(self, *words):
        return stack_command(self.redline, self.env, *words)

    def load(self, keys, value_size, seed, cpu, out):
        """The data set of `seed` into database 0, without times to live."""
        child = Child([self.redline, "loader", f"-addr=127.0.0.1:{self.port}", f"-keys={keys}",
                       f"-value-size={value_size}", "-ttl-frac=0", f"-seed={seed}", f"-cpus={cpu}",
                       f"-out={out / 'load'}"], {cpu}, out / "load.log", self.env)
        try:
            child.wait(120)
        finally:
            child.stop()
        if child.code not in (0, 3):
            raise Problem(f"redline loader failed: {child.tail()}")
        held = self.admin.command("DBSIZE")
        if held != keys:
            raise Problem(f"the loader wrote {held} keys where {keys} were asked for")


@contextlib.contextmanager
def workspace(keep):
    """A directory for run directories and logs; removed at the end unless `keep` names it."""
    if keep:
        path = pathlib.Path(keep).resolve()
        path.mkdir(parents=True, exist_ok=True)
        yield path
        return
    path = pathlib.Path(tempfile.mkdtemp(prefix="redline-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


# ------------------------------------------------------------------------------------- windows


class Reading:
    """One look at the server, the machine and the generator, taken together."""

    SECTIONS = ("server", "cpu", "stats", "commandstats")

    def __init__(self, stack, child):
        self.generator_cpu, self.server_process_cpu = cpu_of(child.pid), cpu_of(stack.pid)
        self.cpus = cpu_times()
        info = stack.admin.info(*self.SECTIONS)
        self.at = int(info["server_time_usec"]) / 1e6
        self.server_cpu = (float(info["used_cpu_user_main_thread"]) +
                           float(info["used_cpu_sys_main_thread"]))
        self.server_user = float(info["used_cpu_user_main_thread"])
        self.gets = int(info["get_calls"])
        self.hits, self.misses = int(info["keyspace_hits"]), int(info["keyspace_misses"])
        self.reads = int(info["total_reads_processed"])
        self.writes = int(info["total_writes_processed"])
        self.commands = int(info["total_commands_processed"])


def steady_window(stack, child, settle, limit, every=0.25):
    """Reads the server from its first GET on until the child ends. Returns the first reading after
    `settle` seconds of load and the last one before the load ended: between them the generator did
    nothing but run, whatever its start and end are like, so the same measure is fair to all."""
    end = time.monotonic() + limit
    first = None
    readings = []
    pinned = None
    while not child.ended():
        if time.monotonic() > end:
            child.stop()
            raise Problem(f"{child.argv[0]} did not end within {limit:.0f} s: {child.tail()}")
        reading = Reading(stack, child)
        if first is None:
            if not readings or reading.gets - readings[0].gets < 1000:  # handshakes, probes of keys
                readings = readings[:1] or [reading]
                time.sleep(0.02)
                continue
            first, readings = reading.at, []
        if reading.at - first >= settle:
            pinned = pinned or thread_cpus(child.pid)
            readings.append(reading)
        time.sleep(every)
    # The last readings may lie in the generator's idle end: drop them while the rate falls off.
    while len(readings) > 2 and _rate(readings[-2], readings[-1]) < 0.8 * _rate(
            readings[0], readings[-2]):
        readings.pop()
    if len(readings) < 2:
        raise Problem(f"{child.argv[0]} ran too short to be measured (exit {child.code}): "
                      f"{child.tail()}")
    return readings[0], readings[-1], pinned or {}


def _rate(a, b):
    return (b.gets - a.gets) / (b.at - a.at) if b.at > a.at else 0.0


def thread_cpus(pid):
    """The CPUs that each thread of a process may run on."""
    result = {}
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            result[int(thread)] = allowed_cpus(pid, thread)
    return result


def window_figures(a, b, server_cpu, generator_cpu):
    """What happened between two readings. Shares are of the time that was not stolen."""
    span = b.at - a.at
    gets = b.gets - a.gets
    cores = difference(a.cpus, b.cpus)
    steal = min(cores[server_cpu][2], 0.9 * span)
    busy = (b.server_cpu - a.server_cpu) / (span - steal)
    figures = {
        "span_s": span,
        "gets": gets,
        "ops_per_s": gets / span,
        "server_busy": min(busy, 1.0),
        "server_user_share": ((b.server_user - a.server_user) /
                              max(b.server_cpu - a.server_cpu, 1e-9)),
        "server_us_per_op": (b.server_cpu - a.server_cpu) * 1e6 / max(gets, 1),
        "server_core_idle": cores[server_cpu][1] / span,
        "steal": {cpu: times[2] / span for cpu, times in cores.items()},
        "hits": b.hits - a.hits,
        "misses": b.misses - a.misses,
        "reads_per_command": (b.reads - a.reads) / max(b.commands - a.commands, 1),
        "writes_per_command": (b.writes - a.writes) / max(b.commands - a.commands, 1),
        "foreign_server_core": (cores[server_cpu][0] -
                                (b.server_process_cpu - a.server_process_cpu)) / span,
    }
    if a.generator_cpu is not None and b.generator_cpu is not None:
        used = b.generator_cpu - a.generator_cpu
        figures["generator_cpu_us_per_op"] = used * 1e6 / max(gets, 1)
        figures["generator_core_share"] = used / span
        figures["foreign_generator_core"] = (cores[generator_cpu][0] - used) / span
    return figures


def disturbances(figures):
    """Other processes that ran between two readings; empty: none."""
    lines = []
    for core in ("server", "generator"):
        foreign = figures.get(f"foreign_{core}_core", 0)
        if foreign > BUSY_PROCESS:
            lines.append(f"others used {foreign:.0%} of the {core}'s core")
    steal = max(figures["steal"].values())
    if steal > MUCH_STEAL:
        lines.append(f"steal {steal:.0%}")
    return lines


# ------------------------------------------------------------------------------------- figures


def median(values):
    return statistics.median(values) if values else float("nan")


def spread(values):
    return (min(values), max(values)) if values else (float("nan"), float("nan"))


def table(header, rows):
    """Left-aligned first column, the others right-aligned."""
    cells = [header, *rows]
    widths = [max(len(str(row[i])) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        first = str(row[0]).ljust(widths[0])
        rest = [str(cell).rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join([first, *rest]).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def count(number):
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if abs(number) >= limit:
            return f"{number / limit:.{3 if unit == 'M' else 1}f}{unit}"
    return f"{number:.0f}"


def say(line):
    print(line, flush=True)


def note(line):
    print(line, file=sys.stderr, flush=True)


def environment():
    uname = os.uname()
    model = ""
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"kernel": uname.release, "cpu": model, "cores": os.cpu_count(),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def write_json(path, content):
    pathlib.Path(path).write_text(json.dumps(content, indent=1) + "\n")


@contextlib.contextmanager
def polite(cpu):
    """Keeps this process, which only waits, on `cpu`, and turns SIGTERM into an ordinary end."""
    def end(*_):
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, end)
    mask = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mask)
        signal.signal(signal.SIGTERM, previous)


def main(body, argv=None):
    """Runs `body`; a Problem is one line and exit 1."""
    try:
        sys.exit(body(argv))
    except Problem as problem:
        note(f"{pathlib.Path(sys.argv[0]).name}: {problem}")
        sys.exit(1)
    except KeyboardInterrupt:
        note("interrupted")
        sys.exit(130)
