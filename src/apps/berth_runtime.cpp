#include "runtime/command/command.h"

int main(int count, char** words) {
    return berth::runtime::run_command_line({words, words + count});
}
