#!/usr/bin/env python3
"""Messages a second that the SMTP feed accepts, judges and commits, beside Postfix's smtp-source and smtp-sink in the same run.

    python3 tests/bench/smtp_speed.py [--messages 20000] [--clients 50] [--tools FOLDER]

All share the machine's cores. smtp-sink discards the messages, so it shows the cost of the SMTP dialogue alone. The message is a Postfix
DSN of 3 KB; each one is different and a new incident, committed to disk before its 250."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from smtp_listener import ListeningBlowback, free_port  # noqa: E402
from harness import BIN, TRAP_DOMAIN, make_dsn, wait_until  # noqa: E402


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tool(name, folder):
    return shutil.which(name, path=os.pathsep.join(filter(None, (folder, "/usr/sbin", os.environ.get("PATH", "")))))


def listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def load(port, message, options, *more):
    done = subprocess.run([BIN.parent / "tests" / "smtp_load", "--port", str(port), "--clients", str(options.clients), "--messages", str(options.messages),
                           "--message", message, "--recipient", f"a@{TRAP_DOMAIN}", *more], capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def show(what, rate, seconds, cpu, load_cpu):
    print(f"{what:<46} {rate:>10,.0f} {seconds:>8.2f} {cpu:>12.1f} {load_cpu:>12.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--tools", help="where smtp-source and smtp-sink are")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Linux {os.uname().release}, {options.messages:,} messages, {options.clients} clients, load average {os.getloadavg()[0]:.2f}\n")
    print(f"{'':<46} {'messages/s':>10} {'seconds':>8} {'server µs':>12} {'load µs':>12}   (processor, a message)")
    per = 1e6 / options.messages
    with ListeningBlowback(policy={"list_at": 1e6}) as b:
        message = b.dir / "message"
        message.write_bytes(make_dsn("192.0.2.1", f"a@{TRAP_DOMAIN}", 1).replace(b"Message-Id: <9A", b"Message-Id: <%9A"))
        b.start_listening()
        before = cpu_seconds(b.ingest.pid)
        found = load(b.smtp_port, message, options)
        used = cpu_seconds(b.ingest.pid) - before
        stored = len(b.stored_ids())
        show("smtp_load to blowback-ingest, all committed", found["per_second"], found["seconds"], used * per, found["own_cpu"] * per)
        if stored != options.messages:
            raise SystemExit(f"only {stored:,} of {options.messages:,} messages are stored")
        sink, source = tool("smtp-sink", options.tools), tool("smtp-source", options.tools)
        if not sink or not source:
            raise SystemExit("smtp-source and smtp-sink not found; Debian's package postfix contains them (--tools FOLDER)")
        port = free_port()
        process = subprocess.Popen([sink, *(["-u", "nobody"] if os.getuid() == 0 else []), f"127.0.0.1:{port}", "1000"],
                                   stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: listening(port), 10, "smtp-sink listens")
            for what, run in (
                    ("smtp_load to smtp-sink", lambda: load(port, message, options, "--plain")),
                    ("smtp-source to smtp-sink", None)):
                before = cpu_seconds(process.pid)
                if run:
                    sunk = run()
                    show(what, sunk["per_second"], sunk["seconds"], (cpu_seconds(process.pid) - before) * per, sunk["own_cpu"] * per)
                    continue
                began, own = time.monotonic(), os.times()
                subprocess.run([source, "-s", str(options.clients), "-m", str(options.messages), "-l", str(found["octets"]), "-d", "-f", "", "-t",
                                f"a@{TRAP_DOMAIN}", f"inet:127.0.0.1:{port}"], check=True, timeout=600)
                seconds = time.monotonic() - began
                after = os.times()
                show(what, options.messages / seconds, seconds, (cpu_seconds(process.pid) - before) * per,
                     (after.children_user + after.children_system - own.children_user - own.children_system) * per)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
    print("\nevery message is stored")


if __name__ == "__main__":
    main()
