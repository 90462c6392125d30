#!/bin/sh
# Tests of the Java binding: test.sh BUILD. The last line is "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
out=$build/bindings/java
fail() { echo "$1"; echo "0 passed, 1 failed"; exit 1; }
"$here/build.sh" "$build" "$out" || fail "the JARs do not build"

j=/usr/share/java
junit=$j/junit-jupiter-api.jar:$j/junit-jupiter-engine.jar:$j/junit-platform-commons.jar:$j/junit-platform-engine.jar
junit=$junit:$j/junit-platform-launcher.jar:$j/opentest4j.jar:$j/apiguardian-api.jar:$j/junit-platform-console.jar
junit=$junit:$j/junit-platform-reporting.jar:$j/opentest4j-reporting-events.jar:$j/opentest4j-reporting-schema.jar
junit=$junit:$j/picocli.jar:$j/junit-jupiter-params.jar:$j/univocity-parsers.jar
rm -rf "$out/test-classes"
mkdir -p "$out/test-classes"
find "$here/src/test/java" -name '*.java' > "$out/test-sources"
javac --release 8 -encoding UTF-8 -Xlint:-options -cp "$out/atoll.jar:$junit" -processorpath "$out/atoll-processor.jar" \
    -d "$out/test-classes" @"$out/test-sources" || fail "the tests do not compile"

java -Dprocessor.jar="$out/atoll-processor.jar" -Xcheck:jni -cp "$out/test-classes:$out/atoll.jar:$junit" \
    org.junit.platform.console.ConsoleLauncher --disable-banner --details=tree --disable-ansi-colors \
    --scan-class-path="$out/test-classes" > "$out/test.log" 2>&1
code=$?
cat "$out/test.log"
# What a device lacks must not creep in: the runtime needs nothing but java.base, as Java 8 class files.
needs=$(jdeps --multi-release base --list-deps "$out/atoll.jar" | tr -d ' ' | sort -u | tr '\n' ' ')
passed=$(sed -n 's/^\[ *\([0-9]*\) tests successful.*/\1/p' "$out/test.log")
failed=$(sed -n 's/^\[ *\([0-9]*\) tests failed.*/\1/p' "$out/test.log")
[ -n "$passed" ] && [ -n "$failed" ] || fail "the test runner ended with $code and without a summary"
if [ "$needs" = "java.base " ]; then
    passed=$((passed + 1))
else
    echo "FAILED: atoll.jar needs $needs"
    failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
