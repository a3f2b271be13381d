. "$BERTH_SOURCE/tests/cli/helpers.bash"

# until_true COMMAND...: repeats until it succeeds, for half a minute at most.
until_true() {
    local tries
    for tries in $(seq 600); do
        "$@" && return 0
        sleep 0.05
    done
    return 1
}

cause_of() { berth why --format '{{.Cause}}' "$1"; }
has_cause() { [ "$(cause_of "$1")" = "$2" ]; }
has_health() { [ "$(berth inspect -f '{{.State.Health.Status}}' "$1")" = "$2" ]; }
has_ended() { [ "$(berth inspect -f '{{.State.Status}}' "$1")" = exited ]; }
