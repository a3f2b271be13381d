#!/usr/bin/env bash
# The tidy test: rules about the tree itself that no compiler checks. Prints each breach; exit status 1 if there is one.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
breaches=0
breach() { echo "tidy: $*" >&2; breaches=$((breaches + 1)); }

# Raw system calls that change paths, mounts or processes live in sys (runtime and shim may act on descriptors through it).
banned='(^|[^_a-zA-Z0-9:.>])(::)?(system|popen|strtol|strtoul|atoi|sprintf|strcpy|gets|mktemp|tmpnam)\('
while IFS= read -r line; do breach "banned call: $line"; done < <(
    git ls-files 'src/*.cpp' 'src/*.h' | xargs grep -nE "$banned" | grep -vE '^[^:]+:[0-9]+: *(//|\*)')
raw='(^|[^_a-zA-Z0-9:.>])::(open|openat|mount|umount2|chmod|chown|mkdir|unlink|rename|symlink)\('
while IFS= read -r line; do breach "raw path call outside sys: $line"; done < <(
    git ls-files 'src/*.cpp' 'src/*.h' | grep -v '^src/sys/' | grep -vE '_test\.(cpp|h)$' | xargs grep -nE "$raw")

# Every file named in ARCHITECTURE.md and every relative link in a document exists.
while IFS= read -r file; do
    [ -e "src/$file" ] || [ -e "$file" ] || breach "ARCHITECTURE.md names $file, which does not exist"
done < <(grep -oE '`[a-z_]+/[a-z_/]+\.(cpp|h|bats|sh)`' ARCHITECTURE.md | tr -d '`' | sort -u)
while IFS=: read -r document link; do
    target=$(dirname "$document")/${link%%#*}
    [ -e "$target" ] || breach "$document links to $link, which does not exist"
done < <(git ls-files '*.md' | xargs grep -oHE '\]\([^)#:]+(#[^)]*)?\)' | sed -E 's/\]\(([^)]*)\)/\1/')

# Modules: every folder of src stands in src/CMakeLists.txt and in ARCHITECTURE.md.
for folder in src/*/; do
    module=$(basename "$folder")
    [ -n "$(git ls-files "$folder")" ] || continue
    [ "$module" = apps ] || grep -qE "^berth_module\($module[ )]" src/CMakeLists.txt || breach "src/$module has no line in src/CMakeLists.txt"
    grep -qE "^\| \`$module\`" ARCHITECTURE.md || breach "src/$module has no row in ARCHITECTURE.md"
done

# A header that nothing includes is dead.
while IFS= read -r header; do
    name=${header#src/}
    git grep -qF "#include \"$name\"" -- src || breach "$header is included by nothing"
done < <(git ls-files 'src/*.h')

# No absolute path of a developer's machine, no leftovers of merging.
while IFS= read -r line; do breach "leftover: $line"; done < <(git grep -nE '^(<{7}|>{7}|={7}$)' -- . ':!tests/tidy')
while IFS= read -r line; do breach "path of one machine: $line"; done < <(git grep -nE '(^|[^a-z])/(work|root)/(main|\.library|shared)' -- . ':!tests/tidy')

[ "$breaches" -eq 0 ] && echo "tidy: ok"
[ "$breaches" -eq 0 ]
