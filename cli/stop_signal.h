// A first signal asks a long command to come to an end in good order; a second one ends it at once.
#pragma once

namespace lathe::cli {

// From now on the first SIGINT, SIGTERM or SIGHUP makes stop_asked() true, and the next one ends the process with 128 +
// its number. `sentence` is said on stderr when the first one comes; it must live as long as the process.
void stop_on_signals(const char* sentence);
bool stop_asked();
int stop_signal();  // which it was; 0: none

}  // namespace lathe::cli
