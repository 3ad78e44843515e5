#!/usr/bin/env python3
"""kill -9 under load: fifty clients deliver as fast as they can, and every 250 that one of them read is in the database."""

import os
import random
import threading
import time
import unittest

from smtp_listener import ListeningBlowback, bounce
from harness import PATIENCE, wait_until

CLIENTS = 50
KILLS = 5
SEED = int(os.environ.get("BLOWBACK_TEST_SEED", "20261125"))


class Killed(unittest.TestCase):
    def test_every_250_is_in_the_database(self):
        dice = random.Random(SEED)
        accepted = []
        lock = threading.Lock()
        stop = threading.Event()

        def deliver(number):
            n = 0
            while not stop.is_set():
                try:
                    with b.client(timeout=30) as client:
                        client.begin(f"198.51.100.{number + 1}")
                        while not stop.is_set():
                            n += 1
                            name = f"{number}.{n}"
                            if client.deliver(bounce(name)).startswith("250"):
                                with lock:
                                    accepted.append(f"{name}@bounce.example")
                except (OSError, AssertionError):
                    time.sleep(0.02)  # connection refused or closed: connect again

        with ListeningBlowback(policy={"list_at": 1e6}) as b:
            b.start_listening()
            threads = [threading.Thread(target=deliver, args=(number,)) for number in range(CLIENTS)]
            for thread in threads:
                thread.start()
            try:
                for _ in range(KILLS):
                    at = len(accepted) + dice.randrange(50, 400)
                    wait_until(lambda at=at: len(accepted) >= at, 60, "deliveries go on")
                    b.ingest.kill()
                    b.start_listening()
                at = len(accepted) + 100
                wait_until(lambda: len(accepted) >= at, 60, "deliveries go on after the last kill")
            finally:
                stop.set()
                for thread in threads:
                    thread.join(60 * PATIENCE)
            stored = [name.strip("<>") for name in b.stored_ids()]
            self.assertEqual(len(stored), len(set(stored)), "nothing is stored twice")
            missing = set(accepted) - set(stored)
            self.assertEqual(missing, set())
            print(f"\nkilled {KILLS} times under {CLIENTS} clients: {len(accepted):,} accepted, all stored; "
                  f"{len(set(stored) - set(accepted))} more were stored whose 250 was lost with the connection (seed {SEED})", flush=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
