// What Ctrl-C leaves behind: nothing.
#pragma once

#include <string>

namespace lathe::cli {

// From now on SIGINT, SIGTERM and SIGHUP end the process at once, with 128 + the signal's number as a shell has it (130
// for Ctrl-C), a sentence on stderr, and without the file that is named below.
void end_quietly_on_signals();

// Names the one file that a signal removes; empty: none.
void remove_on_signals(const std::string& path);

}  // namespace lathe::cli
