# Converts results.json to Markdown.

def order: ["direct", "floor", "portsplit", "portsplit-plain", "portsplit-listener", "portsplit-from", "portsplit-proxy-in",
    "portsplit-proxy-out", "portsplit-transparent", "portsplit-failover", "portsplit-unix-in", "portsplit-unix-out",
    "portsplit-deny", "portsplit-timers", "portsplit-rate", "portsplit-limits", "portsplit-mptcp", "portsplit-unconfined",
    "portsplit-beside", "portsplit-beside-unconfined", "portsplit-beside-user", "portsplit-program", "portsplit-program-sniffed", "portsplit-program-pipe",
    "portsplit-program-user", "portsplit-program-unconfined",
    "portsplit-string", "portsplit-10000", "before", "before-10000", "sslh-fork", "socat", "xinetd", "sslh-select", "haproxy",
    "haproxy-splice", "nginx", "socket-proxyd", "exec-floor", "tcpserver", "inetd"];

# Formats 12345 as 12,345.
def thousands: tostring | if length <= 3 then . else (.[:-3] | thousands) + "," + .[-3:] end;

# Formats a number with three significant digits. jq 1.6 prints some fractions with all their binary digits;
# these are cut.
def number:
    if . == 0 then "0" elif . < 0 then "-" + (-. | number) elif . >= 100 then round | thousands
    else (. | log10 | floor) as $size
        | . * pow(10; 2 - $size) | round / pow(10; 2 - $size) | tostring
        | if test("\\.[0-9]{5}") then .[0:index(".") + 3 - $size] else . end end;

# Formats a median with least and most, and the ratio of Portsplit's median to it, with ≈ where the spreads
# overlap.
def cell($own): if . == null then "" else
    (if .min == .max then "\(.median | number)"
        else "\(.median | number) [\(.min | number)–\(.max | number)]" end)
    + (if $own == null or .peer == $own.peer or .median == 0 then ""
        else " · " + (if .min <= $own.max and $own.min <= .max then "≈ " else "" end)
            + ($own.median / .median | number) end) end;

. as $all
| def of($figure; $peer): first($all.figures[] | select(.figure == $figure and .peer == $peer)) // null;

