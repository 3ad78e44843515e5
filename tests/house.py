#!/usr/bin/env python3
"""Rules for the source tree that a compiler can't check: which room includes which, where libraries and clocks may
appear. docs/architecture.md explains them."""

import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
ROOMS = ("core", "system", "config", "watch", "schema", "include", "ingest", "server", "account", "web", "cli")

# The only files that may read the clock: the tool's main and the daemons' one clock, from where time is passed as an argument, and
# the file that checks how long a feed's file has been unchanged, which has to compare with the file's own time.
CLOCK_READERS = {"system/daemon_clock.cc", "cli/main.cc", "ingest/feed/open_file.cc"}


def files(*folders, endings=(".cc", ".h", ".in")):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in endings:
                yield path


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def code_of(path):
    """The text without comments and the contents of strings; line numbers stay the same."""
    text = path.read_text()
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
    text = re.sub(r'R"(\w*)\(.*?\)\1"', lambda m: '""' + "\n" * m[0].count("\n"), text, flags=re.S)
    text = re.sub(r"^(\s*#\s*include.*)$|\"(?:\\.|[^\"\\\n])*\"", lambda m: m[1] or '""', text, flags=re.M)
    return re.sub(r"//.*", "", text)


def includes_of(path):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', code_of(path), re.M)


