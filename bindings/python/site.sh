#!/bin/sh
# Makes BUILD/bindings/python, a folder for PYTHONPATH with the package as it will be installed: links to the Python files
# of the checkout beside the built extension. Prints the folder. Use: site.sh BUILD
set -eu
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/src/atoll" && pwd)
site=$build/bindings/python-site
mkdir -p "$site/atoll"
find "$site/atoll" -maxdepth 1 -type l -delete
for file in "$source"/*.py "$source"/*.pyi "$source"/py.typed; do
    ln -s "$file" "$site/atoll/$(basename "$file")"
done
ln -s "$build/bindings/swig/python/_native.so" "$site/atoll/_native.so"
echo "$site"
