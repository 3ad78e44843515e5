#!/usr/bin/env python3
"""The page among hostile and unlucky circumstances: slow clients, forged X-Forwarded-For behind real proxies, a database that is gone,
reloads with and without mistakes."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

from harness import PATIENCE, ROOT, Blowback, free_port, wait_until


def descriptors():
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 8192, hard))


class SlowClients(unittest.TestCase):
    def test_a_thousand_connections_that_trickle_block_nobody(self):
        descriptors()
        with Blowback() as b:
            b.start_ingest(once=True)
            b.start_web(time="2s", connections=600)
            slow = []
            try:
                kinds = (b"GET /192.0.2.1 HTTP/1.1\r\nHost: x\r\nX-a: ",  # slow header
                         b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",  # slow body
                         b"G",
                         b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 20)  # asks for much, reads nothing
                for n in range(1000):
                    s = socket.create_connection(("127.0.0.1", b.web_port), timeout=10)
                    s.setblocking(False)
                    slow.append(s)
                    self.trickle(s, kinds[n % 4])
                    if n % 100 == 99:
                        self.assertEqual(b.get("/192.0.2.1")[0], 200)
                end = time.monotonic() + 4 * PATIENCE
                asked = 0
                while time.monotonic() < end:
                    for s in slow:
                        self.trickle(s, b"a")
                    self.assertEqual(b.get("/192.0.2.1")[0], 200)
                    asked += 1
                self.assertGreater(asked, 0)
            finally:
                for s in slow:
                    s.close()
            b.web.stop()
            counts = re.search(r"pages-served requests=(\d+) too_slow=(\d+) refused=(\d+)", b.web.log())
            self.assertGreater(int(counts[2]) + int(counts[3]), 500, counts[0])

    @staticmethod
    def trickle(s, octets):
        try:
            s.send(octets)
        except OSError:
            pass


class Proxies(unittest.TestCase):
    """The configs of deploy/web/ in the real programs, without TLS and on free ports."""

    def behind(self, b, name, start):
        port = free_port()
        proxy = start(port)
        try:
            def ready():
                try:
                    return b.get("/health", port=port)[0] == 200
                except OSError:
                    return False
            wait_until(ready, 15, f"{name} passes requests on")
            self.assertIn("Never seen", b.get("/192.0.2.1", port=port)[2])
            # The limit counts the client that the proxy saw, 127.0.0.1, whatever the client says.
            for n in range(4):
                status, fields, _ = b.get("/api/v1/ip/192.0.2.1", {"X-Forwarded-For": f"198.51.100.{n}"}, port=port)
                self.assertEqual(status, 200)
                self.assertEqual(fields["ratelimit"].split(";")[1], f"r={3 - n}", fields)
            status, fields, _ = b.get("/api/v1/ip/192.0.2.1", {"X-Forwarded-For": "198.51.100.99"}, port=port)
            self.assertEqual(status, 429)
            self.assertIn("retry-after", fields)
        finally:
            proxy.terminate()
            proxy.wait(10)

    def start_page(self, b, port_of_page=None):
        b.start_ingest(once=True)
        # The proxy comes by a unix socket, so that 127.0.0.1, the test's own address, is a client like any other.
        self.path = b.dir / "web"
        b.sections["web"] = {"listen": f"unix:{self.path}", "proxies": [], "requests": 5}
        b.write_config()
        b.web = b.start("blowback-web")
        wait_until(lambda: "serving-pages" in b.web.log(), 10, "blowback-web serves")
        os.chmod(self.path, 0o666)

    @unittest.skipUnless(shutil.which("nginx"), "nginx isn't installed")
    def test_behind_nginx_a_forged_forwarder_is_not_believed(self):
        with Blowback() as b:
            self.start_page(b)
            location = re.search(r"  location / \{.*?\n  \}", (ROOT / "deploy/web/nginx.conf").read_text(), re.S)[0]
            location = location.replace("http://127.0.0.1:8053", f"http://unix:{self.path}:")

            def start(port):
                config = b.dir / "nginx.conf"
                config.write_text(f"daemon off; pid {b.dir}/nginx.pid; error_log {b.dir}/nginx.log; worker_processes 1;\n"
                                  f"{'user root;' if os.geteuid() == 0 else ''} events {{}}\n"
                                  f"http {{ access_log off; client_body_temp_path {b.dir}/body; proxy_temp_path {b.dir}/proxy; fastcgi_temp_path {b.dir}/f; "
                                  f"uwsgi_temp_path {b.dir}/u; scgi_temp_path {b.dir}/s;\n"
                                  f"server {{ listen 127.0.0.1:{port};\n{location}\n}} }}\n")
                return subprocess.Popen(["nginx", "-c", str(config), "-e", f"{b.dir}/nginx.log"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.behind(b, "nginx", start)

    @unittest.skipUnless(shutil.which("caddy"), "caddy isn't installed")
    def test_behind_caddy_a_forged_forwarder_is_not_believed(self):
        with Blowback() as b:
            self.start_page(b)
            site = (ROOT / "deploy/web/Caddyfile").read_text().replace("reverse_proxy 127.0.0.1:8053", f"reverse_proxy unix/{self.path}")

            def start(port):
                config = b.dir / "Caddyfile"
                config.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + site.replace("bl.example.org {", f"http://127.0.0.1:{port} {{"))
                env = os.environ | {"HOME": str(b.dir), "XDG_DATA_HOME": str(b.dir), "XDG_CONFIG_HOME": str(b.dir)}
                return subprocess.Popen(["caddy", "run", "--config", str(config), "--adapter", "caddyfile"], env=env, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
            self.behind(b, "Caddy", start)


class Mishaps(unittest.TestCase):
    def test_without_a_database_nobody_is_said_to_be_unlisted_and_the_page_comes_back(self):
        with Blowback() as b:
            b.start_web()
            self.assertEqual(b.get("/192.0.2.1")[0], 503)  # there was none at the start
            b.start_ingest(once=True)
            wait_until(lambda: b.get("/192.0.2.1")[0] == 200, 10, "the page finds the new database")
            away = b.database.with_suffix(".away")
            for name in (b.database, pathlib.Path(f"{b.database}-wal"), pathlib.Path(f"{b.database}-shm")):
                if name.exists():
                    name.rename(str(away) + name.name[len(b.database.name):])
            status, fields, body = b.get("/192.0.2.1")
            self.assertEqual(status, 503)
            self.assertEqual(fields["retry-after"], "60")
            self.assertNotIn("isn't listed", body)
            self.assertEqual(b.get("/api/v1/ip/192.0.2.1")[0], 503)
            self.assertIn("page-unavailable", b.web.log())
            away.rename(b.database)
            wait_until(lambda: b.get("/192.0.2.1")[0] == 200, 10, "the page finds the database again")

    def test_a_writer_that_holds_the_lock_delays_no_page(self):
        with Blowback() as b:
            b.start_ingest(once=True)
            b.start_web()
            import sqlite3
            connection = sqlite3.connect(b.database, isolation_level=None)
            connection.execute("BEGIN EXCLUSIVE")
            try:
                self.assertEqual(b.get("/192.0.2.1")[0], 200)
                self.assertEqual(b.get("/")[0], 200)
            finally:
                connection.execute("ROLLBACK")
                connection.close()

    def test_a_reload_adopts_config_and_templates_or_keeps_all_of_the_old(self):
        with Blowback() as b:
            b.start_ingest(once=True)
            own = b.dir / "own"
            shutil.copytree(ROOT / "web" / "templates", own / "templates")
            shutil.copytree(ROOT / "web" / "languages", own / "languages")
            b.start_web(templates=str(own), contact="first@example.org")
            self.assertIn("first@example.org", b.get("/")[2])

            def reloaded(mark):
                seen = b.web.log().count(mark)
                b.web.process.send_signal(signal.SIGHUP)
                wait_until(lambda: b.web.log().count(mark) > seen, 10, lambda: f"a line {mark}:\n{b.web.log()}")

            b.sections["web"]["contact"] = "second@example.org"
            b.write_config()
            reloaded("config-read")
            self.assertIn("second@example.org", b.get("/")[2])
            template = own / "templates" / "message.html"
            good = template.read_text()
            template.write_text(good + "{{nonsense!}}")
            b.sections["web"]["contact"] = "third@example.org"
            b.write_config()
            reloaded("config-kept")
            self.assertIn("message.html:", b.web.log())
            self.assertIn("second@example.org", b.get("/")[2])
            template.write_text(good.replace("<h1>", '<h1 class="mine">'))
            port = free_port()
            b.sections["web"]["listen"] = f"127.0.0.1:{port}"
            b.write_config()
            reloaded("config-read")
            self.assertIn('<h1 class="mine">', b.get("/x", port=port)[2])
            self.assertIn("third@example.org", b.get("/", port=port)[2])
            with self.assertRaises(OSError):
                b.get("/")

    def test_what_it_can_not_serve_it_says_and_exits(self):
        with Blowback() as b:
            b.sections["web"] = {"listen": "127.0.0.1:1", "templates": "/nowhere"}
            b.write_config()
            done = b.run("blowback-web")
            self.assertEqual(done.returncode, 3)
            self.assertIn("/nowhere/languages/en.toml", done.stderr)
            b.sections["web"] = {"listen": "nonsense", "contact": "x", "url": "bl.example.org", "request": 5}
            b.write_config()
            done = b.run("blowback-web")
            self.assertEqual(done.returncode, 2)
            for key in ("web.listen", "web.contact", "web.url", "web.request"):
                self.assertIn(key, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
