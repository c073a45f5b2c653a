# Converts the lines of one run to results.json: median, least and most of each figure over the rounds, and
# of the ratio of each goal in a round. Arguments: machine, versions, left_out.

def median: sort | if length % 2 == 1 then .[(length - 1) / 2]
    else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def spread: { median: median, min: min, max: max };

# Adds the figures that can be computed from one measurement alone.
def derive: .figures |= (
    if .gib and .gib > 0 then . + { cpu_s_gib: (.cpu_us / 1e6 / .gib) } else . end
    # Microseconds for one connection / 1,000 = seconds for 1,000 connections.
    | if .rate and .cpu_us and .connections > 0
        then . + { cpu_s_1000: (.cpu_us / 1000 / .connections) } else . end
    | if .idle_cpu_us then . + { idle_cpu_ms: (.idle_cpu_us / 1000) } else . end
    | if .all_kib then . + { all_each: (.all_kib / .connections), named_each: (.named_kib / .connections),
        page_tables_each: (.page_tables_kib / .connections) } else . end
    | if .zygote_kib then . + { start_ms: (.start_us / 1000), both_mib: ((.daemon_kib + .zygote_kib + .shared_kib) / 1024) }
        else . end
    | if .median_us then . + { median_ms: (.median_us / 1000), p99_ms: (.p99_us / 1000),
        p999_ms: (.p999_us / 1000) } else . end
    | if .us then . + { ms: (.us / 1000) } else . end);

# Deletes CPU time where it is unknown: sslh does not wait for its children (SA_NOCLDWAIT), and without a
# multiplexer there is no process to count.
def without_unknown: if .peer == "sslh-fork" or .peer == "direct"
    then .figures |= del(.cpu_us, .idle_cpu_us, .idle_cpu_ms, .cpu_s_gib, .cpu_s_1000)
    else . end;

