#!/usr/bin/env bats
# tests/faults/table finds each mark, and each mistake in one.

bats_require_minimum_version 1.5.0

setup() {
    TOP=$BATS_TEST_TMPDIR
    mkdir -p "$TOP/tests/faults" "$TOP/integration" "$TOP/contrib/tests"
    cp "${BATS_TEST_FILENAME%.bats}" "${BATS_TEST_FILENAME%.bats}.awk" "$TOP/tests/faults"
    printf '%s\n' '# A comment' '' 'A1  It breaks: it holds.' 'B2  It bends: it holds.' >"$TOP/tests/faults/catalogue"
    TABLE=$TOP/tests/faults/table
    BATS_MARK='# bats test_tags=fault'
    GTEST_MARK='// fault'
}

# write FILE LINE...: a file with marks.
write() { printf '%s\n' "${@:2}" >"$TOP/$1"; }

@test "table: a row has every test with its mark, of each kind" {
    write integration/a.bats "$BATS_MARK:A1,slow,fault:B2" '@test "a: x" { :; }' '@test "a: y" {' '}'
    write tests/a_test.cc "$GTEST_MARK: A1" 'TEST(A, Holds) {' '}' "$GTEST_MARK: A1, B2" 'TEST_F(LongName,' \
        '       HoldsToo) {' '}' 'TEST_P(Other, IsNotMarked) {}'
    write tests/fuzz_a.cc "$GTEST_MARK: A1" 'extern "C" int LLVMFuzzerTestOneInput(int) {'
    write tests/faults/day.sh '#!/bin/sh' '# fault: B2' '# needs: a day' 'true'
    run -0 "$TABLE"
    diff - <(echo "$output") <<'TABLE_END'
| row | fault | tests |
|---|---|---|
| A1 | It breaks: it holds. | a: x<br>A.Holds<br>LongName.HoldsToo<br>fuzz_a |
| B2 | It bends: it holds. | a: x<br>LongName.HoldsToo<br>tests/faults/day.sh (by hand; needs a day) |
TABLE_END
    run -0 "$TABLE" --check
    [[ -z $output ]]
}

# finds MESSAGE: the check fails with this line alone.
finds() {
    run -1 "$TABLE" --check
    echo "$output"
    [[ $output == "$1" ]]
}

@test "table: each mistake is found" {
    local both=("$GTEST_MARK: A1, B2" 'TEST(A, Holds) {')
    write tests/a_test.cc "$GTEST_MARK: A1" 'TEST(A, Holds) {'
    finds 'tests/faults/catalogue: row B2 has no test; put its mark above the test that watches it'
    write tests/a_test.cc "${both[@]}" "$GTEST_MARK: C3" 'TEST(B, Holds) {'
    finds 'tests/a_test.cc:3: row C3 is not in the catalogue'
    write tests/a_test.cc "${both[@]}" "$GTEST_MARK: A1" '' 'TEST(B, Holds) {'
    finds 'tests/a_test.cc:4: the mark in the line before stands above no test'
    write tests/a_test.cc "${both[@]}" "$GTEST_MARK: A1"
    finds 'tests/a_test.cc: its last mark stands above no test'
    write tests/a_test.cc "${both[@]}"
    write integration/a.bats "$BATS_MARK:A1" 'helper() {' '}'
    finds 'integration/a.bats:2: the mark in the line before stands above no test'
    write integration/a.bats '# bats file''_tags=fault:A1'
    finds 'integration/a.bats:1: a mark belongs to one test: write test_tags above it'
    rm "$TOP/integration/a.bats"
    write tests/faults/day.sh '# fault: A1' 'true'
    finds 'tests/faults/day.sh:2: no line `# needs: TEXT` says what the machine must have'
    rm "$TOP/tests/faults/day.sh"
    write tests/faults/catalogue 'A1  It breaks: it holds.' 'B2  It bends: it holds.' 'A1  It breaks: it holds.'
    finds 'tests/faults/catalogue:3: row A1 is there twice'
    write tests/faults/catalogue 'A1  It breaks: it holds.' 'B2  It bends: it holds.' 'and more'
    finds 'tests/faults/catalogue:3: not a row: a number, two blanks and a sentence'
}
