# To be sourced: `run COMMAND …` ends with the script, which bash by itself does not see to when it is told to end.

child=""

end_with_child() {
    trap '' TERM INT HUP
    if [ -n "$child" ]; then
        kill -TERM "$child" 2>/dev/null || true
        wait "$child" || true
    fi
    exit "$1"
}
trap 'end_with_child 143' TERM
trap 'end_with_child 130' INT
trap 'end_with_child 129' HUP

run() {
    local status=0
    "$@" &
    child=$!
    wait "$child" || status=$?
    child=""
    return "$status"
}
