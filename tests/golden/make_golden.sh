#!/bin/sh
# Writes the archives of golden realms anew: make_golden.sh PATH-OF-make_golden FOLDER. Only for a new format: what is
# committed stays as it is, since it is what users have.
set -eu
program=$1
target=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" "$work"
mkdir -p "$target"
for realm in plain sealed tail log migrated; do
  rm -f "$work/$realm"/LOG* "$work/$realm"/OPTIONS-*
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=2026-01-01 -C "$work" -cf - "$realm" | gzip -9n > "$target/$realm.tar.gz"
done
