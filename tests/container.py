#!/usr/bin/env python3
"""Executes deploy/container/Containerfile without a container engine: each stage in a Debian root of its own (a copy of the one that
tests/package.sh made by debootstrap), RUN by chroot, COPY by copying. Then it runs the image's command as its user, with its
health check. Needs root. It knows only the instructions that our Containerfile contains, and fails at any other.

    tests/container.py
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parents[1]
BASE = REPO / "build" / "package" / "bookworm.tar"
RECIPE = REPO / "deploy" / "container" / "Containerfile"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive"}


def instructions():
    """(word, rest) of each instruction, without comments, continued lines joined."""
    lines = [line for line in RECIPE.read_text().splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


class Stage:
    def __init__(self, folder):
        self.root = folder
        folder.mkdir()
        subprocess.run(["tar", "-C", folder, "-xf", BASE], check=True)
        (folder / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (folder / "usr/sbin/policy-rc.d").chmod(0o755)
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
        subprocess.run(["mount", "-t", "proc", "proc", folder / "proc"], check=True)
        self.shell = ["/bin/sh", "-c"]
        self.directory = "/"
        self.user = None
        self.command = None
        self.health = None

    def within(self, path):
        return self.root / str(pathlib.PurePosixPath(self.directory) / path).lstrip("/")

    def argv(self, command, **environment):
        user = [f"--userspec={self.user}", "--groups="] if self.user else []
        pairs = [f"{key}={value}" for key, value in {**ENVIRONMENT, **environment}.items()]
        return ["chroot", *user, self.root, "env", "-i", "-C", self.directory, *pairs, *command]

    def run(self, command):
        done = subprocess.run(self.argv([*self.shell, command]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"container: RUN {command}\n{done.stdout[-4000:]}\ncontainer: ended with {done.returncode}")


def copy_context(stage, sources, target):
    """Copies the files that git tracks: the context is a clean clone, without what Containerfile.dockerignore names."""
    for source in sources:
        listed = subprocess.run(["git", "-c", f"safe.directory={REPO}", "-C", REPO, "ls-files", "-z", source], check=True,
                                capture_output=True).stdout
        for name in filter(None, listed.decode().split("\0")):
            to = stage.within(target) / (name if source == "." else pathlib.Path(name).name)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPO / name, to, follow_symlinks=False)


def build(folder):
    stages, current = {}, None
    for word, rest in instructions():
        print(f"{word} {rest[:110]}", flush=True)
        if word == "FROM":
            name = rest.partition(" AS ")[2] or "image"
            current = stages[name] = Stage(folder / name)
        elif word == "SHELL":
            current.shell = json.loads(rest)
        elif word == "WORKDIR":
            current.directory = rest
            current.within(".").mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            current.user = rest
        elif word == "COPY":
            *sources, target = shlex.split(rest)
            if sources[0].startswith("--from="):
                origin = stages[sources.pop(0).partition("=")[2]]
                for source in sources:
                    # As an engine does, copy into a folder that may be a symbolic link, such as /lib.
                    pipe = subprocess.Popen(["tar", "-C", origin.within(source), "-c", "."], stdout=subprocess.PIPE)
                    subprocess.run(["tar", "-C", current.within(target), "--keep-directory-symlink", "-x"], stdin=pipe.stdout,
                                   check=True)
                    pipe.wait()
            else:
                copy_context(current, sources, target)
        elif word == "RUN":
            mounted = None
            if match := re.match(r"--mount=from=(\w+),source=(\S+),target=(\S+)\s+", rest):
                mounted = current.within(match[3])
                shutil.copy(stages[match[1]].within(match[2]), mounted)
                rest = rest[match.end():]
            current.run(rest)
            if mounted:
                mounted.unlink()
        elif word == "CMD":
            current.command = json.loads(rest)
        elif word == "HEALTHCHECK":
            current.health = json.loads(rest.partition(" CMD ")[2])
        elif word not in ("EXPOSE", "VOLUME", "STOPSIGNAL"):
            sys.exit(f"container: {word}: tests/container.py doesn't support that instruction; add it")
    return stages


def until(condition, what):
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"container: timed out waiting: {what}")
        time.sleep(0.05)


def try_out(image):
    def run(*command, **options):
        return subprocess.run(image.argv(command), capture_output=True, text=True, **options)

    config = image.root / "etc/blowback/blowback.toml"
    config.write_text(re.sub(r"(?m)^listen = .*", 'listen = ["127.0.0.1:15300"]',
                             config.read_text().replace("allow_documentation = false", "allow_documentation = true")))
    print(run("blowback", "--version", check=True).stdout, end="")
    run("blowback", "db", "migrate", check=True)
    run("blowback", "list", "192.0.2.10", "--reason", "test of the image", check=True)
    if run(*image.health).returncode == 0:
        sys.exit("container: the health check succeeds although no server runs")
    server = subprocess.Popen(image.argv(image.command), stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: run(*image.health).returncode == 0 or server.poll() is not None, "the health check succeeds")
        status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
        if not re.search(r"^Uid:\s+990\s+990\s+990\s+990$", status, re.M):
            sys.exit("container: the server doesn't run as the image's user")
        answer = subprocess.run(["dig", "+short", "+tries=1", "@127.0.0.1", "-p", "15300", "10.2.0.192.bl.example.org"],
                                capture_output=True, text=True).stdout.strip()
        if answer != "127.0.0.9":
            sys.exit(f"container: the answer for 192.0.2.10 is {answer!r}")
    finally:
        server.terminate()
        log = server.communicate()[1]
    if server.returncode != 0:
        sys.exit(f"container: the server ended with {server.returncode}\n{log}")
    size = subprocess.run(["du", "-xsh", image.root], capture_output=True, text=True).stdout.split()[0]
    print(f"container: healthy, answers as its user; the root takes {size}")


def main():
    if os.geteuid() != 0:
        sys.exit("container: needs root")
    if not BASE.is_file():
        sys.exit(f"container: no {BASE.relative_to(REPO)}; tests/package.sh creates it")
    # SIGTERM has to unmount as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("container: ended by SIGTERM"))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="blowback-image-", dir="/var/tmp"))
    try:
        try_out(build(folder)["image"])
    finally:
        for stage in folder.iterdir():
            subprocess.run(["umount", "-q", stage / "proc"])
        if any(os.path.ismount(stage / "proc") for stage in folder.iterdir()):
            sys.exit(f"container: {folder} still has mounts; unmount and remove it")
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
