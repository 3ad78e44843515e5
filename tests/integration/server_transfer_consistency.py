#!/usr/bin/env python3
"""Transfers from everywhere, after restarts, and side by side while the list changes: each is one content of its serial. A small run of
tests/bench/transfer_consistency.py."""

import argparse
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

import transfer_consistency  # noqa: E402


class TransferConsistency(unittest.TestCase):
    def test_one_serial_is_one_content(self):
        transfer_consistency.run(argparse.Namespace(entries=200, versions=25, restarts=2, transfers=100, clients=3, seed=1))


if __name__ == "__main__":
    unittest.main()
