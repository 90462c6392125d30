#!/bin/sh
# Runs the flows in Java, from the JARs. Use: run.sh BUILD. The last line is "N passed, N failed".
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
out=$build/bindings/java
fail() { echo "FAILED: $1"; echo "0 passed, 1 failed"; exit 1; }
"$here/../../../bindings/java/build.sh" "$build" "$out" || fail "the JARs do not build"
rm -rf "$out/flows"
mkdir -p "$out/flows"
javac --release 8 -encoding UTF-8 -Xlint:all -Xlint:-options -Xlint:-processing -Xlint:-serial -Xlint:-try -Werror -cp "$out/atoll.jar" \
    -processorpath "$out/atoll-processor.jar" -d "$out/flows" "$here"/src/flows/*.java || fail "the flows do not compile"
ATOLL_BUILD=$build PYTHONPATH=$here/../python PYTHONDONTWRITEBYTECODE=1 timeout 240 \
    java -Datolld="$build/tools/atolld/atolld" -Dadmin="$here/admin.py" -cp "$out/flows:$out/atoll.jar" flows.Main
code=$?
[ $code -le 1 ] || fail "the flows ended with $code"
exit $code
