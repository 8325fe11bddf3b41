// The words and figures that a training run is told in.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "run/train_event.h"
#include "run/train_run.h"

namespace lathe::cli {

// What a run will be, some lines.
std::string plan_text(const run::TrainPlan& plan, const std::string& folder);

// One line for an event; a sample has as many as it has.
std::string event_line(const run::TrainEvent& event, int64_t steps);

std::string duration_text(double seconds);  // 59 s, 3:07, 2:05:10
std::string count_text(double count);       // 1234, 56.8k, 1.23M, 4.5G

// A curve of `columns` by `rows` characters, the largest value at the top: block elements, UTF-8. Values are averaged
// by column.
std::vector<std::string> curve(const std::vector<double>& values, size_t columns, size_t rows);

}  // namespace lathe::cli