# Adds the differences from the measurement without a multiplexer in the same round.
def beyond($direct): . as $line
    | ([$direct[] | select(.workload == $line.workload and .round == $line.round)][0].figures // {})
        as $base
    | .figures |= (
        if .median_us and $base.median_us
            then . + { added_us: (.median_us - $base.median_us), added_p99_us: (.p99_us - $base.p99_us) }
            else . end
        | if .all_each and $base.all_each then . + { own_each: (.all_each - $base.all_each) } else . end);

# The goals: the ratio of `figure` of a peer (`of`, else Portsplit) to the same of `peer`, or to `than`, which
# is another figure of the same or that peer. Without either, the figure alone, with `every` in every round.
def goals: [
    (["32", "sslh-fork", 2], ["32", "socat", 3], ["32", "xinetd", 3], ["32", "floor", 0.95], ["32", "haproxy", 0.45],
        ["1000", "sslh-fork", 2], ["1000", "haproxy", 0.45]
        | { figure: "conc-\(.[0]).rate", what: "short connections, \(.[0]) at once", peer: .[1], least: .[2] }),
    { figure: "conc-1000.rate", than: "conc-32.rate", what: "short connections, 1000 at once / 32", least: 0.95 },
    (["sslh-fork", 0.5], ["haproxy", 1.5]
        | { figure: "conc-1.added_us", what: "added latency, one at a time", peer: .[0], most: .[1] }),
    (["bulk-up", "one stream up"], ["bulk-down", "one stream down"] | . as $way
        | ["haproxy", 1.3], ["nginx", 1.3], ["sslh-fork", 1.5], ["direct", 0.6]
        | { figure: "\($way[0]).gbit_s", what: "bulk, \($way[1])", peer: .[0], least: .[1] }),
    (["haproxy", 0.7], ["nginx", 0.7]
        | { figure: "bulk-up.cpu_s_gib", what: "processor time for each GiB", peer: .[0], most: .[1] }),
    { figure: "ping-pong.median_us", what: "one byte there and back", peer: "haproxy", most: 1 },
    { figure: "ping-pong.steps", what: "round trips that took longer than 30 ms", most: 0, every: true },
    { figure: "scale-6000.rate", than: "scale-0.rate", what: "short connections beside 6,000 idle / beside none",
      least: 0.9 },
    { figure: "scale-6000.rate", what: "short connections beside 6,000 idle", peer: "sslh-fork", least: 1.9 },
    (["10000", "10,000 strings", 0.95], ["10000-mixed", "10,000 mixed", 0.85]
        | { figure: "services-32.rate", what: "short connections with \(.[1])", of: .[0], peer: "1", least: .[2] }),
    { figure: "services-32.undecided_page_tables_kib", what: "page tables of an undecided dispatcher, 10,000 services",
      of: "10000", peer: "1", most: 1.1 },
    { figure: "services-32.undecided_private_kib", what: "private memory of the same, KiB", of: "10000", most: 16 },
    { figure: "services-32.both_mib", what: "daemon, zygote and plan with 10,000, MiB", of: "10000", most: 20 },
    { figure: "services-32.start_ms", what: "start to first answer with 10,000, ms", of: "10000", most: 45 },
    { figure: "services-check.ms", what: "`check` of 10,000 mixed, ms", of: "10000-mixed", most: 600 },
    (["usual", "its usual window"], ["wide", "a window of 64 KiB"]
        | { figure: "names-\(.[0]).lost", what: "shapes of a ClientHello whose name is not found, \(.[1])",
            most: 0, every: true }),
    (["haproxy", "nginx"][]
        | { figure: "names-short-32.rate", what: "short TLS connections, 32 at once", peer: ., least: 1 },
          { figure: "names-short-32.cpu_s_1000", what: "processor time of one of them", peer: ., most: 1 }),
    (["floor", 0.95], ["portsplit-string", 0.95]
        | { figure: "names-short-32.rate", what: "short TLS connections, 32 at once", peer: .[0], least: .[1] }),
    { figure: "decide, names in one service.look, ns", what: "a decision with 100,000 names", of: "100000",
      peer: "1", most: 2 },
    { figure: "tail-reload.p99_us", than: "tail-alone.p99_us", what: "99 % of paced clients: a reload each second / alone",
      most: 1.5 },
    { figure: "tail-reload.p99_us", than: "tail-alone.p99_us", what: "the same with 10,000 services",
      of: "portsplit-10000", most: 2 },
    { figure: "tail-bulk-8.p99_us", what: "99 % of paced clients beside bulk at 8 Gbit/s", peer: "haproxy", most: 1.2 },
    { figure: "tail-bulk.p99_us", than: "tail-alone.p99_us", what: "99 % of paced clients: bulk at full speed / alone",
      most: 5 },
    (["floor", 1.08], ["sslh-fork", 0.53]
        | { figure: "memory-3000.all_each", what: "memory of an idle connection", peer: .[0], most: .[1] }),
    { figure: "memory-10000.idle_cpu_ms", what: "processor time of all 10,000 in a second, ms", most: 10, every: true },
    { figure: "exec-bulk.gbit_s", what: "a program, bulk", peer: "exec-floor", least: 0.98 },
    { figure: "exec-ping-pong.rate", what: "a program, one byte there and back", peer: "exec-floor",
      least: 0.98 },
    { figure: "exec-short-32.rate", what: "`--inetd` under tcpserver, connections", of: "inetd",
      peer: "tcpserver", least: 0.5 }
];

map(derive | without_unknown)
| map(select(.peer == "direct")) as $direct
| map(if any($direct[]; .workload == "memory-3000" or .workload == "conc-1") and .peer != "direct"
        and (.workload | test("^(conc|memory)")) then beyond($direct) else . end)
| [.[] | . as { $workload, $peer, $round } | .figures | to_entries[]
    | { figure: "\($workload).\(.key)", peer: $peer, round: $round, value: .value }] as $samples

| def samples($figure; $peer):
    [$samples[] | select(.figure == $figure and .peer == $peer)] | sort_by(.round);

{
    machine: $machine, versions: $versions, left_out: $left_out,
    rounds: (map(.round) | max),
    workloads: (reduce .[].workload as $name ([]; if index([$name]) then . else . + [$name] end)),
    figures: ($samples | group_by([.figure, .peer])
        | map({ figure: .[0].figure, peer: .[0].peer } + (map(.value) | spread)
            + { samples: map(.value) })),
    goals: (goals | map(. as $goal
        | samples($goal.figure; $goal.of // "portsplit") as $ours
        | (samples($goal.than // $goal.figure; $goal.peer // $goal.of // "portsplit")
            | map({ "\(.round)": .value }) | add) as $theirs
        | [$ours[] | if ($goal.peer // $goal.than) == null then .value
            else select($theirs["\(.round)"] > 0) | .value / $theirs["\(.round)"] end] as $ratios
        | select(($ratios | length) > 0)
        | $goal + ($ratios | spread)
        | .met = (if .least then .median >= .least
            elif .every then .max <= .most else .median <= .most end)
        # Else the goal lies within what the rounds gave, or there was one round: another run may decide otherwise.
        | .resolved = (($ratios | length) > 1
            and ((.least // .most) as $at | .min > $at or .max < $at or .min == .max))))
}