def places(pattern, paths, *, besides=()):
    """`file:line` of each match in code, not in comments."""
    found = []
    for path in paths:
        if name_of(path) in besides:
            continue
        for number, line in enumerate(code_of(path).splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{name_of(path)}:{number}: {line.strip()}")
    return found


class HouseRules(unittest.TestCase):
    maxDiff = None

    def includers(self, pattern, paths):
        return [f"{name_of(p)} includes {i}" for p in paths for i in includes_of(p) if re.match(pattern, i)]

    def test_the_table_of_rooms_is_that_of_the_build(self):
        table = dict(re.findall(r"^\| `([\w/]+)/` \| [^|]* \| ([^|]*) \|", (ROOT / "docs/architecture.md").read_text(), re.M))
        for path in sorted(ROOT.rglob("CMakeLists.txt")):
            room = re.search(r"^blowback_room\(\w+\n\s+DOORS (.*?)\n\s+SOURCES", path.read_text(), re.M | re.S)
            if room is None or "build" in path.relative_to(ROOT).parts:
                continue
            folder = name_of(path.parent)
            self.assertIn(folder, table, "docs/architecture.md has no row for this room")
            self.assertEqual(sorted(re.findall(r"`([\w.]+)`", table.pop(folder))), sorted(room[1].split()), f"doors of {folder}")
        self.assertEqual(table, {}, "docs/architecture.md has rows for rooms that don't exist")

    def test_ingest_and_server_never_include_each_other(self):
        self.assertEqual(self.includers(r"(zone|answer|net|service)/", files("ingest")), [])
        self.assertEqual(self.includers(r"(feed|mail|detect|score|record)/", files("server")), [])
        self.assertEqual(self.includers(r"(zone|answer|net|service|feed|mail|detect|score|record|cli)/", files("web")), [])

    def test_watch_knows_neither_of_them(self):
        self.assertEqual(self.includers(r"(zone|answer|net|service|feed|mail|detect|score|record|schema)/", files("watch")), [])

    def test_only_watch_writes_log_lines(self):
        others = [p for p in files(*ROOMS) if not name_of(p).startswith("watch/")]
        self.assertEqual(self.includers(r"spdlog", others), [])

    def test_only_schema_speaks_sql(self):
        others = [p for p in files(*ROOMS) if not name_of(p).startswith("schema/")]
        self.assertEqual(self.includers(r"sqlite3", others), [])
        self.assertEqual(places(r"\bsqlite3", others), [])
        # The public header of schema/ doesn't show it either.
        self.assertEqual(places(r"\bsqlite3", [ROOT / "schema" / "store.h"]), [])

    def test_libraries_stay_in_the_room_that_chose_them(self):
        for library, rooms in ((r"ldns/|.*ldns_wire", ("server/answer/", "cli/dns/client.cc")), (r"gmime/|glib|uchardet/", ("ingest/mail/",)),
                               (r"re2/", ("ingest/detect/", "ingest/mail/")), (r"toml\+\+|toml\.hpp", ("config/", "web/page/texts.cc")),
                               (r"openssl/", ("ingest/record/", "ingest/detect/", "ingest/feed/", "account/masked.cc", "system/certificate.cc",
                                              "server/transfer/tls.cc", "web/site/")),
                               (r"sodium", ("server/answer/", "server/zone/version_log.cc", "config/secrets.cc", "system/one_time_token.cc")), (r"seccomp", ("system/",)),
                               (r"asio", ("ingest/feed/smtp/",)), (r"libmilter/", ("ingest/feed/milter/",)), (r"microhttpd", ("web/http/",))):
            others = [p for p in files(*ROOMS) if not name_of(p).startswith(rooms)]
            self.assertEqual(self.includers(library, others), [], library)

    def test_the_vocabulary_does_no_input_or_output(self):
        self.assertEqual(self.includers(r"spdlog|fstream|iostream|sys/|unistd|fcntl", files("include", "core")), [])

    def test_time_comes_in_as_a_value(self):
        # steady_clock measures durations for limits and progress; nothing that is stored depends on it.
        pattern = r"system_clock::now|\bstd::time\s*\(|(?<![\w.:>])time\s*\(\s*(nullptr|NULL|0|&)|\bgettimeofday\b|CLOCK_REALTIME"
        self.assertEqual(places(pattern, files(*ROOMS), besides=CLOCK_READERS), [])
        for name in CLOCK_READERS:
            self.assertTrue((ROOT / name).exists(), f"{name} doesn't exist any more: remove it from this list")

    def test_judging_and_scoring_are_pure(self):
        pattern = r"\b(steady_clock|system_clock|fopen|ifstream|ofstream|getenv|spdlog)\b"
        self.assertEqual(places(pattern, files("ingest/detect", "ingest/score")), [])

    def test_nothing_depends_on_a_machines_folders_or_leaves_a_job_undone(self):
        words = r"/home/\w|/root/|/work/|/tmp/build|\bTODO\b|\bFIXME\b|\bXXX\b"
        found = []
        for path in [*files(*ROOMS, "tests", "deploy", "docs", "cmake",
                            endings=(".cc", ".h", ".in", ".sql", ".tsv", ".txt", ".cmake", ".py", ".sh", ".md", ".toml")),
                     *(ROOT / name for name in ("README.md", "CMakeLists.txt", "CMakePresets.json"))]:
            if path != pathlib.Path(__file__).resolve() and "tests/data" not in name_of(path):
                found += [f"{name_of(path)}:{n}" for n, line in enumerate(path.read_text().splitlines(), 1) if re.search(words, line)]
        self.assertEqual(found, [])

    def test_every_integration_test_is_registered(self):
        registered = "".join(path.read_text() for path in files("tests/integration", endings=(".cmake",)))
        for path in files("tests/integration", endings=(".py",)):
            if path.stem not in ("harness", "name_servers"):  # what tests share
                self.assertIn(path.stem, registered, f"{name_of(path)} exists, but no .cmake file registers it")

    def test_every_unit_test_is_in_the_build(self):
        registered = "".join(path.read_text() for path in files("tests/unit", endings=(".cmake",)))
        for path in files("tests/unit", endings=(".cc",)):
            if path.stem != "main":
                self.assertIn(path.name, registered, f"{name_of(path)} exists, but isn't built")

    def test_links_in_documents_lead_to_files_and_headings_that_are_there(self):
        seen = 0
        for document in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "deploy").rglob("*.md"))):
            for file, heading in re.findall(r"\]\((?!\w+:)([^)#\s]*)#?([^)\s]*)\)", document.read_text()):
                target = (document.parent / file) if file else document
                self.assertTrue(target.exists(), f"{name_of(document)} links to {file}, which doesn't exist")
                if heading:
                    titles = re.findall(r"^#+ (.*)$", target.read_text(), re.M)
                    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
                    self.assertIn(heading, anchors, f"{name_of(document)} links to a heading that {name_of(target)} doesn't have")
                seen += 1
        self.assertGreater(seen, 20)

    def test_the_version_is_the_same_wherever_it_is_written(self):
        def first(pattern, name):
            return re.search(pattern, (ROOT / name).read_text(), re.M)[1]

        version = first(r"^project\(blowback VERSION ([\d.]+)", "CMakeLists.txt")
        self.assertEqual(first(r"^blowback \(([\d.]+)\)", "debian/changelog"), version)
        self.assertEqual(first(r"^## ([\d.]+)", "CHANGELOG.md"), version)

    def test_shell_scripts_parse(self):
        for path in files("deploy", "tests", ".ci", endings=(".sh",)):
            done = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
