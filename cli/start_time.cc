#include "start_time.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "platform/clock.h"
#include "platform/executable.h"
#include "platform/files.h"

extern char** environ;

namespace lathe::cli {
namespace {

constexpr int kWarmStarts = 9;

bool drop_pages(const std::vector<std::string>& files) {
  bool dropped = !files.empty();
  for (const std::string& file : files) {
    const bool of_this = drop_cached_pages(file);
    dropped = of_this && dropped;
  }
  return dropped;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_with_cache(const std::string& folder) {
  std::vector<std::string> all = {"XDG_CACHE_HOME=" + folder};
  for (char** e = environ; *e != nullptr; ++e)
    if (!std::string_view(*e).starts_with("XDG_CACHE_HOME=")) all.emplace_back(*e);
  return all;
}

// From the spawn to the last byte of the first line; then the process is waited for.
Result<double> start_once(std::vector<std::string> arguments, const std::string& cache) {
  const auto program = executable_path();
  if (!program) return program.status();
  int ends[2];
  if (!make_pipe(ends)) return io_error(std::string("cannot make a pipe: ") + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  auto environment = environment_with_cache(cache);
  pid_t child = 0;
  const int64_t began = now_ns();
  const int refused = posix_spawn(&child, program->c_str(), &actions, nullptr, pointers(arguments).data(),
                                  pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  int64_t first_line = 0;
  char part[4096];
  for (ssize_t got = 0; refused == 0 && (got = read(ends[0], part, sizeof part)) > 0;)
    if (first_line == 0 && std::memchr(part, '\n', static_cast<size_t>(got)) != nullptr) first_line = now_ns();
  close(ends[0]);
  if (refused != 0) return io_error(std::string("cannot start this program again: ") + std::strerror(refused));
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0 || first_line == 0) return failed("a start of `lathe " + arguments[1] + "` gave no line of output");
  return static_cast<double>(first_line - began) / 1e6;
}

struct Folder {
  std::string path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "lathe-start-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path = name;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace

std::vector<std::string> files_below(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) return {path};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error))
    if (entry.is_regular_file(error)) files.push_back(entry.path().string());
  return files;
}

Result<StartTimes> measure_starts(std::vector<std::string> command, const std::vector<std::string>& files) {
  command.insert(command.begin(), "lathe");
  const Folder cache;
  if (cache.path.empty()) return io_error("cannot make a temporary folder");
  StartTimes times;
  times.dropped = drop_pages(files);
  std::vector<double> ms;
  for (int i = 0; i < 2 + kWarmStarts; ++i) {
    const auto took = start_once(command, cache.path);
    if (!took) return took.status();
    ms.push_back(*took);
  }
  times.cold_ms = ms[0];
  times.second_ms = ms[1];
  std::sort(ms.begin() + 2, ms.end());
  times.warm_best_ms = ms[2];
  times.warm_ms = ms[2 + kWarmStarts / 2];
  return times;
}

}  // namespace lathe::cli
