#!/usr/bin/env python3
"""Reloads, and readers that go away: neither ends a daemon, refuses a connection, or loses what was read.

A config that can't work is refused, and whoever looks can see that: in the log, by /ready, STATUS= and a metric, and by the exit
status of what `systemctl reload` runs before it sends the signal."""

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import unittest

from smtp_listener import ListeningBlowback, bounce
from harness import PATIENCE, ROOT, TRAP_DOMAIN, Blowback, free_port, make_dsn, program, wait_until
from milter import ACCEPT, Watched
from watching_notify import Manager

QUICK = {"policy": {"list_at": 0.2, "delist_below": 0.1, "distinct_traps": 1}}


def reload(b, daemon, told, times=1):
    """Sends SIGHUP; returns once the log contains `told` once more."""
    seen = daemon.log().count(told)
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: daemon.log().count(told) >= seen + times, 30, lambda: f"{told}:\n{daemon.log()[-3000:]}")


def last_kept(daemon):
    return [line for line in daemon.log().splitlines() if "config-kept" in line][-1]


class Asked(Blowback):
    """A Blowback whose daemons report metrics and health on unix sockets in its folder."""

    def __init__(self, **sections):
        super().__init__(**sections)
        self.sections["metrics"] = {name: f"unix:{self.dir}/{name}.http" for name in ("server", "ingest")}
        self.write_config()

    def ask(self, name, path):
        """The HTTP status, and the body."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(f"{self.dir}/{name}.http")
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def metric(self, name, metric):
        return float(re.search(rf"^{metric} (\S+)$", self.ask(name, "/metrics")[1], re.M)[1])


class LostReaders(unittest.TestCase):
    def start_with_a_pipe(self, b, name):
        """The program, with a pipe as its standard error, and the pipe's end for reading."""
        ours, theirs = os.pipe()
        process = subprocess.Popen([program(name), "--config", str(b.config)], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, ours

    def test_ingest_continues_when_the_reader_of_its_log_is_gone(self):
        with Blowback() as b:
            process, log = self.start_with_a_pipe(b, "blowback-ingest")
            wait_until(b.database.exists, 10, "ingest has begun")
            os.close(log)
            b.list_sender("192.0.2.1")  # `listed` is logged
            wait_until(lambda: b.cli("check", "192.0.2.1").returncode == 0, 10, "it records")
            process.send_signal(signal.SIGHUP)
            b.list_sender("192.0.2.2")
            wait_until(lambda: b.cli("check", "192.0.2.2").returncode == 0, 10, "it goes on after a reload")
            self.assertIsNone(process.poll())

    def test_the_server_continues_when_the_reader_of_its_log_is_gone(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            b._ports.release()
            process, log = self.start_with_a_pipe(b, "blowback-server")
            b.wait_listed("192.0.2.1", 10)
            os.close(log)
            b.sections["zone"]["txt"] = "New words for {ip}"
            b.write_config()
            process.send_signal(signal.SIGHUP)  # config-read is logged
            wait_until(lambda: b.dig_ip("192.0.2.1", "TXT").rdata() == ['"New words for 192.0.2.1"'], 10, "it goes on after a reload")
            self.assertIsNone(process.poll())


class RefusedByIngest(unittest.TestCase):
    """Each config that can't work is refused, and the feeds of the old one continue."""

    def test_a_config_that_cannot_work_leaves_the_old_one_and_its_feeds(self):
        def other_feed(feed):
            return lambda b: b.feeds.append(feed)

        def broken_toml(b):
            b.config.write_text("nonsense = \n")
            return True

        def another_database(b):
            b.sections["database"] = str(b.dir / "nowhere" / "blowback.db")

        def no_feed(b):
            b.feeds.clear()

        def no_certificate(b):
            b.feeds[0] = b.feeds[0] | {"certificate": str(b.dir / "missing.pem"), "key": str(b.dir / "missing.key")}

        def moved_to_a_taken_port(b):
            b.feeds[0] = b.feeds[0] | {"listen": [f"127.0.0.1:{b.smtp_port}", f"127.0.0.1:{b.taken_port}"]}

        with socket.create_server(("127.0.0.1", 0)) as taken, ListeningBlowback(**QUICK) as b:
            b.taken_port = taken.getsockname()[1]
            b.start_listening()
            feeds, database = [dict(feed) for feed in b.feeds], b.sections["database"]
            with b.client() as stays:
                stays.begin("192.0.2.7")
                for n, (breaks, told) in enumerate((
                        (broken_toml, ":1: is not TOML"),
                        (another_database, "nowhere/blowback.db"),
                        (no_feed, "no [[feed]]"),
                        (no_certificate, "missing.pem"),
                        (moved_to_a_taken_port, f"127.0.0.1:{b.taken_port}: Address already in use"),
                        (other_feed({"name": "second", "type": "smtp", "listen": [f"127.0.0.1:{b.taken_port}"]}), "feed second: can't listen"),
                        (other_feed({"name": "milter", "type": "milter", "listen": [f"127.0.0.1:{b.taken_port}"]}), "feed milter: can't listen"))):
                    with self.subTest(told):
                        b.feeds, b.sections["database"] = [dict(feed) for feed in feeds], database
                        if not breaks(b):
                            b.write_config()
                        reload(b, b.ingest, "config-kept")
                        self.assertIn(told, last_kept(b.ingest))
                        self.assertEqual(stays.deliver(bounce(f"{n}a")), "250 2.0.0 Ok", "the session goes on")
                        with b.client() as client:
                            client.begin("192.0.2.8")
                            self.assertEqual(client.deliver(bounce(f"{n}b", client="192.0.2.8")), "250 2.0.0 Ok")
            self.assertNotIn("config-read", b.ingest.log())
            self.assertEqual(len(b.stored_ids()), 14)
            # The next valid config is used.
            b.feeds, b.sections["database"] = feeds, database
            b.write_config()
            reload(b, b.ingest, "config-read")

    def test_a_reload_while_the_database_is_unavailable_ends_nothing(self):
        with Blowback(**QUICK) as b:
            b.start_ingest()
            wait_until(lambda: "recording" in b.ingest.log(), 10, "ingest has begun")
            lock = sqlite3.connect(b.database, isolation_level=None, timeout=10)
            lock.execute("BEGIN EXCLUSIVE")
            b.list_sender("192.0.2.1")
            b.ingest.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "config-read" in b.ingest.log() and "database-trouble" in b.ingest.log(), 40, "it waits and reloads")
            lock.execute("ROLLBACK")
            lock.close()
            wait_until(lambda: b.cli("check", "192.0.2.1").returncode == 0, 20, "what came meanwhile is recorded")
            self.assertIn("database-back", b.ingest.log())
            self.assertTrue(b.ingest.running())


class RefusedByTheServer(unittest.TestCase):
    def test_a_config_that_cannot_work_leaves_the_old_one(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, Asked() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            b.start_server()
            b.wait_listed("192.0.2.1")
            good = json.loads(json.dumps(b.sections))
            for section, key, value, told in (("server", "listen", [f"127.0.0.1:{taken.getsockname()[1]}"], "Address already in use"),
                                              (None, "database", str(b.dir / "nowhere.db"), "nowhere.db")):
                with self.subTest(told):
                    b.sections = json.loads(json.dumps(good))
                    (b.sections[section] if section else b.sections)[key] = value
                    b.write_config()
                    reload(b, b.server, "config-kept")
                    self.assertIn(told, last_kept(b.server))
                    self.assertTrue(b.listed("192.0.2.1"))
                    self.assertEqual(b.metric("server", "blowback_config_last_reload_successful"), 0)
            b.sections = good
            b.write_config()
            b.cli("list", "192.0.2.2", "--reason", "the old database is followed")
            b.wait_listed("192.0.2.2")


class Visible(unittest.TestCase):
    def test_a_refused_reload_is_in_status_ready_and_metrics_until_one_succeeds(self):
        for name in ("server", "ingest"):
            with self.subTest(name), Asked() as b, Manager(b, "notify") as manager:
                b.cli("list", "192.0.2.1", "--reason", "test")
                daemon = (b.start_server if name == "server" else b.start_ingest)(env=manager.environment())
                manager.wait("READY=1")
                good = b.config.read_text()
                since = b.metric(name, "blowback_config_last_reload_success_timestamp_seconds")
                self.assertLess(abs(since - time.time()), 60 * PATIENCE)
                self.assertEqual(b.ask(name, "/ready"), (200, '{"status":"ok","problems":[]}\n'))
                seen = len(manager.read())
                b.config.write_text("nonsense = \n")
                reload(b, daemon, "config-kept")
                # It works with the old config, so it is ready.
                status, ready = b.ask(name, "/ready")
                problem = json.loads(ready)["problems"][0]
                self.assertEqual((status, json.loads(ready)["status"], problem["name"]), (200, "ok", "config-refused"))
                self.assertIn(f"{b.config}:1", problem["detail"])
                self.assertEqual(b.ask(name, "/health")[0], 200)
                self.assertEqual(b.metric(name, "blowback_config_last_reload_successful"), 0)
                self.assertEqual(b.metric(name, "blowback_config_last_reload_success_timestamp_seconds"), since)
                manager.wait("READY=1", after=manager.wait("RELOADING=1", after=seen))
                work = "serving" if name == "server" else "reading"
                refused = wait_until(lambda: [note for note in manager.read()[seen:] if "the config was refused" in note], 10, "STATUS=")
                self.assertTrue(refused[0].startswith(f"STATUS={work}"), refused)
                seen = len(manager.read())
                b.config.write_text(good)
                reload(b, daemon, "config-read")
                self.assertEqual(b.ask(name, "/ready"), (200, '{"status":"ok","problems":[]}\n'))
                self.assertEqual(b.metric(name, "blowback_config_last_reload_successful"), 1)
                wait_until(lambda: any(note.startswith(f"STATUS={work}") and "refused" not in note for note in manager.read()[seen:]), 10,
                           "STATUS= is as before")

    def test_systemctl_reload_checks_the_config_before_it_sends_the_signal(self):
        for name in ("server", "ingest"):
            unit = (ROOT / "deploy" / "systemd" / f"blowback-{name}.service").read_text()
            check, signals = re.findall(r"^ExecReload=(.*)$", unit, re.M)
            self.assertEqual(check, f"/usr/bin/blowback config check --daemon {name}")
            self.assertIn("kill -HUP $MAINPID", signals)

    def test_ingest_logs_what_it_reads_and_where_it_listens_at_start_and_after_each_reload(self):
        port = free_port()
        with Blowback() as b:
            b.feeds.append({"name": "lmtp", "type": "lmtp", "listen": [f"127.0.0.1:{port}", f"unix:{b.dir}/lmtp"]})
            b.write_config()
            b.start_ingest()
            lines = [f"reading feed=traps type=maildir path=\"{b.maildir}\"", f'listening feed=lmtp type=lmtp at="127.0.0.1:{port} unix:{b.dir}/lmtp"',
                     f'recording database="{b.database}" format=']
            for times in (1, 2):
                for line in lines:
                    wait_until(lambda wanted=line, n=times: b.ingest.log().count(wanted) == n, 10, lambda: f"{line}:\n{b.ingest.log()}")
                if times == 1:
                    reload(b, b.ingest, "config-read")


class Sessions(unittest.TestCase):
    def test_no_connection_is_refused_in_twenty_reloads_under_load(self):
        with ListeningBlowback(**QUICK) as b:
            b.start_listening()
            stop = threading.Event()
            refused, replies, connections = [], {}, [0]

            def connect():
                while not stop.is_set():
                    try:
                        socket.create_connection(("127.0.0.1", b.smtp_port), timeout=20 * PATIENCE).close()
                        connections[0] += 1
                    except OSError as error:
                        refused.append(error)

            def deliver(number):
                n = 0
                client = b.client(timeout=60).begin("192.0.2.9")
                while not stop.is_set():
                    n += 1
                    replies[f"{number}x{n}"] = client.deliver(bounce(f"{number}x{n}", client="192.0.2.9"))
                client.socket.close()

            threads = [threading.Thread(target=connect)] + [threading.Thread(target=deliver, args=(number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            try:
                for n in range(20):
                    # Every second reload changes the listener's settings; one renames the feed.
                    b.feeds[0]["hostname"] = f"mx{n // 2}.trap.example.net"
                    b.feeds[0]["name"] = "mx" if n < 10 else "renamed"
                    b.write_config()
                    before = len(replies)
                    reload(b, b.ingest, "config-read")
                    wait_until(lambda: len(replies) > before, 30, "mail goes on")
            finally:
                stop.set()
                for thread in threads:
                    thread.join(60 * PATIENCE)
            self.assertEqual(refused, [])
            self.assertEqual(set(replies.values()), {"250 2.0.0 Ok"}, "no session was ended")
            self.assertEqual(sorted(b.stored_ids()), sorted(f"{n}@bounce.example" for n in replies), "each message once")
            with b.client() as client:
                self.assertIn("mx9.trap.example.net", client.expect(220), "new sessions use the new settings")
            print(f"\n20 reloads: {connections[0]} connections, 0 refused; {len(replies)} messages, each recorded once", flush=True)

    def test_a_listener_moves_to_another_port(self):
        with ListeningBlowback(**QUICK) as b:
            b.start_listening()
            old, b.smtp_port = b.smtp_port, free_port()
            with socket.create_connection(("127.0.0.1", old), timeout=20 * PATIENCE) as stays:
                b.feeds[0]["listen"] = [f"127.0.0.1:{b.smtp_port}"]
                b.write_config()
                reload(b, b.ingest, "config-read")
                with b.client() as client:
                    client.begin("192.0.2.9")
                    self.assertEqual(client.deliver(bounce(1, client="192.0.2.9")), "250 2.0.0 Ok")
                with self.assertRaises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", old))
                self.assertTrue(stays.recv(100).startswith(b"220"), "earlier connections stay")

    def test_messages_received_by_a_removed_feed_are_recorded(self):
        with ListeningBlowback(**QUICK) as b:
            b.start_listening()
            lock = sqlite3.connect(b.database, isolation_level=None, timeout=10)
            lock.execute("BEGIN IMMEDIATE")
            with b.client(timeout=60) as client:
                client.begin("192.0.2.9")
                client.expect(250, "MAIL FROM:<>")
                client.expect(250, f"RCPT TO:<a@{TRAP_DOMAIN}>")
                client.expect(354, "DATA")
                client.send(bounce(1, client="192.0.2.9").replace(b"\n", b"\r\n") + b"\r\n.\r\n")
                wait_until(lambda: "database-trouble" in b.ingest.log(), 30, "it is read, and waits for the database")
                b.feeds[:] = [{"name": "traps", "type": "maildir", "path": str(b.maildir)}]
                b.write_config()
                reload(b, b.ingest, "config-read")
                lock.execute("ROLLBACK")
                lock.close()
                self.assertEqual(client.reply(), "250 2.0.0 Ok")
                self.assertTrue(client.reply().startswith("421"), "then the listener closes")
            self.assertEqual(b.stored_ids(), ["1@bounce.example"])

    def test_a_milter_continues_through_reloads(self):
        with Watched(**QUICK) as b:
            b.open_milter()
            first = b.watcher_pid()
            with b.mail_server() as m:
                m.begin("192.0.2.9")
                for n in range(5):
                    self.assertEqual(m.deliver(bounce(n, client="192.0.2.9"), f"a@{TRAP_DOMAIN}"), ACCEPT)
                    b.feeds[0]["connections"] = 10 + n
                    b.write_config()
                    reload(b, b.ingest, "config-read")
                m.quit()
            self.assertEqual(b.rows("SELECT count(*) FROM incident"), [(5,)])
            self.assertEqual(b.watcher_pid(), first)


class StandardInput(unittest.TestCase):
    def lines(self, b, count):
        return b"".join(json.dumps({"received_at": "2026-11-24T10:00:00Z", "client_ip": "192.0.2.1", "rcpt_to": [f"a@{TRAP_DOMAIN}"], "mail_from": "",
                                    "message": make_dsn("192.0.2.1", f"a@{TRAP_DOMAIN}", n).decode()}).encode() + b"\n" for n in range(count))

    def incidents(self, b):
        return b.feed_counts("lines")["incidents"]

    def test_json_lines_read_while_the_database_was_busy_survive_a_reload(self):
        with Blowback(feeds=[{"name": "lines", "type": "jsonl"}]) as b:
            self.assertEqual(b.cli("db", "migrate").returncode, 0)
            lock = sqlite3.connect(b.database, isolation_level=None, timeout=10)
            lock.execute("BEGIN IMMEDIATE")
            b.start_ingest(stdin=subprocess.PIPE)
            lines = self.lines(b, 21)
            # The last line is incomplete: its beginning is read, too.
            b.ingest.process.stdin.write(lines[:-100])
            b.ingest.process.stdin.flush()
            wait_until(lambda: "database-trouble" in b.ingest.log(), 30, "they are read, and wait for the database")
            reload(b, b.ingest, "config-read")
            # Without the feed, what was read of it would be lost.
            feeds, b.feeds[:] = list(b.feeds), [{"name": "traps", "type": "maildir", "path": str(b.maildir)}]
            b.write_config()
            reload(b, b.ingest, "config-kept")
            self.assertIn("feed lines reads standard input", last_kept(b.ingest))
            b.feeds[:] = feeds
            b.write_config()
            lock.execute("ROLLBACK")
            lock.close()
            wait_until(lambda: self.incidents(b) == 20, 30, "20 of 20 are recorded")
            reload(b, b.ingest, "config-read")
            b.ingest.process.stdin.write(lines[-100:])
            b.ingest.process.stdin.close()
            wait_until(lambda: self.incidents(b) == 21, 30, "and so is the incomplete one")


if __name__ == "__main__":
    unittest.main(verbosity=2)
