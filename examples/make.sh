#!/usr/bin/env bash
# Makes scheduler.o from scheduler.c: an object for x86-64, as gcc writes it. The object is committed, so that trying
# btfkit needs no compiler; make it again when the source changes.
set -euo pipefail
cd "$(dirname "$0")"
"${CC:-gcc}" -c -O2 -g -gdwarf-5 -gno-record-gcc-switches -ffreestanding -fno-asynchronous-unwind-tables \
	-ffile-prefix-map="$PWD"=. -o scheduler.o scheduler.c
ls -l scheduler.o
