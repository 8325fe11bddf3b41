#include "logging.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <string>

namespace lathe::cli {
namespace {

struct Level {
  std::string_view name;
  spdlog::level::level_enum level;
};
constexpr std::array kLevels = {
    Level{"trace", spdlog::level::trace}, Level{"debug", spdlog::level::debug}, Level{"info", spdlog::level::info},
    Level{"warn", spdlog::level::warn},   Level{"error", spdlog::level::err},   Level{"off", spdlog::level::off},
};

constexpr size_t kQueueLength = 1024;

}  // namespace

Status start_logging(std::string_view name) {
  std::string known;
  for (const Level& row : kLevels) {
    if (row.name == name) {
      // A full queue drops its oldest lines: a log must never be what a program waits for.
      spdlog::init_thread_pool(kQueueLength, 1);
      auto logger = spdlog::create_async_nb<spdlog::sinks::stderr_sink_mt>("lathe");
      logger->set_pattern("lathe: %l: %v");
      logger->set_level(row.level);
      spdlog::set_default_logger(std::move(logger));
      return {};
    }
    known += known.empty() ? "" : ", ";
    known += row.name;
  }
  return invalid_argument("--log-level is '" + std::string(name) + "': expected one of " + known);
}

void stop_logging() { spdlog::shutdown(); }

}  // namespace lathe::cli
