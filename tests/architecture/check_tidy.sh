#!/bin/sh
# check_tidy.sh CLANG_TIDY BUILD_DIR ROOT: clang-tidy over every source of ours that is compiled, as
# many at a time as there are processors. Needs no build, only the compile commands. Tests are left
# out: they would double the time, and what is found in them breaks nobody's requests.
set -eu
clang_tidy=$1
build=$2
root=$3
# A Python module is compiled for several interpreters: once is enough, hence sort -u.
sources=$(sed -n 's/^ *"file": "\(.*\)",*$/\1/p' "$build/compile_commands.json" |
  grep -E "^$root/(host|bindings|plugins|examples)/" | sort -u)
if [ -z "$sources" ]; then
  echo "no sources of ours in $build/compile_commands.json"
  exit 1
fi
echo "$sources" | xargs -P "$(nproc)" -n 1 "$clang_tidy" -p "$build" --quiet
echo "$(echo "$sources" | wc -l) files are tidy"
