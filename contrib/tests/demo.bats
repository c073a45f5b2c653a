# The table of the demo fits a terminal of 80 columns. integration/ runs no demo: it would build again.

bats_require_minimum_version 1.5.0

setup() {
    # shellcheck source=/dev/null
    source <(sed -n -e '/^row()/p' -e '/^rule()/p' -e '/^print_head()/,/^}/p' -e '/^print_visit()/,/^}/p' \
        -e '/^visit_all()/,/^}/p' "$BATS_TEST_DIRNAME/../demo.sh")
}

# print_table: the table as the demo prints it, with the longest values that a log line can have here.
print_table() {
    # shellcheck disable=SC2034,SC2317  # the functions of the demo use both
    local -A SEEN=([service]=fallback [reason]=fallback [action]=connect [target]=127.0.0.1:65535 [ms]=19999)
    # shellcheck disable=SC2317
    visit() { print_visit "$4" "$5" WRONG; }
    print_head
    visit_all
    print_visit 'port 65535' '' ''
}

@test "demo: the table fits 80 columns, and no value is wider than its column" {
    export USER_NAME=somebody
    run -0 print_table
    echo "$output"
    ((${#lines[@]} == 9))
    [[ ${lines[1]} =~ ^-{80}$ ]]
    (($(grep -cE '.{81}' <<<"$output") == 0))
    # Every row has the action in the same column.
    (($(grep -c '^.\{45\}connect 127' <<<"$output") == 7))
}
