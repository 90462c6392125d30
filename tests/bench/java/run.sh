#!/bin/sh
# Attribute access in Java. Use: run.sh BUILD FOLDER
set -eu
build=$(cd "$1" && pwd)
folder=$2
here=$(cd "$(dirname "$0")" && pwd)
out=$build/bindings/java
if [ ! -e "$out/atoll.jar" ] || [ "$build/bindings/swig/libatoll_java.so" -nt "$out/atoll.jar" ] \
    || [ "$build/core/api/libatoll.so" -nt "$out/atoll.jar" ]; then
    "$here/../../../bindings/java/build.sh" "$build" "$out" 1>&2
fi
mkdir -p "$out/bench"
javac --release 8 -encoding UTF-8 -Xlint:-options -cp "$out/atoll.jar" -processorpath "$out/atoll-processor.jar" \
    -d "$out/bench" "$here"/*.java 1>&2
exec java -cp "$out/bench:$out/atoll.jar" bench.Access "$folder"
