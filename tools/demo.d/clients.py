"""The demo's clients: one process a language, driven by lines of JSON (README.md)."""

import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Client:
    """A client program of one language."""

    def __init__(self, language, build, base_url, app_id, folder):
        self.name = language
        self.query = ""
        folder.mkdir()
        role = json.dumps({"name": language, "folder": str(folder)})
        self._errors = open(folder.with_suffix(".log"), "wb")
        self.process = subprocess.Popen(
            [self.program(language), build, base_url, app_id, role],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    @staticmethod
    def program(language):
        return ROOT / "bindings" / language / "examples/demo/run.sh"

    def ready(self):
        self._answer("start")

    def _answer(self, what):
        while True:
            line = self.process.stdout.readline()
            if not line:
                self._errors.flush()
                told = pathlib.Path(self._errors.name).read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the {self.name} client ended at {what}:\n{told}")
            if line.startswith("{"):
                break
        found = json.loads(line)
        if not found.get("ok"):
            raise RuntimeError(f"the {self.name} client failed at {what}: {found.get('error')}")
        return found

    def do(self, what, **fields):
        self.process.stdin.write(json.dumps({"do": what, **fields}) + "\n")
        self.process.stdin.flush()
        if what == "subscribe":
            self.query = fields["query"]
        return self._answer(what)

    def rows(self):
        return self.do("dump")["rows"]

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._errors.close()
