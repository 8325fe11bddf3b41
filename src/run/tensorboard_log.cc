#include "run/tensorboard_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "formats/tfevents.h"

namespace lathe::run {
namespace {

using Kind = TrainEvent::Kind;

constexpr size_t kBuffer = 64 << 10;

std::string host() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != 0 ? name : "localhost";
}

std::vector<SummaryValue> values_of(const TrainEvent& e) {
  std::vector<SummaryValue> values;
  const auto add = [&](std::string tag, double value) {
    values.push_back({.tag = std::move(tag), .scalar = static_cast<float>(value)});
  };
  if (e.kind == Kind::step) {
    add("loss/train", e.loss);
    add("loss/smoothed", e.smoothed);
    add("learning_rate", e.rate);
    add("tokens_per_second", e.tokens_per_second());
    add("gradient_norm/all", e.gradient_norm);
    for (const auto& [part, norm] : e.part_norms) add("gradient_norm/" + std::string(part), norm);
    for (size_t i = 0; i < e.layer_norms.size(); ++i)
      add(fmt::format("gradient_norm_layer/{:02}", i), e.layer_norms[i]);
    for (size_t i = 0; i < e.ranges.size(); ++i) add(fmt::format("activation_range/{:02}", i), e.ranges[i]);
  }
  if (e.kind == Kind::evaluation) {
    add("loss/validation", e.loss);
    add("loss/validation_smoothed", e.smoothed);
  }
  if (e.kind == Kind::sample && !e.text.empty()) values.push_back({.tag = "sample", .text = e.text});
  return values;
}

}  // namespace

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Result<TensorboardLog> TensorboardLog::open(const std::string& run, int64_t step) {
  const std::string folder = run + "/tensorboard";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return io_error(folder + ": cannot be created: " + error.message());
  const double time = unix_time();
  const std::string path =
      fmt::format("{}/events.out.tfevents.{}.{}.{}", folder, static_cast<int64_t>(time), host(), ::getpid());
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) return io_error(path + ": cannot be opened: " + std::strerror(errno));
  TensorboardLog log(file, path);
  log.record(version_event(time));
  if (step > 0) log.record(restart_event(time, step + 1));
  return log;
}

TensorboardLog::TensorboardLog(TensorboardLog&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      path_(std::move(other.path_)),
      buffer_(std::move(other.buffer_)),
      status_(std::move(other.status_)) {}

TensorboardLog::~TensorboardLog() {
  if (file_ < 0) return;
  flush();
  ::close(file_);
}

void TensorboardLog::record(const std::string& message) {
  buffer_ += tfrecord(message);
  if (buffer_.size() > kBuffer) flush();
}

void TensorboardLog::add(const TrainEvent& event, double time) {
  const auto values = values_of(event);
  if (!values.empty()) record(summary_event(time, event.step, values));
}

void TensorboardLog::flush() {
  if (!write_all(file_, buffer_)) status_ = io_error(path_ + ": cannot be written: " + std::strerror(errno));
  buffer_.clear();
}

}  // namespace lathe::run
