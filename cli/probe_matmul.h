// The options of `lathe probe matmul`, and what they mean.
#pragma once

#include <string>
#include <vector>

#include "lathe/status.h"
#include "probe/probe.h"
#include "shape_options.h"

namespace lathe::cli {

// --quick: a few samples of each, for a first look; the report says how many were taken.
constexpr double kQuickSeconds = 0.05;
constexpr int kQuickSamples = 5;

struct ProbeOptions {
  std::string device = "cpu";
  std::string preset, shapes_file;
  ShapeOptions shape;
  RunOptions run;
  probe::Options probe;
  bool quick = false, seconds_given = false;
  std::string json, html, csv;
  bool save_plan = false, new_only = false;
  std::string plan_path;  // empty: the default
};

Result<std::vector<probe::Shape>> shapes_to_probe(const ProbeOptions& options);
Status probe_matmul(const ProbeOptions& options);

}  // namespace lathe::cli
