// The options of `lathe probe matmul`, and what they mean.
#pragma once

#include <array>
#include <csignal>
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

// While files are written an interrupt is passed over: it would leave a temporary file behind, and it is a matter of
// milliseconds before the command ends anyway. Until then nothing is on the disk and the signal does as it likes.
// Ignored, not blocked: threads of vendor libraries would take a signal that this thread blocks.
class PassOverInterrupts {
 public:
  PassOverInterrupts();
  ~PassOverInterrupts();
  PassOverInterrupts(const PassOverInterrupts&) = delete;
  PassOverInterrupts& operator=(const PassOverInterrupts&) = delete;

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};
  std::array<void (*)(int), kSignals.size()> before_;
};

// "-" is standard output; nothing where `path` is empty.
Status write_output(const std::string& path, const std::string& text);

Result<std::vector<probe::Shape>> shapes_to_probe(const ProbeOptions& options);
Status probe_matmul(const ProbeOptions& options);

}  // namespace lathe::cli
