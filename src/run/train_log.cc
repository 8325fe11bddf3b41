#include "run/train_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/atomic_file.h"

namespace lathe::run {
namespace {

using Json = nlohmann::ordered_json;
using Kind = TrainEvent::Kind;

constexpr int64_t kMostLog = int64_t{4} << 30;
constexpr size_t kBuffer = 64 << 10;
constexpr const char* kColumns =
    "step,epoch,loss,smoothed,learning_rate,gradient_norm,tokens,seconds,tokens_per_second,flops_per_second,"
    "ceiling_share\n";

constexpr const char* kKinds[] = {"step", "evaluation", "sample", "checkpoint", "warning"};

double share(const TrainEvent& e) { return e.ceiling > 0 ? e.flop_rate() / e.ceiling : 0; }

// Six digits say what there is to say, and keep a line short.
double rounded(double value) {
  return std::isfinite(value) && value != 0 ? std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr) : value;
}

void add_step(const TrainEvent& e, Json& json) {
  json["epoch"] = rounded(e.epoch);
  json["loss"] = e.loss;
  json["smoothed"] = rounded(e.smoothed);
  json["learning_rate"] = rounded(e.rate);
  json["gradient_norm"] = rounded(e.gradient_norm);
  if (!e.part_norms.empty()) {
    Json& parts = json["gradient_norms"] = Json::object();
    for (const auto& [part, norm] : e.part_norms) parts[std::string(part)] = rounded(norm);
    Json& layers = parts["layers"] = Json::array();
    for (const double norm : e.layer_norms) layers.push_back(rounded(norm));
  }
  if (!e.ranges.empty()) {
    Json& ranges = json["activation_ranges"] = Json::array();
    for (const float range : e.ranges) ranges.push_back(rounded(range));
  }
  json["tokens"] = e.tokens;
  json["seconds"] = rounded(e.seconds);
  json["tokens_per_second"] = rounded(e.tokens_per_second());
  json["flops_per_second"] = rounded(e.flop_rate());
  if (e.ceiling > 0) json["ceiling_share"] = rounded(share(e));
  Json phases = Json::object();
  for (const auto& [name, seconds] : e.phases) phases[std::string(name)] = rounded(seconds);
  json["phases"] = std::move(phases);
}

// The step that a line of either file is about; nothing where it is no whole line.
bool step_of_line(std::string_view line, int64_t* step) {
  size_t at = 0;
  if (line.starts_with('{')) {
    at = line.find("\"step\":");
    if (at == std::string_view::npos) return *step = 0, true;  // a line about the run
    at += 7;
  }
  return std::from_chars(line.data() + at, line.data() + line.size(), *step).ec == std::errc() ||
         line.starts_with("step,");
}

Status cut_after(const std::string& path, int64_t step) {
  const auto text = read_file(path, kMostLog);
  if (!text) return text.status().code() == Code::not_found ? Status() : text.status();
  std::string kept;
  std::string_view rest = *text;
  for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    const std::string_view line = rest.substr(0, end);
    int64_t of = 0;
    if (step_of_line(line, &of) && of <= step) kept.append(line).push_back('\n');
    rest.remove_prefix(end + 1);
  }
  return kept == *text ? Status() : write_file(path, kept);
}

Result<int> open_to_append(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return io_error(path + ": cannot be opened: " + std::strerror(errno));
  return fd;
}

}  // namespace

std::string event_json(const TrainEvent& e) {
  Json json = {{"event", kKinds[static_cast<size_t>(e.kind)]}, {"step", e.step}};
  if (e.kind == Kind::step) add_step(e, json);
  if (e.kind == Kind::evaluation) {
    json["loss"] = e.loss;
    json["smoothed"] = rounded(e.smoothed);
    json["best"] = e.best;
    if (e.recall >= 0) json["recall_at_1"] = rounded(e.recall);
    json["seconds"] = rounded(e.seconds);
  }
  if (e.kind == Kind::sample || e.kind == Kind::warning) json["text"] = e.text;
  if (e.kind == Kind::checkpoint) {
    json["path"] = e.text;
    json["best"] = e.best;
    json["seconds"] = rounded(e.seconds);
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<TrainLog> TrainLog::open(const std::string& folder, int64_t step, const std::string& head) {
  const std::string lines_path = folder + "/log.jsonl", rows_path = folder + "/log.csv";
  for (const std::string& path : {lines_path, rows_path})
    if (Status status = cut_after(path, step); !status.ok()) return status;
  const auto lines = open_to_append(lines_path);
  if (!lines) return lines.status();
  const auto rows = open_to_append(rows_path);
  if (!rows) {
    ::close(*lines);
    return rows.status();
  }
  TrainLog log(*lines, *rows);
  if (::lseek(log.rows_, 0, SEEK_END) == 0) log.row_buffer_ = kColumns;
  if (!head.empty()) log.line(head);
  return log;
}

TrainLog::TrainLog(TrainLog&& other) noexcept
    : lines_(std::exchange(other.lines_, -1)),
      rows_(std::exchange(other.rows_, -1)),
      line_buffer_(std::move(other.line_buffer_)),
      row_buffer_(std::move(other.row_buffer_)),
      status_(std::move(other.status_)) {}

TrainLog::~TrainLog() {
  if (lines_ < 0) return;
  flush();
  ::close(lines_);
  ::close(rows_);
}

void TrainLog::line(std::string_view json) {
  line_buffer_.append(json).push_back('\n');
  if (line_buffer_.size() > kBuffer) flush();
}

void TrainLog::add(const TrainEvent& e) {
  line(event_json(e));
  if (e.kind == Kind::checkpoint) flush();  // a run may go on from it, whatever becomes of this process
  if (e.kind != Kind::step) return;
  row_buffer_ += fmt::format("{},{:.6g},{:.9g},{:.6g},{:.6g},{:.6g},{},{:.6g},{:.6g},{:.6g},{:.4g}\n", e.step, e.epoch,
                             e.loss, e.smoothed, e.rate, e.gradient_norm, e.tokens, e.seconds, e.tokens_per_second(),
                             e.flop_rate(), share(e));
}

void TrainLog::flush() {
  if (!write_all(lines_, line_buffer_) || !write_all(rows_, row_buffer_))
    status_ = io_error(std::string("the log cannot be written: ") + std::strerror(errno));
  line_buffer_.clear();
  row_buffer_.clear();
}

}  // namespace lathe::run
