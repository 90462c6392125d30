#!/bin/sh
# Builds atoll.jar and atoll-processor.jar from a build folder: build.sh BUILD [OUT]. The first holds the native
# libraries too; the second is given to javac by -processorpath.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
out=${2:-$build/bindings/java}
mkdir -p "$out"
out=$(cd "$out" && pwd)
classes=$out/classes
rm -rf "$classes" "$out/processor-classes"
mkdir -p "$classes" "$out/processor-classes"

find "$here/src/main/java" "$here/../swig/java" "$build/bindings/swig/java" -name '*.java' > "$out/sources"
# --release 8 draws a warning from newer compilers that nothing can be done about.
javac --release 8 -encoding UTF-8 -proc:none -Xlint:all -Xlint:-options -Xlint:-processing -Werror \
    -d "$classes" @"$out/sources"
find "$here/src/processor/java" -name '*.java' > "$out/processor-sources"
javac --release 8 -encoding UTF-8 -proc:none -Xlint:all -Xlint:-options -Werror -cp "$classes" \
    -d "$out/processor-classes" @"$out/processor-sources"

# The processor reads the annotations, so it carries them: it must work without the other JAR on its path.
mkdir -p "$out/processor-classes/META-INF/services" "$out/processor-classes/io/atoll"
cp -r "$classes/io/atoll/annotations" "$out/processor-classes/io/atoll/"
echo io.atoll.processor.RealmProcessor > "$out/processor-classes/META-INF/services/javax.annotation.processing.Processor"

machine=$(uname -m)
if [ -e "$build/bindings/swig/libatoll_java.so" ]; then
    mkdir -p "$classes/native/linux-$machine"
    cp -L "$build/core/api/libatoll.so" "$build/bindings/swig/libatoll_java.so" "$classes/native/linux-$machine/"
fi
jar cf "$out/atoll.jar" -C "$classes" .
jar cf "$out/atoll-processor.jar" -C "$out/processor-classes" .
echo "$out/atoll.jar $out/atoll-processor.jar"
