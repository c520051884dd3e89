"""What bench/alerts and the tests of `redline stack up -observe` share: a Prometheus to ask, and every expression
that deploy/ shows or evaluates.

Python 3 and its standard library only.
"""

import contextlib
import json
import math
import re
import socket
import time
import urllib.error
import urllib.parse
import urllib.request

import harness
from harness import Problem

STARTS_WITHIN = 30  # seconds in which a Prometheus answers 503
DASHBOARDS = harness.ROOT / "deploy" / "grafana" / "dashboards"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Prometheus:
    def __init__(self, url):
        self.url = url

    def get(self, path, **parameters):
        """`data` of an answer of the API; Problem with its error. One that still reads its storage is waited for."""
        end = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                with urllib.request.urlopen(
                        f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as reply:
                    return json.load(reply)["data"]
            except urllib.error.HTTPError as error:
                text = error.read().decode(errors="replace")
                if error.code != 503 or time.monotonic() > end:
                    with contextlib.suppress(ValueError):
                        text = json.loads(text).get("error")
                    raise Problem(f"{parameters or path}: {error.code}: {text}") from error
            except OSError as error:
                raise Problem(f"{self.url}: {error}") from error
            time.sleep(0.2)

    def values(self, expr):
        """[(labels, value)] of an expression now."""
        result = self.get("query", query=expr)
        if result["resultType"] == "scalar":
            return [({}, float(result["result"][1]))]
        return [(each["metric"], float(each["value"][1])) for each in result["result"]]

    def has_data(self, expr):
        """Whether it has a value that is a number."""
        return any(not math.isnan(value) for _, value in self.values(expr))

    def rules(self, kind):
        """{name: expression} of the `alerting` or `recording` rules; names of recorded series may repeat."""
        groups = self.get("rules")["groups"]
        return [(rule["name"], rule["query"]) for group in groups for rule in group["rules"]
                if rule["type"] == kind]

    def firing(self, alert):
        """The label sets for which it fires now."""
        return [alarm["labels"] for alarm in self.get("alerts")["alerts"]
                if alarm["labels"]["alertname"] == alert and alarm["state"] == "firing"]

    def await_value(self, expr, wanted, limit):
        """Waits until the expression has exactly these values, in any order; also for a Prometheus that does not listen yet."""
        end = time.monotonic() + limit
        while True:
            try:
                seen = sorted(value for _, value in self.values(expr))
            except Problem as problem:
                seen = problem
            if seen == sorted(wanted):
                return
            if time.monotonic() > end:
                raise Problem(f"after {limit:.0f} s {expr} is {seen}, and should be {wanted}")
            time.sleep(0.2)


def dashboard_expressions():
    """[(where, expression)] of all panels and annotations, for any choice of the variables and a short range."""
    found = []
    for file in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(file.read_text())
        for panel in board["panels"]:
            found += [(f"{file.stem}: {panel['title']} {target['refId']}", target["expr"])
                      for target in panel.get("targets", [])]
        found += [(f"{file.stem}: annotation {each['name']}", each["expr"])
                  for each in board["annotations"]["list"]]
    return [(where, chosen(expr)) for where, expr in found]


def variable_queries():
    """[(where, selector)] of what the dashboards' variables list."""
    found = []
    for file in sorted(DASHBOARDS.glob("*.json")):
        for variable in json.loads(file.read_text())["templating"]["list"]:
            if variable["type"] == "query":
                selector = re.fullmatch(r"label_values\((.*), \w+\)", variable["query"]).group(1)
                found.append((f"{file.stem}: variable {variable['name']}", chosen(selector)))
    return found


def chosen(expr):
    """An expression with Grafana's variables replaced: all jobs, instances, runs and stacks."""
    expr = re.sub(r"\$__(rate_interval|range)", "5s", expr)
    return re.sub(r"\$(job|instance|run|stack)", ".+", expr)


def without_threshold(expr):
    """An alert's expression as one that has a value also while the alert does not fire: comparisons give 0 or 1."""
    return re.sub(r"(==|!=|>=|<=|>|<)(?!\s*bool\b)", r"\1 bool", expr)
