#!/bin/sh
# The Java client of tools/demo. Use: run.sh BUILD BASE_URL APP_ID ROLE_JSON
set -eu
build=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "$0")" && pwd)
out=$build/bindings/java
if [ ! -e "$out/atoll.jar" ] || [ "$build/bindings/swig/libatoll_java.so" -nt "$out/atoll.jar" ] \
    || [ "$build/core/api/libatoll.so" -nt "$out/atoll.jar" ]; then
    "$here/../../build.sh" "$build" "$out" 1>&2
fi
if [ ! -e "$out/demo/demo/Client.class" ] || [ "$out/atoll.jar" -nt "$out/demo/demo/Client.class" ] \
    || [ -n "$(find "$here" -newer "$out/demo/demo/Client.class" -name '*.java')" ]; then
    mkdir -p "$out/demo"
    javac --release 8 -encoding UTF-8 -Xlint:-options -cp "$out/atoll.jar" -processorpath "$out/atoll-processor.jar" \
        -d "$out/demo" "$here"/*.java 1>&2
fi
exec java -Dfile.encoding=UTF-8 -cp "$out/demo:$out/atoll.jar" demo.Client "$@"
