"""A PostgreSQL of a test's own: a private cluster in a temporary folder, reached by a socket in it."""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

PATIENCE = 30  # seconds


def programs():
    """The folder of PostgreSQL's server programs, the newest version's; None without one."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    return folders[-1] if folders and shutil.which("psql") else None


def user():
    """PostgreSQL refuses root: another user's name; None if we are not root."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class Cluster:
    def __init__(self):
        self.programs = programs()
        self.folder = tempfile.mkdtemp(prefix="atoll-pg-", dir="/tmp")  # a socket's path is at most 107 bytes
        self.data = os.path.join(self.folder, "data")
        if user() is not None:
            shutil.chown(self.folder, user())
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "atoll", "-E", "UTF8", "--locale=C", "--no-sync")

    def run(self, program, *arguments):
        command = [os.path.join(self.programs, program), *arguments]
        if user() is not None:
            command = ["runuser", "-u", user(), "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE, cwd="/")

    def start(self):
        log = os.path.join(self.folder, "log")
        options = f"-k {self.folder} -c listen_addresses=''"
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.run("pg_ctl", "start", "-D", self.data, "-w", "-l", log, "-o", options)
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)  # processes of the killed one still hold its memory

    def pid(self):
        with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
            return int(file.readline())

    def kill(self):
        """SIGKILL of the postmaster; its processes end with it."""
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
            time.sleep(0.01)

    def remove(self):
        if os.path.exists(os.path.join(self.data, "postmaster.pid")):
            try:
                self.run("pg_ctl", "stop", "-D", self.data, "-m", "immediate", "-w")
            except subprocess.CalledProcessError:
                pass  # it was killed
        shutil.rmtree(self.folder, ignore_errors=True)

    def connection(self):
        return f"host={self.folder} user=atoll dbname=postgres"

    def ask(self, sql):
        """Rows of columns, all as text; null is the text \\N."""
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-P", "null=\\N", "-v", "ON_ERROR_STOP=1", "-c", sql,
                               self.connection()], capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]
