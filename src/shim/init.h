#pragma once

namespace berth::shim {

/// The small process 1 of `--init`: runs the given program as its only child, hands signals on to
/// it, reaps orphans, and ends as the program ends. Never returns but with the exit status.
int init_main(int argument_count, char** arguments);

}  // namespace berth::shim
