# To be sourced: `run COMMAND …` ends with the script, which bash by itself does not see to when it is told to end.

end_with_children() {
    trap '' TERM INT HUP
    local child
    for child in $(jobs -p); do # not a variable of `run`: a signal may come before `$!` has been copied to one
        kill -TERM "$child" 2>/dev/null || true
        wait "$child" || true
    done
    exit "$1"
}
trap 'end_with_children 143' TERM
trap 'end_with_children 130' INT
trap 'end_with_children 129' HUP

run() {
    local status=0
    "$@" &
    wait "$!" || status=$?
    return "$status"
}
