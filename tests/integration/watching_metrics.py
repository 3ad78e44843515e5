#!/usr/bin/env python3
"""Both running daemons as a monitor sees them: metrics that count what happened, health that turns with what is wrong, clients who
misbehave, and that dashboard and alert rules ask for nothing that isn't exported."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

from harness import ROOT, Blowback, owner_name, query, wait_until

MONITORING = ROOT / "deploy" / "monitoring"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


def get(where, path):
    """(status, Content-Type, body). `where`: a port on loopback, or a unix socket's path."""
    connection = http.client.HTTPConnection("127.0.0.1", where, timeout=10) if isinstance(where, int) else UnixConnection(where)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.headers["Content-Type"], reply.read().decode()
    finally:
        connection.close()


def samples(where):
    """{'name{label="value"}': number}"""
    status, kind, text = get(where, "/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8"), (status, kind)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def is_ready(where):
    """Of a unix socket that may not be there yet, or not be listened at."""
    try:
        return problems(where)[0] == 200
    except (FileNotFoundError, ConnectionRefusedError):
        return False


def problems(where, path="/ready"):
    """(status, names of what is wrong)"""
    status, kind, body = get(where, path)
    assert kind == "application/json", kind
    document = json.loads(body)
    assert document["status"] == ("ok" if status == 200 else "failing"), body
    for problem in document["problems"]:
        assert problem["detail"] and problem["mend"], body
    return status, [problem["name"] for problem in document["problems"]]


def watched(**options):
    """A Blowback whose server tells on a port and whose ingest on a unix socket: b.server_at, b.ingest_at."""
    b = Blowback(**options)
    b.server_at = free_port()
    b.ingest_at = str(b.dir / "ingest.metrics")
    b.sections["metrics"] = {"server": f"127.0.0.1:{b.server_at}", "ingest": f"unix:{b.ingest_at}"}
    b.write_config()
    return b


def start(b):
    b.start_ingest()
    wait_until(lambda: is_ready(b.ingest_at), 10, lambda: f"ingest is ready: {b.ingest.log()}")
    b.start_server()
    wait_until(lambda: " serving " in b.server.log(), 10, "the server is there as a whole")


