#!/usr/bin/env bash
# Makes the picture of README.md from a real run of the demo. See `usage` below. It is run by hand, and
# contrib/demo.svg is checked in.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
Usage: contrib/picture.sh
Run contrib/demo.sh --once, and write what it prints to contrib/demo.svg, as a terminal shows it.
The picture has light colours, and dark ones where the reader prefers them.
END
}

OUTPUT=contrib/demo.svg
LINE_HEIGHT=20
CHARACTER=843 # the width of one in a font of 14 pixels, in hundredths; textLength makes every font fit it
MARGIN=20

# read_demo: the lines from the command to the end, in LINES.
read_demo() {
    local output
    output=$(contrib/demo.sh --once) || { printf '%s\n' "$output" >&2 && exit 1; }
    mapfile -t LINES < <(printf '%s\n' '$ contrib/demo.sh --once' "$output" |
        sed -E '/^Building/d; s/ +$//' | cat -s | sed '2{/^$/d}')
}

# The longest line, in WIDTH.
measure() {
    local line
    WIDTH=0
    for line in "${LINES[@]}"; do
        ((${#line} <= WIDTH)) || WIDTH=${#line}
    done
}

# class_of LINE: prints the class that colours a line.
class_of() {
    case $1 in
        '$ '*) echo command ;;
        ---* | 'From the log'*) echo faint ;;
        'client '*) echo head ;;
        *' ok') echo row ;;
        *) echo plain ;;
    esac
}

escape() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g' <<<"$1"; }

print_line() {
    local class text length
    class=$(class_of "$1")
    text=$(escape "$1")
    printf -v length '%d.%02d' $((${#1} * CHARACTER / 100)) $((${#1} * CHARACTER % 100))
    [[ $class != row ]] || text="${text% ok}<tspan class=\"good\"> ok</tspan>"
    printf '<text x="%s" y="%s" class="%s" textLength="%s" lengthAdjust="spacingAndGlyphs">%s</text>\n' \
        "$MARGIN" "$2" "$class" "$length" "$text"
}

print_picture() {
    local line width height y=$((MARGIN + 34))
    width=$((WIDTH * CHARACTER / 100 + 2 * MARGIN + 1))
    height=$((y + ${#LINES[@]} * LINE_HEIGHT))
    cat <<END
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $width $height" width="$width" height="$height" role="img" xml:space="preserve">
<title>Six clients on one port: the output of contrib/demo.sh</title>
<style>
.window { fill: #f6f8fa; stroke: #d0d7de }
.button { fill: #afb8c1 }
text { font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre; fill: #1f2328 }
.command, .head { font-weight: bold }
.faint { fill: #59636e }
.good { fill: #1a7f37; font-weight: bold }
@media (prefers-color-scheme: dark) {
.window { fill: #151b23; stroke: #3d444d }
.button { fill: #656c76 }
text { fill: #f0f6fc }
.faint { fill: #9198a1 }
.good { fill: #3fb950 }
}
</style>
<rect class="window" x="0.5" y="0.5" width="$((width - 1))" height="$((height - 1))" rx="8"/>
<circle class="button" cx="20" cy="18" r="5"/><circle class="button" cx="38" cy="18" r="5"/><circle class="button" cx="56" cy="18" r="5"/>
END
    for line in "${LINES[@]}"; do
        [[ -z $line ]] || print_line "$line" "$y"
        y=$((y + LINE_HEIGHT))
    done
    echo '</svg>'
}

case ${1:-} in
    '') ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 64 ;;
esac
read_demo
measure
print_picture >"$OUTPUT.new"
mv "$OUTPUT.new" "$OUTPUT"
echo "$OUTPUT is written."
