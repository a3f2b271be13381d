#include "shim/shim.h"

int main(int argc, char** argv) { return berth::shim::shim_main(argc, argv); }
