#include "platform/thread_times.h"

#include <ctime>

#include "platform/clock.h"

#if defined(__linux__)
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#endif

namespace lathe {

#if defined(__linux__)
namespace {

template <class Visit>
bool for_each_thread(Visit visit) {
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return false;
  while (const dirent* entry = readdir(tasks))
    if (const long tid = std::strtol(entry->d_name, nullptr, 10); tid > 0) visit(tid);  // not "." and ".."
  closedir(tasks);
  return true;
}

// The letter after the name in "tid (name) S ...": the name may hold anything, so the last parenthesis counts.
char state_of(long tid) {
  char path[64], text[256];
  std::snprintf(path, sizeof path, "/proc/self/task/%ld/stat", tid);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;  // it ended meanwhile
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return 0;
  text[length] = 0;
  const char* end_of_name = std::strrchr(text, ')');
  return end_of_name != nullptr && end_of_name[1] == ' ' ? end_of_name[2] : 0;
}

}  // namespace

int64_t live_threads_cpu_ns() {
  int64_t sum = 0;
  const bool told = for_each_thread([&](long tid) {
    // The clock id of a thread, as pthread_getcpuclockid composes it: ~tid in the upper bits, then per-thread (4) and
    // scheduler time (2).
    const clockid_t clock = static_cast<clockid_t>(~static_cast<unsigned>(tid) << 3 | 6u);
    timespec t;
    if (clock_gettime(clock, &t) == 0) sum += int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
  });
  return told ? sum : process_cpu_ns();
}

int other_runnable_threads() {
  const long self = gettid();
  int count = 0;
  for_each_thread([&](long tid) { count += tid != self && state_of(tid) == 'R'; });
  return count;
}
#else
int64_t live_threads_cpu_ns() { return process_cpu_ns(); }
int other_runnable_threads() { return 0; }
#endif

}  // namespace lathe
