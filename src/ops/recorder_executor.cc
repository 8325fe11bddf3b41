#include "ops/recorder_executor.h"

namespace lathe::ops {

gpu::Recording* RecorderExecutor::recording() {
  if (ok() && recording_ == nullptr) {
    auto made = memory_.device().record();
    if (made)
      recording_ = std::move(*made);
    else
      fail(made.status());
  }
  return ok() ? recording_.get() : nullptr;
}

void RecorderExecutor::barrier() {
  if (gpu::Recording* const to = recording()) to->barrier();
}

void RecorderExecutor::end_recording() {
  if (recording_ == nullptr) return;
  fail(recording_->end());
  parts_.push_back(std::move(recording_));
}

// What one submission writes is there for the next.
void RecorderExecutor::sync() {
  if (recording_ != nullptr) barrier();
}

void RecorderExecutor::end_op() {
  if (dispatch_ == Dispatch::op) end_recording();
}

void RecorderExecutor::end_step() {
  if (dispatch_ == Dispatch::layer) end_recording();
}

Result<DeviceProgram> RecorderExecutor::finish() {
  end_recording();
  if (!ok()) return status_;
  return DeviceProgram(std::move(parts_));
}

bool RecorderExecutor::has_tokens(const TextBatch& batch) {
  if (batch.tokens() != tokens_.rows)
    fail(failed("a pass of " + std::to_string(batch.tokens()) + " tokens, needed: the " + std::to_string(tokens_.rows) +
                " that are recorded"));
  return ok();
}

gpu::Place RecorderExecutor::at(const void* host, int64_t bytes) {
  if (!ok()) return {};
  const auto place = memory_.place(host, bytes);
  if (place) return *place;
  fail(place.status());
  return {};
}

gpu::Place RecorderExecutor::constant(const float* values, int64_t count) {
  if (!ok()) return {};
  const auto place = memory_.constant(values, count);
  if (place) return *place;
  fail(place.status());
  return {};
}

void RecorderExecutor::copy(const gpu::Place& from, const gpu::Place& to, int64_t bytes) {
  if (gpu::Recording* const here = recording()) here->copy(*from.buffer, from.at, *to.buffer, to.at, bytes);
}

gpu::ChoiceArgs RecorderExecutor::choice(const float* logits, int64_t count) {
  gpu::ChoiceArgs args;
  args.texts = tokens_.rows;
  args.x = floats(logits, args.texts * count);
  args.ids = tokens_.ids, args.positions = tokens_.positions;
  args.n = args.x_row = count;
  return args;
}

void RecorderExecutor::choose_largest(const float* logits, int64_t count) {
  step(gpu::StepOp::argmax, {.threads = 256}, gpu::ArgmaxArgs{choice(logits, count)});
  end_op();
}

void RecorderExecutor::draw(const float* logits, int64_t count, gpu::DrawArgs args) {
  static_cast<gpu::ChoiceArgs&>(args) = choice(logits, count);
  step(gpu::StepOp::draw, {}, args);
  end_op();
}

}  // namespace lathe::ops
