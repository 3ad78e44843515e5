#!/usr/bin/env python3
"""How large work slows down mail and queries: 50 SMTP clients and a steady load of DNS queries while a list is imported, undone,
exported, backed up, simulated and compacted.

    python3 tests/bench/beside.py [--lines 1000000] [--clients 50] [--rate 2000] [--database FILE]

Each client delivers a bounce every half second and waits for its 250. For the quiet time before and for each piece of work, it prints the time
until a 250 (median, p99.9, longest) and until a DNS answer (p50, p99.9), and the share of lost queries. --database: works on a copy of this
database, such as one that `growth fill` created."""

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from smtp_listener import ListeningBlowback  # noqa: E402
from harness import BIN, TRAP_DOMAIN, make_dsn  # noqa: E402


def share(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


async def deliver(port, number, ended, waits):
    """One client, until the work has ended. Each of its messages is different."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send(line):
        writer.write(line)
        await writer.drain()
        while True:
            reply = await reader.readline()
            if not reply or reply[:1] not in (b"2", b"3"):
                raise SystemExit(f"a client received {reply!r}")
            if reply[3:4] == b" ":
                return

    await reader.readline()
    await send(b"EHLO client.example\r\n")
    count = 0
    while not ended.is_set():
        count += 1
        message = make_dsn(f"192.0.2.{number + 1}", f"a@{TRAP_DOMAIN}", number * 1_000_000 + count).replace(b"\n", b"\r\n")
        await send(b"MAIL FROM:<>\r\n")
        await send(f"RCPT TO:<a@{TRAP_DOMAIN}>\r\n".encode())
        await send(b"DATA\r\n")
        began = time.monotonic()
        await send(message + b"\r\n.\r\n")
        waits.append(time.monotonic() - began)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(ended.wait(), 0.5)
    writer.close()


async def measure(blowback, options, names, what, command, least):
    ended, waits = asyncio.Event(), []
    clients = [asyncio.create_task(deliver(blowback.smtp_port, n, ended, waits)) for n in range(options.clients)]
    # One run of queries after the other while the work lasts.
    found = []

    async def ask():
        while not ended.is_set():
            asked = await asyncio.create_subprocess_exec(
                BIN.parent / "tests" / "dns_load", "--server", f"127.0.0.1:{blowback.port}", "--names", names, "--rate", str(options.rate),
                "--seconds", "5", "--json", "1", stdout=subprocess.PIPE)
            found.append(json.loads((await asked.communicate())[0]))

    asking = asyncio.create_task(ask())
    began = time.monotonic()
    status = 0
    if command:
        process = await asyncio.create_subprocess_exec(BIN / "blowback", "--config", str(blowback.config), *command, stdout=subprocess.DEVNULL,
                                                       stderr=subprocess.PIPE)
        error = (await process.communicate())[1]
        status = process.returncode
        if status not in (0, 1):
            print(f"{what}: exit {status}: {error.decode(errors='replace')[:300]}")
    took = time.monotonic() - began
    await asyncio.sleep(max(0, least - took))
    ended.set()
    await asyncio.gather(*clients, asking)
    dns = found[0] if len(found) == 1 else max(found, key=lambda one: one["p999_us"] or 0)
    print(f"{what:<34} {took:8.1f} s  250: {share(waits, 0.5) * 1e3:7.1f} {share(waits, 0.999) * 1e3:8.1f} {max(waits) * 1e3:8.1f} ms of {len(waits):6}"
          f"   DNS: {dns['p50_us'] or 0:8.0f} {dns['p999_us'] or 0:9.0f} µs, lost {sum(one['lost'] for one in found)}", flush=True)


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--database")
    options = parser.parse_args()
    with ListeningBlowback(policy={"list_at": 3.0}) as blowback, tempfile.TemporaryDirectory(prefix="blowback-beside-") as folder:
        folder = pathlib.Path(folder)
        if options.database:
            shutil.copyfile(options.database, blowback.database)
        names = folder / "names"
        names.write_text("".join(f"{n}.2.0.192.bl.example.org\n" for n in range(256)))
        lines = folder / "lines"
        with lines.open("w") as out:
            for i in range(options.lines):
                out.write(f"{60 + i // 16_777_216}.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n")
        policy = folder / "policy.toml"
        policy.write_text("[policy]\nlist_at = 2.5\n")
        blowback.start_listening()
        blowback.start_server()
        print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f}; 250: median, p99.9, longest; DNS: p50, p99.9 of the worst 5 s\n")
        await measure(blowback, options, names, "quiet", None, 20)
        await measure(blowback, options, names, f"import of {options.lines} lines", ["import", str(lines), "--reason", "beside", "--wide"], 5)
        entry = json.loads(blowback.cli("log", "--most", "1", "--format", "json").stdout)[0]["id"]
        await measure(blowback, options, names, "export", ["export", "--format", "rbldnsd"], 5)
        await measure(blowback, options, names, "listings", ["listings", "--format", "csv"], 5)
        await measure(blowback, options, names, "backup", ["db", "backup", str(folder / "backup.db")], 5)
        await measure(blowback, options, names, "policy simulate", ["policy", "simulate", str(policy), "--changed"], 5)
        await measure(blowback, options, names, "undo of the import", ["undo", str(entry), "--reason", "beside"], 5)
        await measure(blowback, options, names, "compact", ["db", "compact"], 5)


if __name__ == "__main__":
    asyncio.run(main())
