#!/bin/sh
# fuzz.sh PROGRAM CORPUS WORK SECONDS LLVM_PROFDATA LLVM_COV [COVERS MINIMUM]
# Lets a libFuzzer program explore for SECONDS, starting from the committed CORPUS; what it finds goes
# to WORK. Then replays all inputs and reports the line coverage of the sources matching COVERS
# (an extended regular expression on paths), which must reach MINIMUM percent.
set -eu
program=$1 corpus=$2 work=$3 seconds=$4 profdata=$5 cov=$6 covers=${7:-} minimum=${8:-0}

mkdir -p "$work/found"
cd "$work"
export ASAN_OPTIONS=detect_leaks=1
# A crashing input is kept as crash-*: add it to the corpus, which every other preset replays.
LLVM_PROFILE_FILE=/dev/null "$program" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 \
  -print_final_stats=1 "$work/found" "$corpus"
LLVM_PROFILE_FILE="$work/raw" "$program" -runs=0 "$work/found" "$corpus" 2>"$work/replay.log"
"$profdata" merge -o "$work/profile" "$work/raw"
[ -n "$covers" ] || exit 0
"$cov" export -summary-only -instr-profile="$work/profile" "$program" >"$work/coverage.json"
python3 - "$work/coverage.json" "$covers" "$minimum" <<'PYTHON'
import json, re, sys
report, covers, minimum = json.load(open(sys.argv[1])), re.compile(sys.argv[2]), float(sys.argv[3])
total = covered = 0
for entry in report["data"][0]["files"]:
    if covers.search(entry["filename"]):
        lines = entry["summary"]["lines"]
        total += lines["count"]
        covered += lines["covered"]
        print(f'{lines["percent"]:6.1f}% of {lines["count"]:4} lines  {entry["filename"]}')
if not total:
    sys.exit(f"no source matches {covers.pattern}")
share = 100 * covered / total
print(f"{share:6.1f}% line coverage, at least {minimum:g}% expected")
sys.exit(share < minimum)
PYTHON
