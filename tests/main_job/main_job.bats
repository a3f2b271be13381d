# network: host
# limit: 1800
# The main job, whole: tests/main_job/demo.sh with Debian's docker and docker-compose taking part. It runs once; a test for each
# step looks for the step's line in the report, which is written only when all checks of the step held.

setup_file() {
    export BERTH_REPORT=$BATS_FILE_TMPDIR/report
    FOCUS_PORT=18080 FOCUS_REGISTRY_PORT=15001 bash "$BERTH_SOURCE/tests/main_job/demo.sh" --peers \
        >"$BERTH_REPORT" 2>"$BATS_FILE_TMPDIR/errors" 3>&- || true
}

went_well() { # number: the step's line, else what the demo said
    grep "^$1" "$BERTH_REPORT" && return 0
    tail -60 "$BATS_FILE_TMPDIR/errors"
    return 1
}

@test "step 1: the base image is bootstrapped" { went_well '1\. '; }
@test "step 2: all images are built" { went_well '2\. '; }
@test "step 3: berth-registry takes them" { went_well '3\. '; }
@test "step 4: a second, empty data root pulls them by digest" { went_well '4\. '; }
@test "step 5: compose up -d --wait" { went_well '5\. '; }
@test "step 6: real requests through API, PostgreSQL, Redis and worker; the database is out of reach of the front network" { went_well '6\. '; }
@test "step 7: no request fails while the engine is killed, and the next one knows everything" { went_well '7\. '; }
@test "step 8: one changed line replaces only the API, data stays" { went_well '8\. '; }
@test "the stock docker command builds the same images" { went_well '   the stock docker'; }
@test "Debian's docker-compose brings the application up and down" { went_well "   Debian's docker-compose"; }
@test "step 9: after compose down -v nothing is left" { went_well '9\. '; }
