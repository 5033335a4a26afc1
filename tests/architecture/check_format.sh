#!/bin/sh
# check_format.sh CLANG_FORMAT ROOT [--fix]: every C++ file under version control is formatted.
set -eu
clang_format=$1
cd "$2"
files=$(git -c safe.directory="*" ls-files --cached --others --exclude-standard '*.cc' '*.h' | while read -r f; do [ -f "$f" ] && echo "$f"; done)
if [ -z "$files" ]; then
  echo "no C++ files found in $2: is it a git clone?"
  exit 1
fi
if [ "${3:-}" = --fix ]; then
  # shellcheck disable=SC2086  # one argument a file
  exec "$clang_format" -i $files
fi
# shellcheck disable=SC2086
"$clang_format" --dry-run --Werror --ferror-limit=3 $files || {
  echo "To format all files: cmake --build --preset tidy --target format"
  exit 1
}
echo "$(echo "$files" | wc -l) files are formatted"
