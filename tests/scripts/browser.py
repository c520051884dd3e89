"""A page in headless Chromium, for the tests of the live page. Needs Debian's python3-selenium, chromium and
chromium-driver."""

import base64
import json
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

KEYS = {"ArrowLeft": Keys.ARROW_LEFT, "ArrowRight": Keys.ARROW_RIGHT, "Escape": Keys.ESCAPE, " ": Keys.SPACE,
        "Tab": Keys.TAB}


class Late(Exception):
    """Something that did not come in time."""


class Page:
    """One browser with one page, which ends with the `with` block."""

    def __init__(self, url):
        self.url = url

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="redline-chromium-")
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     "--disable-background-networking", "--window-size=1280,900", "--force-color-profile=srgb",
                     f"--user-data-dir={self.profile.name}"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.log = []
        self.driver.get(self.url)
        return self

    def __exit__(self, *_):
        self.driver.quit()
        self.profile.cleanup()

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    number = script

    def text(self, place):
        """Of an element by id or selector: all of it, seen or not."""
        selector = place if place.startswith(("#", ".")) else "#" + place
        return self.script("const found = document.querySelector(arguments[0]); return found ? found.textContent : ''",
                           selector)

    def texts(self, selector):
        return self.script("return [...document.querySelectorAll(arguments[0])].map(each => each.textContent)", selector)

    def rows(self, table):
        return self.script("return [...document.querySelectorAll(arguments[0] + ' tbody tr')]"
                           ".map(row => [...row.children].map(cell => cell.textContent))", table)

    def attribute(self, selector, name):
        return self.script("return document.querySelector(arguments[0]).getAttribute(arguments[1])", selector, name)

    def values(self, selector):
        return [float(text) for text in
                self.script("return [...document.querySelectorAll(arguments[0])].map(each => each.value)", selector)]

    def value(self, selector):
        """The exact value of the one <data> there; None without one."""
        found = self.values(selector)
        return found[0] if len(found) == 1 else None

    def pixels(self, selector):
        """How many pixels of one of these canvases are neither transparent nor of its most frequent colour."""
        return self.script("""
            return Math.max(...[...document.querySelectorAll(arguments[0])].map(canvas => {
              const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              const seen = new Map();
              for (let i = 0; i < data.length; i += 4) {
                const colour = data.slice(i, i + 4).join();
                if (data[i + 3]) seen.set(colour, (seen.get(colour) || 0) + 1);
              }
              const counts = [...seen.values()].sort((a, b) => b - a);
              return counts.slice(1).reduce((a, b) => a + b, 0);
            }));
            """, selector)

    def wait(self, holds, limit, what):
        """Until it holds; Late with what is on the page when it does not."""
        end = time.monotonic() + limit
        while not holds():
            if time.monotonic() > end:
                raise Late(f"not within {limit} s: {what}; the page: {self.text('where')} / {self.text('connection')} / "
                           f"{self.text('verdict-word')} / {self.text('faults')} / {self.errors()}")
            time.sleep(0.1)

    def settle(self):
        """Until the page has been drawn anew."""
        time.sleep(1.5)

    def emulate(self, width, scheme, is_calm=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900 if width > 600 else 844, "deviceScaleFactor": 1, "mobile": width < 600})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce" if is_calm else "no-preference"}]})

    def screenshot(self, path):
        """All of the page, also what is below the window."""
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True,
                                                                      "optimizeForSpeed": False})
        path.write_bytes(base64.b64decode(shot["data"]))

    def too_wide(self, width):
        """What goes beyond the right edge and cannot be scrolled within its parents."""
        return self.script("""
            return [...document.body.querySelectorAll("*")]
              .filter(each => each.getBoundingClientRect().right > arguments[0] + 1 && !each.closest(".wide, .hidden"))
              .slice(0, 5).map(each => each.tagName + "#" + each.id + "." + each.className)""", width)

    def cut_tables(self):
        """Tables of which a part must be scrolled to sideways."""
        return self.script("""
            return [...document.querySelectorAll(".wide")].filter(each => each.scrollWidth > each.clientWidth + 1)
              .map(each => `${each.getAttribute("aria-label")}: ${each.scrollWidth} in ${each.clientWidth}`)""")

    def focus(self, selector):
        self.script("document.querySelector(arguments[0]).focus()", selector)

    def press(self, key):
        ActionChains(self.driver).send_keys(KEYS[key]).perform()
        time.sleep(0.05)

    def tab_stops(self, most):
        """Where the tab key leads, from the top of the page: class, id and name of each element."""
        self.script("document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0)")
        stops = []
        for _ in range(most):
            self.press("Tab")
            stops.append(self.script("const at = document.activeElement; "
                                     "return [at.className, at.id, at.name, at.parentElement && at.parentElement.id].join(' ')"))
        return stops

    def unnamed(self):
        """What the tree for screen readers has without a name although somebody may use it."""
        self.driver.execute_cdp_cmd("Accessibility.enable", {})
        nodes = self.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        used = {"button", "link", "radio", "img", "image", "canvas", "region", "progressbar", "table"}
        return [node["role"]["value"] for node in nodes
                if not node.get("ignored") and node.get("role", {}).get("value") in used
                and not node.get("name", {}).get("value", "").strip()]

    def errors(self):
        """Errors of the page; that nobody answers after a run's end is none."""
        self.log += self.driver.get_log("browser")
        return [entry["message"] for entry in self.log
                if entry["level"] == "SEVERE" and "net::ERR" not in entry["message"]]
