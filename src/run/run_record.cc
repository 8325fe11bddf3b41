#include "run/run_record.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace lathe::run {

Result<std::unique_ptr<RunRecord>> RunRecord::open(const Options& options, const RunHooks& hooks) {
  auto log = TrainLog::open(options.folder, options.from.value_or(-1), options.head);
  if (!log) return log.status();
  std::optional<TensorboardLog> board;
  if (options.tensorboard) {
    auto opened = TensorboardLog::open(options.folder, options.from.value_or(0));
    if (!opened) return opened.status();
    board.emplace(std::move(*opened));
  }
  return std::unique_ptr<RunRecord>(new RunRecord(std::move(*log), std::move(board), hooks));
}

RunRecord::RunRecord(TrainLog log, std::optional<TensorboardLog> board, const RunHooks& hooks)
    : log_(std::move(log)),
      board_(std::move(board)),
      to_log_(
          [this](const TrainEvent& event) {
            log_.add(event);
            if (board_) board_->add(event, unix_time());
          },
          [this] {
            log_.flush();
            if (board_) board_->flush();
          }),
      to_watch_(
          hooks.watch ? hooks.watch : [](const TrainEvent&) {}, hooks.idle) {}

void RunRecord::add(TrainEvent&& event) {
  to_log_.push(event);
  to_watch_.push(std::move(event));
}

Result<TrainLoop::End> RunRecord::finish(Result<TrainLoop::End> end, int64_t step) {
  to_log_.finish();
  to_watch_.finish();
  log_.line(nlohmann::ordered_json{{"event", "end"},
                                   {"step", step},
                                   {"reason", !end                               ? end.status().message()
                                              : *end == TrainLoop::End::finished ? "finished"
                                                                                 : "stopped"},
                                   {"dropped_events", dropped()}}
                .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  log_.flush();
  if (end && !log_.status().ok()) return log_.status();
  if (end && board_ && !board_->status().ok()) return board_->status();
  return end;
}

}  // namespace lathe::run
