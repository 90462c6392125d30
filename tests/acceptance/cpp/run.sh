#!/bin/sh
# Runs the acceptance program in C++ against a fresh atolld. Use: run.sh BUILD. The last line is "N passed, N failed".
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
folder=$(mktemp -d)
server=
finish() {
    [ -n "$server" ] && kill "$server" 2> /dev/null && wait "$server"
    rm -rf "$folder"
}
trap finish EXIT
fail() {
    echo "FAILED: $1"
    cat "$folder/atolld.log" 2> /dev/null
    echo "0 passed, 1 failed"
    exit 1
}

${CXX:-g++} -std=c++17 -g -Wall -Wextra -Werror -I"$root/bindings/cpp/include" -I"$root/core/include" "$here/program.cpp" \
    -o "$folder/program" -L"$build/core/api" -latoll -Wl,-rpath,"$build/core/api" -pthread || fail "it does not compile"

"$build/tools/atolld/atolld" --data "$folder/data" --listen 127.0.0.1:0 --port-file "$folder/port" > "$folder/atolld.log" 2>&1 &
server=$!
tries=0
until [ -s "$folder/port" ]; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] && kill -0 "$server" 2> /dev/null || fail "atolld did not start"
    sleep 0.1
done
port=$(sed 's/.*://' "$folder/port")
for device in ann bob station views notes notes2 accounts resets manual first shelves1 shelves2; do mkdir -p "$folder/devices/$device"; done
timeout 120 "$folder/program" "http://127.0.0.1:$port" "$folder/devices" || fail "the program ended with $?"

# What arrived on the server: ten measurements, once each.
ATOLL_BUILD=$build PYTHONPATH=$here/../python PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 - "$folder/data" "$port" << 'EOF' || fail "the measurements did not arrive once"
import pathlib, sys
from harness import Server
server = object.__new__(Server)  # Only its administration calls: this script owns the process.
server.data, server.port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
rows = server.ingested("cpp-weather")
assert len(rows) == 10, f"{len(rows)} rows"
assert [row["object"]["value"] for row in rows] == [float(i) for i in range(10)], rows
assert all(row["object"]["place"] == {"room": "attic"} for row in rows), rows[0]
EOF
kill "$server"
wait "$server" || fail "atolld ended with $? after SIGTERM"
server=
echo "1 passed, 0 failed"
