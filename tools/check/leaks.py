"""Nothing in the checkout may depend on where it lies or on a host that was not named on purpose."""

import pathlib
import re
import sys

import tree

# Hosts that the text may name: this machine, the examples' domains, and where formats and licences are defined.
HOSTS = {
    "127.0.0.1", "localhost", "0.0.0.0", "host", "example.com", "www.apache.org", "www.swig.org", "www.w3.org", "schemas.microsoft.com",
    "json-schema.org", "grpc.io", "protobuf.dev", "keepachangelog.com", "semver.org", "datatracker.ietf.org",
    "www.rfc-editor.org", "en.wikipedia.org", "creativecommons.org",
}
URL = re.compile(r"\bhttps?://\[?([A-Za-z0-9.-]+[A-Za-z0-9]|[0-9a-f:]+(?=\]))")
OWN_NAMES = re.compile(r"\.(example|test|invalid|localhost)$")


def complaints(files, places):
    """`places` are absolute paths of this machine that no file may have."""
    out = []
    for path, text in files.items():
        for found in URL.finditer(text):
            host = found.group(1).lower()
            if host not in HOSTS and not OWN_NAMES.search(host) and not host.startswith("127."):
                out.append(f"{path}:{tree.line_of(text, found.start())}: names the host {host}")
        for place in places:
            at = text.find(place)
            if at >= 0:
                out.append(f"{path}:{tree.line_of(text, at)}: has the path {place} of this machine")
    return out


def machine_places():
    """The checkout and what lies beside it, and the home folder; not a folder that every machine has."""
    common = {"/", "/tmp", "/home", "/root", "/usr", "/opt", "/var", "/srv", "/mnt", "/builds"}
    places = {str(tree.ROOT) + "/"}
    if str(tree.ROOT.parent) not in common:
        places.add(str(tree.ROOT.parent) + "/")
    places.add(str(pathlib.Path.home()) + "/")
    return sorted(places - {"//", "/"})


if __name__ == "__main__":
    checked = tree.files("**")
    checked = {p: t for p, t in checked.items() if not p.startswith("tests/data/") and not p.startswith(".git")}
    sys.exit(tree.finish("leaks", complaints(checked, machine_places()), len(checked)))
