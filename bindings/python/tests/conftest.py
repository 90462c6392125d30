"""Fixtures: a fresh folder for each test, and a server where a test asks for one."""

import os
import pathlib
import subprocess
import sys
import time
import uuid

import pytest

import atoll

BUILD = pathlib.Path(os.environ.get("ATOLL_BUILD", "build")).resolve()


def start_server(data, *arguments):
    """Start atolld on a free loopback port; returns (process, base URL)."""
    port_file = pathlib.Path(data) / "port"
    pathlib.Path(data).mkdir(parents=True, exist_ok=True)
    log = open(pathlib.Path(data) / "log.txt", "ab")
    process = subprocess.Popen(
        [BUILD / "tools/atolld/atolld", "--data", pathlib.Path(data) / "data", "--listen", "127.0.0.1:0"]
        + ["--port-file", port_file, *arguments],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 20
    while not (port_file.exists() and port_file.read_text().strip()):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError("atolld did not start: " + (pathlib.Path(data) / "log.txt").read_text(errors="replace"))
        time.sleep(0.02)
    return process, f"http://127.0.0.1:{port_file.read_text().strip()}"


@pytest.fixture(scope="session")
def base_url(tmp_path_factory):
    process, url = start_server(tmp_path_factory.mktemp("server"))
    yield url
    process.terminate()
    assert process.wait(20) == 0


@pytest.fixture
def app_id():
    """An app of its own, so that no test sees another's schema or objects."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def device(base_url, app_id, tmp_path):
    """device("a") is an App with a folder of its own: another device of the same app."""

    def make(name, **options):
        options.setdefault("reconnect_delay", 0.2)
        return atoll.App(app_id, base_url=base_url, base_path=tmp_path / name, **options)

    return make


sys.path.insert(0, str(pathlib.Path(__file__).parent))
