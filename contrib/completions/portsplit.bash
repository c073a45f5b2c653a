# Completion of portsplit and portsplitd for bash. The words come from the --help of the program.

# _portsplit_words PROGRAM [COMMAND]: prints its options and its commands.
_portsplit_words() {
    "$@" --help 2>/dev/null |
        sed -nE -e 's/^  (-[a-zA-Z], )?(--[a-z-]+).*/\2/p' -e '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p'
}

_portsplit() {
    local program=$1 word=$2 before=$3 words command='' files=yes
    words=$(_portsplit_words "$program")
    case $before in
        --log) words='stderr syslog' ;;
        --to) words='classic libconfig' files=no ;;
        --silence)
            words=$("$program" check --silence '' "" 2>&1 | sed -e 's/.*there are //' -e 's/,//g')
            files=no
            ;;
        --text | --hex | --ready-fd | --idle-exit) words='' files=no ;;
        *)
            # A command is the first word; its own options follow.
            if ((COMP_CWORD > 1)); then
                grep -qx -e "${COMP_WORDS[1]}" <<<"$words" && command=${COMP_WORDS[1]}
                words=$(_portsplit_words "$program" ${command:+"$command"} | sed -n '/^-/p')
            fi
            # Options are offered once the word begins with a dash.
            [[ $word == -* ]] || words=$(sed '/^-/d' <<<"$words")
            ;;
    esac
    mapfile -t COMPREPLY < <(
        compgen -W "$words" -- "$word" || :
        [[ $files == no ]] || compgen -f -- "$word"
    )
}

complete -o filenames -F _portsplit portsplit portsplitd
