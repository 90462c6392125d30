#!/bin/sh
# The C++ client of tools/demo. Use: run.sh BUILD BASE_URL APP_ID ROLE_JSON
set -eu
build=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../../..
out=$build/bindings/cpp
mkdir -p "$out"
if [ ! -x "$out/demo" ] || [ -n "$(find "$here" "$root/bindings/cpp/include" "$root/core/include" -newer "$out/demo" -type f)" ]; then
    ${CXX:-g++} -std=c++17 -O1 -I"$root/bindings/cpp/include" -I"$root/core/include" "$here/client.cpp" -o "$out/demo.new" \
        -L"$build/core/api" -latoll -ljansson -Wl,-rpath,"$build/core/api" -pthread 1>&2
    mv "$out/demo.new" "$out/demo"
fi
exec "$out/demo" "$@"
