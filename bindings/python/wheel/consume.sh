#!/bin/sh
# Installs the wheel of a folder of packages into a fresh environment and uses it, far from the checkout. Use: consume.sh PACKAGES
# The last line is "N passed, N failed".
set -u
packages=$(cd "$1" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
if /usr/bin/python3 -m venv --without-pip environment &&
    /usr/bin/python3 -m pip --python environment/bin/python install --quiet --no-index --no-deps "$packages"/atoll-*.whl &&
    env -i environment/bin/python - "$folder" <<'PY'
import sys

import atoll


class Dog(atoll.Object):
    _id: int = atoll.primary_key()
    name: str


assert atoll.__file__.startswith(sys.argv[1]), atoll.__file__
with atoll.open("dogs.realm", schema=[Dog]) as realm:
    with realm.write():
        realm.create(Dog, _id=1, name="Rex 🐕")
    assert realm.objects(Dog).where("name BEGINSWITH 'Rex'")[0].name == "Rex 🐕"
    assert realm.session is None
app = atoll.App("none", base_url="http://127.0.0.1:9", base_path=".")
try:
    app.log_in(atoll.Credentials.anonymous()).result(20)
    raise AssertionError("there is no server there")
except ConnectionError:
    pass
PY
then
    echo "1 passed, 0 failed"
else
    echo "0 passed, 1 failed"
    exit 1
fi
