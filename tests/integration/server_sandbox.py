#!/usr/bin/env python3
"""What the server gives up once it runs: system calls that it doesn't need, and root's rights. It goes on doing all it does."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import tempfile
import unittest

from harness import PATIENCE, Blowback, wait_until

# Builds with sanitizers have no filter; the test environment tells them by its patience.
HAS_FILTER = PATIENCE == 1


def status_of(pid):
    """{field: value} of every thread of `pid`."""
    threads = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        threads.append({key: value.strip() for key, _, value in (line.partition(":") for line in lines)})
    return threads


def low_port():
    """A port below 1024 of 127.0.0.1 that is free for UDP and TCP."""
    for port in range(1023, 600, -1):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise unittest.SkipTest("no port below 1024 is free")


class Sandbox(unittest.TestCase):
    @unittest.skipUnless(HAS_FILTER, "sanitizers")
    def test_every_thread_is_under_the_filter_and_can_gain_no_rights(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            b.start_server()
            threads = wait_until(lambda: (t := status_of(b.server.pid)) and all(x["Seccomp"] == "2" for x in t) and t, 5,
                                 "the filter of all threads")
            self.assertGreaterEqual(len(threads), 4, "workers, the follower, the status socket, main")
            self.assertEqual({thread["NoNewPrivs"] for thread in threads}, {"1"})
            self.assertNotIn("sandbox-skipped", b.server.log())

    def test_sandbox_false_leaves_the_filter_away(self):
        with Blowback(server={"sandbox": False}) as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            b.start_server()
            self.assertEqual({thread["Seccomp"] for thread in status_of(b.server.pid)}, {"0"})

    def test_under_the_filter_a_new_config_opens_new_sockets_threads_and_another_database(self):
        with Blowback() as b, tempfile.TemporaryDirectory() as other:
            b.cli("list", "192.0.2.1", "--reason", "test")
            b.start_server()
            b.wait_listed("192.0.2.1")
            b.sections["database"] = f"{other}/blowback.db"
            b.sections["server"]["workers"] = 3
            b.sections["server"]["status_socket"] = f"{other}/socket"
            b.write_config()
            b.cli("list", "192.0.2.2", "--reason", "test")
            os.kill(b.server.pid, signal.SIGHUP)
            wait_until(lambda: "config-read" in b.server.log(), 5, "the new config is read")
            b.wait_listed("192.0.2.2")
            b.wait_not_listed("192.0.2.1")
            self.assertEqual(b.figures()["serial"], 1)
            if HAS_FILTER:
                self.assertEqual({thread["Seccomp"] for thread in status_of(b.server.pid)}, {"2"}, "new threads, too")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_started_as_root_it_is_a_user_of_no_rights_on_port_below_1024_also_after_sighup(self):
        nobody = pwd.getpwnam("nobody")
        first, second = low_port(), None
        with Blowback(server={"user": "nobody", "workers": 1, "listen": [f"127.0.0.1:{first}"]}) as b:
            for path in (b.dir, *b.dir.rglob("*")):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
            b.cli("list", "192.0.2.1", "--reason", "test")
            for path in b.dir.glob("blowback.db*"):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
            b.port = first
            b.start_server()
            b.wait_listed("192.0.2.1")
            bind_only = f"{1 << 10:016x}"
            for thread in status_of(b.server.pid):
                self.assertEqual(set(thread["Uid"].split()), {str(nobody.pw_uid)})
                self.assertEqual(set(thread["Gid"].split()), {str(nobody.pw_gid)})
                self.assertNotIn("0", thread["Groups"].split())
                self.assertEqual(thread["CapEff"], bind_only)
                self.assertEqual(thread["CapPrm"], bind_only)
            wait_until(lambda: os.path.exists(f"{b.database}.server"), 10, "the status socket is there: it comes after the first answers")
            self.assertEqual(os.stat(f"{b.database}.server").st_uid, nobody.pw_uid)
            second = low_port()
            b.sections["server"]["listen"] = [f"127.0.0.1:{second}"]
            b.write_config()
            os.chown(b.config, nobody.pw_uid, nobody.pw_gid)
            os.kill(b.server.pid, signal.SIGHUP)
            wait_until(lambda: "config-read" in b.server.log(), 5, lambda: b.server.log())
            b.port = second
            b.wait_listed("192.0.2.1")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_a_server_that_stays_root_leaves_the_databases_files_to_their_owner(self):
        nobody = pwd.getpwnam("nobody")
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            os.chown(b.database, nobody.pw_uid, nobody.pw_gid)
            b.start_server()
            b.wait_listed("192.0.2.1")
            # Put back by its owner while the server runs: from here on the server opens it under the filter.
            for path in b.dir.glob("blowback.db-*"):
                path.unlink()
            copy = b.dir / "copy.db"
            shutil.copy(b.database, copy)
            os.chown(copy, nobody.pw_uid, nobody.pw_gid)
            copy.rename(b.database)
            shm = wait_until(lambda: [p for p in b.dir.glob("blowback.db-shm")], 5, "the server has opened the new file")
            self.assertEqual(shm[0].stat().st_uid, nobody.pw_uid)

    def test_a_user_that_does_not_exist_is_told_and_nothing_is_served(self):
        with Blowback(server={"user": "no-such-user-here"}) as b:
            done = b.run("blowback-server")
            self.assertEqual(done.returncode, 3)
            self.assertIn("no such user", done.stderr)
            self.assertIn("server.user", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
