# Reads the catalogue, then every file with marks, and prints the table of tests/faults/table; with `check` set to 1
# what is wrong instead. `catalogue` is the path of the catalogue. mawk and gawk run it.

function complain(text) { report(FILENAME ":" FNR ": " text) }

function report(text) {
    bad = 1
    if (check) print text
}

# Adds the rows of a mark, separated by commas, to `pending`.
function take(list,    parts, count, i) {
    count = split(list, parts, /[ ,]+/)
    for (i = 1; i <= count; i++) {
        if (parts[i] == "") continue
        if (!(parts[i] in text_of)) complain("row " parts[i] " is not in the catalogue")
        else pending = pending " " parts[i]
    }
    marked = 1
}

function watch(name,    rows, count, i) {
    count = split(pending, rows, " ")
    for (i = 1; i <= count; i++)
        tests_of[rows[i]] = tests_of[rows[i]] (tests_of[rows[i]] == "" ? "" : "<br>") name
    pending = ""
    marked = 0
}

function check_mark() {
    if (marked) complain("the mark in the line before stands above no test")
    pending = ""
    marked = 0
}

FNR == 1 {
    if (marked) report(last ": its last mark stands above no test")
    pending = ""; marked = 0; joined = ""; needs = ""
    last = FILENAME
}

FILENAME == catalogue {
    if ($0 ~ /^(#.*)?$/) next
    if ($0 !~ /^[A-Z][0-9]+  [^ ].*[.]$/) { complain("not a row: a number, two blanks and a sentence"); next }
    if ($1 in text_of) { complain("row " $1 " is there twice"); next }
    order[++rows] = $1
    text_of[$1] = substr($0, length($1) + 3)
    next
}

FILENAME ~ /[.]bats$/ {
    if ($0 ~ /^# bats file_tags=.*fault:/) complain("a mark belongs to one test: write test_tags above it")
    if ($0 ~ /^# bats test_tags=.*fault:/) {
        check_mark()
        tags = substr($0, index($0, "=") + 1)
        count = split(tags, tag, ",")
        list = ""
        for (i = 1; i <= count; i++) if (sub(/^ *fault:/, "", tag[i])) list = list "," tag[i]
        take(list)
    } else if ($0 ~ /^@test "/) {
        sub(/^@test "/, "")
        watch(substr($0, 1, index($0, "\" {") - 1))
    } else check_mark()
    next
}

FILENAME ~ /[.]cc$/ {
    if (joined != "") $0 = joined $0
    joined = ""
    if ($0 ~ /^[ \t]*\/\/ fault:/) {
        check_mark()
        sub(/^[ \t]*\/\/ fault:/, "")
        take($0)
    } else if (marked && $0 ~ /^(TYPED_)?TEST(_F|_P)?\([^)]*$/) {
        joined = $0
    } else if ($0 ~ /^(TYPED_)?TEST(_F|_P)?\(/) {
        match($0, /\([^)]*\)/)
        name = substr($0, RSTART + 1, RLENGTH - 2)
        gsub(/[ \t]/, "", name)
        sub(/,/, ".", name)
        watch(name)
    } else if ($0 ~ /^extern "C" int LLVMFuzzerTestOneInput/) {
        name = FILENAME
        gsub(/.*\/|[.]cc$/, "", name)
        watch(name)
    } else check_mark()
    next
}

/^# needs: / && FILENAME ~ /[.]sh$/ { needs = substr($0, 10) }
/^# fault: / && FILENAME ~ /[.]sh$/ { take(substr($0, 10)) }
FILENAME ~ /[.]sh$/ && !/^#/ && marked {
    if (needs == "") complain("no line `# needs: TEXT` says what the machine must have")
    watch(FILENAME " (by hand; needs " needs ")")
}

END {
    if (marked) report(last ": its last mark stands above no test")
    for (i = 1; i <= rows; i++) {
        if (tests_of[order[i]] != "") continue
        report(catalogue ": row " order[i] " has no test; put its mark above the test that watches it")
    }
    if (check) exit bad
    print "| row | fault | tests |\n|---|---|---|"
    for (i = 1; i <= rows; i++) printf "| %s | %s | %s |\n", order[i], text_of[order[i]], tests_of[order[i]]
}