def promtool(*arguments, stdin=None):
    return subprocess.run(["promtool", *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=300)


class Metrics(unittest.TestCase):
    maxDiff = None

    def test_what_happened_is_counted_under_its_name(self):
        with watched() as b:
            start(b)
            before = samples(b.server_at)
            b.list_sender("192.0.2.1")
            b.deliver(b"From: a@b.example\n\nJust a letter.\n")
            b.wait_listed("192.0.2.1", 10)
            wait_until(lambda: samples(b.ingest_at)['blowback_ingest_deliveries_total{feed="traps",outcome="not_a_trap"}'] == 1, 5, "the letter is counted")
            asked = samples(b.server_at)
            for _ in range(5):
                b.raw_udp(query(owner_name("192.0.2.1"), "TXT"))
            b.raw_tcp(query(owner_name("192.0.2.2"), "A"))
            now = samples(b.server_at)
            grown = {name: now[name] - asked[name] for name in now if name in asked and now[name] != asked[name]}
            self.assertEqual(grown['blowback_server_queries_total{type="TXT",family="ipv4",transport="udp"}'], 5)
            self.assertEqual(grown['blowback_server_queries_total{type="A",family="ipv4",transport="tcp"}'], 1)
            self.assertEqual(grown['blowback_server_responses_total{rcode="NXDOMAIN",transport="tcp"}'], 1)
            self.assertEqual(grown['blowback_server_outcomes_total{outcome="listed",transport="udp"}'], 5)
            self.assertEqual(grown['blowback_server_hits_total{kind="dsn"}'], 5)
            self.assertEqual(grown["blowback_server_answer_duration_seconds_count"], 5)
            self.assertEqual(now['blowback_server_answer_duration_seconds_bucket{le="+Inf"}'], now["blowback_server_answer_duration_seconds_count"])
            self.assertGreater(grown["blowback_server_answer_duration_seconds_sum"], 0)
            self.assertEqual(now["blowback_zone_ready"], 1)
            self.assertLess(now["blowback_zone_index_age_seconds"], 5)
            self.assertLess(now["blowback_zone_journal_lag_seconds"], 5)
            self.assertEqual(before["blowback_zone_serial"], 0)
            wait_until(lambda: samples(b.server_at)['blowback_listings{kind="dsn",family="ipv4"}'] == 1, 10, "the listing is in the tally")

            ingest = samples(b.ingest_at)
            self.assertEqual(ingest['blowback_ingest_deliveries_total{feed="traps",outcome="backscatter"}'], 3)
            self.assertEqual(ingest['blowback_ingest_incidents_total{kind="dsn"}'], 3)
            self.assertEqual(ingest["blowback_ingest_listed_total"], 1)
            self.assertEqual(ingest["blowback_journal_serial"], now["blowback_zone_serial"])
            self.assertGreater(ingest["blowback_ingest_commit_duration_seconds_count"], 0)
            self.assertAlmostEqual(ingest['blowback_feed_last_delivery_timestamp_seconds{feed="traps"}'], time.time(), delta=60)

            # An operator's change moves the database's serial, too; a reload leaves the counts.
            b.cli("list", "192.0.2.9", "--reason", "test")
            wait_until(lambda: samples(b.ingest_at)["blowback_journal_serial"] == ingest["blowback_journal_serial"] + 1, 20, "ingest has the new serial")
            os.kill(b.ingest.pid, signal.SIGHUP)
            wait_until(lambda: "config-read" in b.ingest.log(), 5, "the config is read again")
            self.assertEqual(samples(b.ingest_at)['blowback_ingest_incidents_total{kind="dsn"}'], 3)

            # The last delivery outlives the process.
            self.assertEqual(b.ingest.stop(), 0)
            b.start_ingest()
            wait_until(lambda: is_ready(b.ingest_at), 10, "ingest is back")
            self.assertEqual(samples(b.ingest_at)['blowback_feed_last_delivery_timestamp_seconds{feed="traps"}'],
                             ingest['blowback_feed_last_delivery_timestamp_seconds{feed="traps"}'])

    def test_health_turns_with_what_is_wrong_and_back(self):
        with watched(server={"stale_after": "1s"}) as b:
            start(b)
            self.assertEqual(problems(b.server_at), (200, []))
            hidden = b.dir / "hidden"
            b.maildir.rename(hidden)
            wait_until(lambda: problems(b.ingest_at) == (503, ["feed-unreadable"]), 10, "ingest says that its feed is gone")
            self.assertEqual(problems(b.ingest_at, "/health"), (200, []))
            self.assertEqual(samples(b.ingest_at)['blowback_feed_readable{feed="traps"}'], 0)
            hidden.rename(b.maildir)
            wait_until(lambda: problems(b.ingest_at) == (200, []), 10, "ingest is ready again")
            b.ingest.stop()

            b.database.rename(b.dir / "gone.db")
            wait_until(lambda: problems(b.server_at) == (503, ["list-stale"]), 20, "the server says that its list is stale")
            self.assertEqual(problems(b.server_at, "/health"), (200, []), "a restart wouldn't mend it")
            self.assertEqual(samples(b.server_at)["blowback_zone_stale"], 1)
            (b.dir / "gone.db").rename(b.database)
            wait_until(lambda: problems(b.server_at) == (200, []), 20, "the server is ready again")

    def test_without_a_list_the_server_lives_and_is_not_ready(self):
        with watched() as b:
            b.start_server(wait=False)
            wait_until(lambda: " serving " in b.server.log(), 10, "the server is there")
            self.assertEqual(problems(b.server_at, "/health"), (200, []))
            self.assertEqual(problems(b.server_at), (503, ["list-not-ready"]))
            self.assertNotIn("blowback_zone_index_age_seconds", samples(b.server_at))

    def test_clients_who_misbehave_disturb_neither_daemon(self):
        with watched() as b:
            start(b)
            idle = []
            try:
                for at in (b.server_at, b.ingest_at):
                    for i in range(12):
                        s = socket.create_connection(("127.0.0.1", at)) if isinstance(at, int) else socket.socket(socket.AF_UNIX)
                        if not isinstance(at, int):
                            s.connect(at)
                        idle.append(s)
                        s.sendall((b"", b"GET /metrics HTTP/1.1\r\nX: ", b"\x16\x03\x01\x00\xf4\x01", b"GET " + b"a" * 20000)[i % 4])
                b.list_sender("192.0.2.7")
                b.wait_listed("192.0.2.7", 10)
                self.assertEqual(problems(b.server_at), (200, []))
                self.assertEqual(problems(b.ingest_at), (200, []))
                # Who reads his answer an octet at a time has it taken away at the end of his time; the file's end comes for all.
                for s in idle:
                    s.settimeout(20)
                    try:
                        while s.recv(65536):
                            pass
                    except ConnectionResetError:
                        pass
            finally:
                for s in idle:
                    s.close()
            self.assertEqual(b.server.stop(), 0)
            self.assertEqual(b.ingest.stop(), 0)
            self.assertFalse(pathlib.Path(b.ingest_at).exists())

    def test_a_port_that_is_taken_costs_the_metrics_alone_and_a_reload_opens_another(self):
        with watched() as b, socket.socket() as taken:
            taken.bind(("127.0.0.1", b.server_at))
            taken.listen(1)
            b.cli("list", "192.0.2.1", "--reason", "test")
            b.start_server()
            b.wait_listed("192.0.2.1")
            wait_until(lambda: " serving " in b.server.log(), 10, "the server is there as a whole")
            self.assertRegex(b.server.log(), rf'warning metrics-skipped detail="127\.0\.0\.1:{b.server_at}: Address already in use; set metrics\.server')
            other = free_port()
            b.sections["metrics"]["server"] = f"127.0.0.1:{other}"
            b.write_config()
            os.kill(b.server.pid, signal.SIGHUP)
            wait_until(lambda: "config-read" in b.server.log(), 5, "the config is read again")
            self.assertEqual(problems(other), (200, []))

    def test_a_run_that_ends_by_itself_leaves_the_daemons_socket_alone(self):
        with watched() as b:
            start(b)
            once = b.start_ingest(once=True)
            self.assertEqual(once.process.returncode, 0)
            self.assertNotIn("metrics-skipped", once.log())
            self.assertEqual(problems(b.ingest_at), (200, []))

    def test_logs_are_json_or_logfmt_where_the_config_says_so_and_a_reload_changes_the_form(self):
        with watched() as b:
            b.sections["log"] = {"format": "json"}
            b.write_config()
            b.deliver(b"\x00\x00 no header \xff", name='evil"\n2026-01-01T00:00:00Z critical list-stale x="')
            b.start_ingest()
            wait_until(lambda: "quarantined" in b.ingest.log(), 10, "what was delivered is in quarantine")
            b.sections["log"] = {"format": "logfmt"}
            b.write_config()
            os.kill(b.ingest.pid, signal.SIGHUP)
            wait_until(lambda: "config-read" in b.ingest.log(), 5, "the config is read again")
            lines = b.ingest.log().splitlines()
            events = [json.loads(line) for line in lines if line.startswith("{")]
            self.assertIn("quarantined", [event["event"] for event in events])
            for event in events:
                self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            # Behind it stands what is read, and where that goes. What can't be read isn't told again, since the feed lives on.
            after = [line for line in lines if not line.startswith("{")]
            self.assertRegex(after[0], r"^time=\S+ level=info event=config-read file=\S+$")
            for line in after[1:]:
                self.assertRegex(line, r"^time=\S+ level=info event=(reading feed=traps|recording database=\S+) ")


def exported():
    """Names of all metrics of both running daemons."""
    with watched() as b:
        b.sections["transfer"] = {"notify": [f"127.0.0.1:{b.port}"]}  # it answers for its own SOA, so that there is a secondary's serial
        b.write_config()
        start(b)
        b.deliver(b"\x00\x00")  # so that there is a reason in quarantine
        wait_until(lambda: any("quarantined_total{" in name for name in samples(b.ingest_at)), 10, "something is in quarantine")
        wait_until(lambda: any("secondary_serial_behind" in name for name in samples(b.server_at)), 10, "the secondary has answered")
        return {name.partition("{")[0] for at in (b.server_at, b.ingest_at) for name in samples(at)}


class Monitoring(unittest.TestCase):
    def test_dashboard_and_rules_ask_for_nothing_that_is_not_exported(self):
        names = exported()
        dashboard = json.loads((MONITORING / "blowback.dashboard.json").read_text())
        asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        asked += [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
        rules = (MONITORING / "blowback.rules.yml").read_text()
        for text in [*asked, rules, (MONITORING / "blowback.rules.test.yml").read_text()]:
            for name in re.findall(r"\b(?:blowback|process)_\w+", text):
                self.assertIn(name, names, f"isn't exported: {text}")
        used = set(re.findall(r"\bblowback_\w+", " ".join([*asked, rules])))
        for wanted in ("queries_total", "hits_total", "responses_total", "answer_duration_seconds_bucket"):
            self.assertIn(f"blowback_server_{wanted}", used)
        documented = (ROOT / "docs" / "watching.md").read_text()
        for name in names:
            self.assertIn(re.sub(r"_(bucket|sum|count)$", "", name), documented, "isn't in docs/watching.md")

    @unittest.skipUnless(shutil.which("promtool"), "promtool isn't installed (Debian: prometheus)")
    def test_promtool_finds_nothing_wrong(self):
        with watched() as b:
            start(b)
            for at in (b.server_at, b.ingest_at):
                done = promtool("check", "metrics", stdin=get(at, "/metrics")[2])
                self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        for arguments in (("check", "rules", MONITORING / "blowback.rules.yml"), ("test", "rules", MONITORING / "blowback.rules.test.yml"),
                          ("check", "config", MONITORING / "prometheus.yml")):
            done = promtool(*arguments)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
