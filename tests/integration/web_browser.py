#!/usr/bin/env python3
"""The pages in a real Chromium, by WebDriver: phone and desktop, light and dark, keyboard only, without an error on the console.

With a folder in BLOWBACK_SCREENSHOTS it also writes the pictures of docs/images/. Skipped where Chromium isn't installed."""

import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import unittest
import urllib.request

from harness import WITNESSES, Blowback, free_port, make_dsn, wait_until

ENTER = "\ue007"
TAB = "\ue004"

# Relative luminance and contrast as WCAG 2.2 defines them, for each element with text of its own; the worst of all.
CONTRAST = """
const numbers = c => c.match(/[\\d.]+/g).map(Number);
const light = c => { const [r, g, b] = numbers(c).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                     return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const paper = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if ((numbers(c)[3] ?? 1) > 0) return c; }
                     return getComputedStyle(document.body).backgroundColor; };
let worst = [99, ''];
for (const e of document.body.querySelectorAll('*')) {
  if (['title', 'desc'].includes(e.tagName) || ![...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim())) continue;
  const ink = e.closest('svg') ? getComputedStyle(e).fill : getComputedStyle(e).color;
  const [a, b] = [light(ink), light(paper(e))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < worst[0]) worst = [ratio, e.outerHTML.slice(0, 80)];
}
return worst;
"""


class Browser:
    def __init__(self):
        self.port = free_port()
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        def listens():
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return True
            except OSError:
                return False
        wait_until(listens, 20, "chromedriver listens")
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]}
        self.session = "/session/" + self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"}, "goog:chromeOptions": options}}})["sessionId"]
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait(20)

    def call(self, method, path, data=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method, headers={"Content-Type": "application/json"},
                                         data=None if data is None else json.dumps(data).encode())
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def devtools(self, command, **parameters):
        return self.call("POST", f"{self.session}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def look(self, width, dark=False, height=900):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        self.call("POST", f"{self.session}/url", {"url": url})

    def run(self, script):
        return self.call("POST", f"{self.session}/execute/sync", {"script": script, "args": []})

    def press(self, *keys):
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("POST", f"{self.session}/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def console(self):
        return self.call("POST", f"{self.session}/se/log", {"type": "browser"})


class InABrowser(unittest.TestCase):
    def test_the_pages_in_chromium(self):
        folder = os.environ.get("BLOWBACK_SCREENSHOTS")
        with Blowback() as b, Browser() as browser:
            for n in range(6):
                b.deliver(make_dsn("192.0.2.10", WITNESSES[n], n, campaign=n), mtime=time.time() - (9.3, 8.1, 5.6, 3.2, 1.4, 0.3)[n] * 86400)
                b.deliver(make_dsn("2001:db8:25::40", WITNESSES[n], 100 + n, campaign=100 + n))
            b.start_ingest(once=True)
            b.start_web(contact="delist@example.org")
            base = f"http://127.0.0.1:{b.web_port}"
            pages = ("/", "/192.0.2.10", "/2001:db8:25::9", "/192.0.2.11", "/192.0.2.0/24", "/127.0.0.2")
            for language in ("en", "de", "fr", "es"):
                for path in pages:
                    browser.open(f"{base}{path}?lang={language}")
                    for width, dark in ((360, False), (1280, True)):
                        with self.subTest(path=path, language=language, width=width):
                            browser.look(width, dark)
                            self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), width, "it scrolls sideways")
                            self.assertEqual(browser.run("return document.documentElement.lang"), language)
                            ratio, where = browser.run(CONTRAST)
                            self.assertGreaterEqual(ratio, 4.5, where)
            self.assertEqual(browser.console(), [])
            self.assertEqual(browser.run("return document.cookie"), "")
            self.assertEqual(browser.run("return performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(location.origin))"), [])

            # By keyboard only: the first stop leads to the content, and the form is sent with Enter.
            browser.look(800)
            browser.open(f"{base}/")
            browser.press(TAB)
            self.assertEqual(browser.run("return document.activeElement.className"), "skip")
            browser.run("document.getElementById('ip').focus()")
            browser.press(*"192.0.2.10", ENTER)
            wait_until(lambda: browser.run("return location.pathname") == "/192.0.2.10", 20, "the form leads to the address")
            self.assertEqual(browser.run("return document.querySelector('.state').textContent"), "Listed")
            self.assertNotEqual(browser.run("document.querySelector('summary').focus(); return getComputedStyle(document.activeElement, ':focus-visible').outlineStyle"), "none")

            if folder:
                self.write_pictures(browser, base, pathlib.Path(folder))

    @staticmethod
    def write_pictures(browser, base, folder):
        for name, path, width, height, dark in (("page-listed", "/192.0.2.10", 820, 1040, False), ("page-score", "/192.0.2.10#sum", 820, 900, False),
                                                ("page-phone-dark", "/192.0.2.10?lang=de", 390, 1000, True), ("page-front", "/", 820, 1250, False),
                                                ("page-never-seen", "/192.0.2.11?lang=fr", 390, 800, False)):
            browser.look(width, dark, height)
            browser.open(base + path)
            offset = browser.run("return Math.round(scrollY)")
            clip = {"x": 0, "y": offset, "width": width, "height": height, "scale": 1}
            data = browser.devtools("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
            (folder / f"{name}.png").write_bytes(base64.b64decode(data))


if __name__ == "__main__":
    if not shutil.which("chromedriver"):
        print("chromedriver isn't installed")
        sys.exit(77)
    unittest.main(verbosity=2)
