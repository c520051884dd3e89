"""A Docker daemon of one's own, for the tests of `redline stack up -engine=compose` and bench/compose: in one directory, with
nothing of it in iptables, and images made of this machine's packages under the official names.

Python 3 and its standard library only.
"""

import contextlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import time

import harness
from harness import Problem

# No bridge, no address translation: stacks use this machine's network.
DAEMON_FLAGS = ("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false", "--bridge=none")
REDIS_IMAGE = "redis:7.0.15-bookworm"
EXPORTER_IMAGE = "oliver006/redis_exporter:v1.45.0"
PROMETHEUS_IMAGE = "prom/prometheus:v2.42.0"
INSTALL = "scripts/setup --for=docker"


class Unavailable(Exception):
    """There can be no daemon here; its text says why."""


def _run(words, env=None, data=None):
    return subprocess.run([str(word) for word in words], env=env, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=120, check=False)


def _cgroups():
    """The directories that containers of Docker leave in cgroup hierarchies."""
    found = set()
    for root in pathlib.Path("/sys/fs/cgroup").glob("**/docker"):
        found |= {str(root)} | {str(each) for each in root.iterdir() if each.is_dir()}
    return found


def _mounts():
    """But for the small disks of other tests, which come and go beside this one."""
    points = (line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines())
    return {point for point in points if "/redline-test-" not in point}


def _network():
    """What a daemon might change of this machine's network: rules, forwarding, interfaces."""
    seen = {"interfaces": sorted(os.listdir("/sys/class/net"))}
    for name in ("ip_tables_names", "ip6_tables_names"):
        with contextlib.suppress(OSError):
            seen[name] = pathlib.Path("/proc/net", name).read_text()
    seen["forwarding"] = pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text()
    for program in ("iptables-save", "ip6tables-save"):
        if shutil.which(program):
            rules = _run([program]).stdout.decode(errors="replace")
            seen[program] = re.sub(r"^#.*$|\[\d+:\d+\]", "", rules, flags=re.MULTILINE)
    return seen


def traces():
    """What a machine has of Docker, to be compared afterwards."""
    return {"cgroups": _cgroups(), "mounts": _mounts(), "network": _network()}


class Daemon:
    """dockerd, from `with` to its end. Unavailable where it cannot start."""

    def __init__(self):
        for program in ("dockerd", "docker"):
            if not shutil.which(program):
                raise Unavailable(f"{program} is missing: {INSTALL}")
        if os.geteuid() != 0:
            raise Unavailable("dockerd needs root")
        self.before = traces()
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="redline-docker-"))
        self.host = f"unix://{self.path}/docker.sock"
        self.env = dict(os.environ, DOCKER_HOST=self.host)
        self.process = None

    def __enter__(self):
        with open(self.path / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["dockerd", f"--data-root={self.path}/data", f"--exec-root={self.path}/exec", f"--pidfile={self.path}/pid",
                 f"--host={self.host}", *DAEMON_FLAGS],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            if self.docker("version", "--format={{.Server.Version}}", may_fail=True):
                return self
            time.sleep(0.1)
        words = (self.path / "log").read_text(errors="replace").strip().splitlines()
        self.stop()
        raise Unavailable(f"dockerd does not start: {words[-1] if words else 'it printed nothing'}")

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it and takes away what it leaves: mounts, empty cgroups, its directory."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
            self.process.kill()
            self.process.wait()
        for mount in sorted((each for each in _mounts() if each.startswith(f"{self.path}/")), reverse=True):
            _run(["umount", "--lazy", mount])
        for group in sorted(_cgroups() - self.before["cgroups"], key=len, reverse=True):
            with contextlib.suppress(OSError):
                os.rmdir(group)
        shutil.rmtree(self.path, ignore_errors=True)

    def docker(self, *words, may_fail=False):
        done = _run(["docker", *words], self.env)
        if done.returncode and not may_fail:
            raise Problem(f"docker {' '.join(words)}: {done.stderr.decode(errors='replace').strip()}")
        return "" if done.returncode else done.stdout.decode(errors="replace").strip()

    def import_image(self, name, programs, *changes):
        """An image of programs of this machine, {path in the image: program}, and the libraries they need."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            seen = set()
            for directory, mode in (("tmp", 0o1777), ("data", 0o755), ("etc", 0o755)):
                entry = tarfile.TarInfo(directory)
                entry.type, entry.mode = tarfile.DIRTYPE, mode
                tar.addfile(entry)
            for target, program in programs.items():
                source = os.path.realpath(harness.tool(program, "scripts/setup --for=test"))
                libraries = re.findall(r"(/\S+) \(0x", _run(["ldd", source]).stdout.decode())
                for inside, outside in [(target, source), *((each, os.path.realpath(each)) for each in libraries)]:
                    if inside not in seen:
                        tar.add(outside, inside.lstrip("/"))
                        seen.add(inside)
        words = [word for change in changes for word in ("--change", change)]
        done = _run(["docker", "import", *words, "-", name], self.env, packed.getvalue())
        if done.returncode:
            raise Problem(f"docker import {name}: {done.stderr.decode(errors='replace').strip()}")

    def import_redis(self):
        self.import_image(REDIS_IMAGE, {f"/usr/local/bin/{name}": name for name in ("redis-server", "redis-cli")},
                          "ENV PATH=/usr/local/bin", "WORKDIR /data", "VOLUME /data", 'CMD ["redis-server"]')

    def import_observers(self):
        self.import_image(EXPORTER_IMAGE, {"/redis_exporter": "prometheus-redis-exporter"}, 'ENTRYPOINT ["/redis_exporter"]')
        self.import_image(PROMETHEUS_IMAGE, {"/bin/prometheus": "prometheus"}, 'ENTRYPOINT ["/bin/prometheus"]')

    def left(self):
        """Containers, volumes and networks beyond what every daemon has."""
        return {"containers": self.docker("ps", "--all", "--quiet"), "volumes": self.docker("volume", "ls", "--quiet"),
                "networks": " ".join(sorted(set(self.docker("network", "ls", "--format={{.Name}}").split())
                                            - {"bridge", "host", "none"}))}
