# Converts results.json to the data of a chart: a row for each peer that has one of the figures, with
# median, least and most of each. Argument: figures, separated by blanks.
. as $all | ($figures | split(" ")) as $wanted
| ["direct", "floor", "portsplit", "before", "sslh-fork", "socat", "xinetd", "sslh-select", "haproxy",
    "haproxy-splice", "nginx", "socket-proxyd", "1", "10", "100", "1000", "10000"][]
| . as $peer
| [$wanted[] as $figure | first($all.figures[] | select(.figure == $figure and .peer == $peer)) // null]
| select(any(. != null))
| [$peer, (.[] | if . then .median, .min, .max else "?", "?", "?" end)] | map(tostring) | join("\t")