# Formats a table of figures, if one of them was measured. $columns: [figure, heading]...
def table($title; $own; $columns):
    ($columns | map(.[0])) as $figures
    | [$all.figures[] | select(.figure as $f | $figures | index([$f])) | .peer] | unique as $peers
    | if ($peers | length) == 0 then empty else
        "\n## \($title)\n",
        "| | \($columns | map(.[1]) | join(" | ")) |",
        "|---|\($columns | map("---:|") | join(""))",
        ($peers | sort_by(. as $peer | order | index([$peer]) // ($peer | split("-") | (.[0] | tonumber) + (length - 1) / 2))[]
            | . as $peer
            | "| \(if $peer == $own then "**\($peer)**" else $peer end) | \($columns
                | map(.[0] as $figure
                    | of($figure; $peer) | cell(of($figure; $own))) | join(" | ")) |")
      end;

# Formats what became of the connections of one shape, with the time of those that came to the right server.
def way($shape; $peer):
    (["found", "found"], ["elsewhere", "fallback"], ["closed", "closed"], ["silent", "waits"]) as $f
    | select((of("\($shape).\($f[0])"; $peer) // { max: 0 }).max > 0) | $f[1];
def found($shape; $peer; $own): [way($shape; $peer)] | join(", ")
    + (of("\($shape).median_us"; $peer) | if . then " " + cell(of("\($shape).median_us"; $own)) else "" end);

# Formats a table with a row for each shape of a ClientHello and a column for each peer.
def shapes($title; $own):
    [$all.workloads[] | select(startswith("names, "))] as $shapes
    | [$all.figures[] | select(.figure | startswith("names, ")) | .peer] | unique
    | sort_by(. as $peer | order | index([$peer])) as $peers
    | if ($peers | length) == 0 then empty else
        "\n## \($title)\n",
        "| | \($peers | map(if . == $own then "**\(.)**" else . end) | join(" | ")) |",
        "|---|\($peers | map("---|") | join(""))",
        ($shapes[] | . as $shape
            | "| \(ltrimstr("names, ")) | \($peers | map(found($shape; .; $own)) | join(" | ")) |")
      end;

"# Portsplit and its peers, measured side by side",
"",
"\($all.machine.date), commit \($all.machine.commit), \($all.rounds) round\(if $all.rounds == 1 then "" else "s" end). \($all.machine.cores) × \($all.machine.cpu), \($all.machine.memory_gib) GiB, Linux \($all.machine.kernel).",
"Client, server and multiplexer share the machine. \(if $all.machine.group
    then "All are in one cpu cgroup with ten times the usual weight." else "They have no cpu cgroup of their own, so other work disturbed them." end)",
(if $all.machine.load then "The load average of other work was \($all.machine.load) before the run." else empty end),
"",
($all.versions | map("- " + .))[],
"",
"In each cell: the median over the rounds, [least–most] · Portsplit's median divided by this one.",
"Two figures that are nearer than their spread are not resolved: another run may order them otherwise. Then",
"the ratio has a ≈\(if $all.rounds == 1 then "; one round has no spread, so nothing here is resolved" else "" end).",
(if ($all.goals | length) > 0 then
    "\n## What is to be reached\n",
    "| | against | ratio [least–most] | goal | |", "|---|---|---:|---:|---|",
    ($all.goals[] | "| \(.what) | \(.peer // "") | \(cell(null)) | \(if .least then "≥ \(.least)" else "≤ \(.most)" end) | \(if .met then "met" else "missed" end)\(if .resolved then "" else ", not resolved" end) |"),
    (if any($all.goals[]; .resolved | not) then
        "\nNot resolved: the goal lies between the least and the most of the rounds, so another run may decide otherwise."
        else empty end)
    else empty end),
table("Short connections a second"; "portsplit"; [["conc-1.rate", "1 at once"],
    ["conc-32.rate", "32"], ["conc-256.rate", "256"], ["conc-1000.rate", "1,000"],
    ["conc-32.cpu_s_1000", "CPU s for 1,000"], ["conc-32.errors", "failed, of those at 32"],
    ["conc-1000.errors", "failed, of those at 1,000"]]),
table("Short connections with a feature, and without one"; "portsplit-plain"; [["features-1.rate", "a second, 1 at once"],
    ["features-32.rate", "32"], ["features-1.median_us", "µs to first byte, median"],
    ["features-32.cpu_s_1000", "CPU s for 1,000"], ["features-32.errors", "failed"]]),
table("Short connections with a program, and a feature of it"; "portsplit-program"; [["programs-1.rate", "a second, 1 at once"],
    ["programs-32.rate", "32"], ["programs-1.median_us", "µs to first byte, median"],
    ["programs-32.cpu_s_1000", "CPU s for 1,000"], ["programs-32.errors", "failed"]]),
table("Connect to first byte, one at a time, µs"; "portsplit"; [["conc-1.median_us", "median"],
    ["conc-1.p99_us", "99 %"], ["conc-1.added_us", "median beyond direct"],
    ["conc-1.added_p99_us", "99 % beyond direct"]]),
table("Connect to first byte, many at once, ms"; "portsplit"; [("32", "256", "1000"
    | ["conc-\(.).median_ms", "\(thousands), median"], ["conc-\(.).p99_ms", "99 %"])]),
table("The first bytes one by one: from the last of them to the answer, µs"; "portsplit";
    [["pieces.median_us", "median"], ["pieces.p99_us", "99 %"]]),
table("One byte there and back, µs"; "portsplit"; [["ping-pong.median_us", "median"],
    ["ping-pong.p99_us", "99 %"], ["ping-pong.max_us", "longest"], ["ping-pong.steps", "over 30 ms"]]),
table("Bulk, Gbit/s"; "portsplit"; [["bulk-up.gbit_s", "up"], ["bulk-down.gbit_s", "down"],
    ["bulk-both.gbit_s", "both ways, sum"], ["bulk-parallel.gbit_s", "16 streams"]]),
table("Processor seconds for each GiB"; "portsplit"; [["bulk-up.cpu_s_gib", "up"],
    ["bulk-down.cpu_s_gib", "down"], ["bulk-both.cpu_s_gib", "both ways"]]),
(["3000", "10000"][] | . as $count | "memory-\(.)." as $f
    | table("\($count | thousands) idle connections: KiB for each, with both ends' sockets"; "portsplit";
        [["\($f)all_each", "all"], ["\($f)named_each", "what meminfo names"],
        ["\($f)page_tables_each", "page tables"], ["\($f)own_each", "all, less direct"],
        ["\($f)idle_cpu_ms", "CPU ms in a second"], ["\($f)max_us", "all awake and answered, µs"]])),
(["median_ms", "median"], ["p99_ms", "99 %"], ["p999_ms", "99.9 %"] | . as $f
    | table("500 paced clients a second, from when one is due to the first byte, ms: \($f[1])"; "portsplit";
        [["tail-alone", "alone"], ["tail-bulk", "beside bulk at full speed"], ["tail-bulk-8", "bulk at 8 Gbit/s"],
        ["tail-reload", "a reload each second"] | ["\(.[0]).\($f[0])", .[1]]])),
table("The same: the bulk, Gbit/s, and clients without an answer"; "portsplit";
    [["tail-bulk.bulk_gbit_s", "at full speed"], ["tail-bulk-8.bulk_gbit_s", "at 8 Gbit/s"],
    (["alone", "bulk", "bulk-8", "reload"][] | ["tail-\(.).errors", "failed, \(.)"])]),
(if any($all.figures[]; .figure == "memory-3000.all_each") then
    "\nThe figure of earlier reports, `kib_each` of `memory-1000` and `memory-10000` (\"KiB for each\"), is withdrawn: it took",
    "the free pages in the lists of each CPU for used ones." else empty end),
table("Short connections a second, 32 at once, beside idle ones"; "portsplit"; [["scale-0.rate", "beside none"],
    ["scale-1000.rate", "1,000"], ["scale-6000.rate", "6,000"], ["scale-6000.errors", "failed, beside 6,000"]]),
table("A program on each connection"; "portsplit"; [["exec-short-1.rate", "connections/s, 1 at once"],
    ["exec-short-32.rate", "32"], ["exec-bulk.gbit_s", "bulk, Gbit/s"],
    ["exec-ping-pong.median_us", "byte there and back, µs"]]),
(["services", "listeners"][] | . as $f
    | table("Growth with the number of \(.)"; null; [["\($f)-32.rate", "connections/s, 32 at once"],
        ["\($f)-1.median_us", "first byte, one at a time, µs"],
        ["\($f)-32.start_ms", "start to first answer, ms"], ["\($f)-reload.ms", "a reload, ms"], (if $f == "services" then ["services-check.ms", "`check`, ms"] else empty end)]),
    table("The same: memory, KiB"; null; [["\($f)-32.daemon_kib", "daemon"],
        ["\($f)-32.zygote_kib", "zygote"], ["\($f)-32.undecided_private_kib", "private, undecided dispatcher"],
        ["\($f)-32.undecided_page_tables_kib", "its page tables"]])),
shapes("The server name of a TLS client: who finds it, and from the last piece to the answer, µs"; "portsplit"),
table("Short connections a second that begin with a ClientHello of 1.8 kB"; "portsplit";
    [["names-short-1.rate", "1 at once"],
    ["names-short-32.rate", "32"], ["names-short-1.median_us", "first byte, 1 at once, µs"],
    ["names-short-32.cpu_s_1000", "CPU s for 1,000, 32 at once"],
    ["names-short-32.errors", "failed, of those at 32"]]),
table("Growth with the number of server names"; null; [["lists.rate", "connections/s, 32 at once"],
    ["lists.start_ms", "start to first answer, ms"], ["lists-reload.ms", "a reload, ms"],
    ["lists-check.ms", "`check`, ms"]]),
table("The same: memory, KiB"; null;
    [["lists.daemon_kib", "daemon"], ["lists.zygote_kib", "zygote"], ["lists.shared_kib", "shared by all"],
    (["1800", "16300"][]
        | ["lists.undecided_\(.)_kib", "private, undecided dispatcher, half of \(thousands) bytes seen"])]),
(["prefixes that begin alike", "prefixes spread", "expressions", "names in one service",
    "a name in each service", "client addresses"][] as $kind
    | "decide, \($kind)." as $f
    | table("Deciding alone, without a network: \($kind)"; null; [["\($f)look, ns", "a look, ns"],
        ["\($f)look that fits no service, ns", "one that fits no service, ns"],
        (if any($all.figures[]; .figure == "\($f)flat scan, ns") then ["\($f)flat scan, ns", "one by one, ns"]
            else empty end),
        ["\($f)compile, us", "compiling all, µs"], ["\($f)memory beside the model, bytes", "memory, bytes"]])),
(if ($all.left_out | length) > 0 then "\n## Left out\n", ($all.left_out[] | "- \(.peer): \(.why)")
    else empty end)
