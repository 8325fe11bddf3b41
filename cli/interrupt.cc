#include "interrupt.h"

#include <unistd.h>

#include <atomic>
#include <climits>
#include <csignal>
#include <cstring>

namespace lathe::cli {
namespace {

// Read by the handler: fixed memory, published by the flag.
char unfinished[PATH_MAX];
std::atomic<bool> has_unfinished{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void say(const char* text) {
  // Nothing can be done about a stderr that is gone.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

// Calls nothing but what POSIX lets a handler call.
void end(int signal) {
  if (has_unfinished.load()) ::unlink(unfinished);
  if (::isatty(STDERR_FILENO) == 1) say("\r\033[K");
  say(signal == SIGINT ? "lathe: interrupted\n" : "lathe: ended by a signal\n");
  ::_exit(128 + signal);
}

}  // namespace

void end_quietly_on_signals() {
  struct sigaction action {};
  action.sa_handler = end;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);  // nohup keeps its meaning
  }
}

void remove_on_signals(const std::string& path) {
  has_unfinished.store(false);
  if (path.empty() || path.size() >= sizeof unfinished) return;
  std::memcpy(unfinished, path.c_str(), path.size() + 1);
  has_unfinished.store(true);
}

}  // namespace lathe::cli
