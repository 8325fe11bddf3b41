#include "stop_signal.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>

namespace lathe::cli {
namespace {

std::atomic<int> asked{0};
std::atomic<const char*> said{nullptr};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<const char*>::is_always_lock_free);

// Calls nothing but what POSIX lets a handler call.
void ask(int signal) {
  if (asked.exchange(signal) != 0) ::_exit(128 + signal);
  const char* text = said.load();
  // Nothing can be done about a stderr that is gone.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

}  // namespace

void stop_on_signals(const char* sentence) {
  said.store(sentence);
  struct sigaction action {};
  action.sa_handler = ask;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);  // nohup keeps its meaning
  }
}

bool stop_asked() { return asked.load(std::memory_order_relaxed) != 0; }
int stop_signal() { return asked.load(); }

}  // namespace lathe::cli
