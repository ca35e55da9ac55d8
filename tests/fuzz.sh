#!/bin/bash
# fuzz.sh TARGET - runs one fuzz target of $B/fuzz for a while, from its corpus in tests/fuzz/corpus, for run.sh. What it finds, its log
# and its exit status go to $B/fuzz-out/TARGET.
out=$B/fuzz-out/$1
mkdir -p "$out/corpus"
program=$(find "$B/fuzz" -type f -perm -u+x \( -name "$1" -o -name "fuzz_$1" -o -name "$1_fuzz" -o -name "fuzz-$1" \) | head -1)
corpus=()
[ ! -d "tests/fuzz/corpus/${1#fuzz_}" ] || corpus=("tests/fuzz/corpus/${1#fuzz_}")
"$program" -max_total_time="${TERN_FUZZ_SECONDS:-15}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=1 -artifact_prefix="$out/" \
  "$out/corpus" "${corpus[@]}" >"$out/log" 2>&1
echo $? >"$out/status"
