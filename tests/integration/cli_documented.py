#!/usr/bin/env python3
"""Nothing the tool has is undocumented: every command and option of the `--help` tree stands in blowback(1) and has examples in
its help, every config key stands in blowback.toml(5), and the pages are well-formed to scdoc and man."""

import json
import re
import shutil
import subprocess
import unittest

from harness import ROOT, Blowback, program

MAN = ROOT / "docs" / "man"


def help_of(name, *path):
    done = subprocess.run([program(name), *path, "--help"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def options_in(text):
    """Of the lines that begin with an option, its long names."""
    return {name for line in text.splitlines() if re.match(r"  (-\w,)?--", line) for name in re.findall(r"--[\w-]+", line.split("  ")[1])}


def commands_in(text):
    block = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.M)
    return re.findall(r"^  (\S+)", block[1], re.M) if block else []


def page(name):
    """A man page's text without its marks."""
    return (MAN / name).read_text().replace("\\", "").replace("*", "").replace("_", "")


def tree(*path):
    text = help_of("blowback", *path)
    yield path, text
    for command in commands_in(text):
        yield from tree(*path, command)


class Documented(unittest.TestCase):
    def test_every_command_and_option_is_in_the_man_page_and_has_an_example(self):
        whole = page("blowback.1.scd")
        entries = re.split(r"^(?=\S)", whole, flags=re.M)
        seen = 0
        for path, text in tree():
            examples = text.partition("Examples:\n")[2]
            self.assertIn(" ".join(["blowback", *path]), examples, f"blowback {' '.join(path)} --help shows no example")
            self.assertEqual(text.count("Examples:"), 1)
            # A command's own options stand in its entry; those that all have, and those of the section, in the page.
            name = " ".join(path)
            if path and not commands_in(text):
                self.assertTrue([entry for entry in entries if re.match(rf"{name}\b", entry)], f"no entry for {name}")
            for option in options_in(text):
                self.assertRegex(whole, rf"(?<![\w-]){option}(?![\w-])", f"option of `blowback {name}`")
            seen += 1
        self.assertGreater(seen, 20)

    def test_every_option_of_the_daemons_is_in_their_pages(self):
        for name in ("blowback-ingest", "blowback-server", "blowback-web"):
            for option in options_in(help_of(name)):
                self.assertIn(option, page(f"{name}.8.scd"))

    def test_every_config_key_is_in_its_page(self):
        # The programs' own list of keys, which they go by to say where a misplaced one belongs.
        source = (ROOT / "config" / "config.cc").read_text()
        keys = re.findall(r'"([\w.]+)"', re.search(r"kAllKeys = .*?\{(.*?)\}\);", source, re.S)[1])
        self.assertGreater(len(keys), 50)
        sections = {"": ""}
        section = ""
        for line in (MAN / "blowback.toml.5.scd").read_text().splitlines():
            if heading := re.match(r"# \[+([\w.]+)\]+$", line):
                section = heading[1]
            sections[section] = sections.get(section, "") + line + "\n"
        for key in [*keys, "feed.name"]:
            parent, _, name = key.rpartition(".")
            self.assertIn(parent, sections)
            self.assertIn(f"*{name}*", sections[parent], f"{key} isn't in [{parent}] of blowback.toml(5)")

    def test_the_manuals_smallest_config_passes_our_own_checks(self):
        manual = (ROOT / "docs" / "manual.md").read_text()
        config = re.search(r"A minimal config:\n\n```toml\n(.*?)```", manual, re.S)[1]
        with Blowback() as b:
            b.config.write_text(f'database = "{b.database}"\n' + config.replace("/var/spool/blowback/Maildir", str(b.maildir)))
            findings = b.cli_json("config", "check")
            # There is no database before ingest's first start; that is all there is to say.
            self.assertEqual({finding["check"] for finding in findings if finding["state"] != "ok"}, {"database"}, findings)
            self.assertIn("witnesses", {finding["check"] for finding in findings})
            self.assertIn("zone", {finding["check"] for finding in findings})

    def test_the_manuals_json_lines_count(self):
        lines = re.findall(r'\{"received_at".*?\}', (ROOT / "docs" / "manual.md").read_text())
        self.assertGreater(len(lines), 1)
        for line in lines:
            self.assertEqual(json.loads(line).get("mail_from"), "", line)

    def test_the_pages_are_well_formed(self):
        scdoc = shutil.which("scdoc")
        if not scdoc:
            self.skipTest("scdoc isn't installed")
        for source in sorted(MAN.glob("*.scd")):
            done = subprocess.run([scdoc], input=source.read_text(), capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""), source.name)
            if shutil.which("groff"):
                shown = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", "-Kutf8"], input=done.stdout, capture_output=True, text=True)
                self.assertEqual((shown.returncode, shown.stderr), (0, ""), source.name)

    def test_nothing_is_coloured_where_nobody_looks(self):
        with Blowback() as b:
            self.assertEqual(b.cli("db", "migrate").returncode, 0)
            for arguments in (["stats"], ["doctor"], ["listings"]):
                self.assertNotIn("\033", b.cli(*arguments).stdout)

            def on_a_terminal(*arguments, env=""):
                # script(1) makes the terminal.
                command = f"{env} {program('blowback')} --config {b.config} {' '.join(arguments)}"
                return subprocess.run(["script", "-qec", command, "/dev/null"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                      timeout=60).stdout
            if not shutil.which("script"):
                self.skipTest("script isn't installed")
            self.assertIn("\033[", on_a_terminal("stats"))
            self.assertIn("\033[32mok", on_a_terminal("doctor"))
            for plain in (on_a_terminal("doctor", "--no-color"), on_a_terminal("doctor", env="NO_COLOR=1")):
                self.assertIn("ok ", plain)
                self.assertNotIn("\033", plain)
            self.assertIn("\033[", on_a_terminal("stats", env="NO_COLOR="))


if __name__ == "__main__":
    unittest.main()
