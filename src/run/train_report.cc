#include "run/train_report.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/atomic_file.h"
#include "base/bounded_json.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using nlohmann::json;

constexpr int64_t kMostLog = int64_t{4} << 30;
constexpr size_t kMostPoints = 1500;  // of a curve: more than a screen has columns
constexpr size_t kMostRanges = 300;   // of a curve for each layer
constexpr size_t kMostSamples = 60;
constexpr JsonLimits kLine{.depth = 8, .token = 16 << 20, .values = 2000};

constexpr std::string_view kStyle =
#include "probe/report_style.css.inc"
    ;
constexpr std::string_view kOwnStyle =
#include "run/train_report_style.css.inc"
    ;
constexpr std::string_view kScript =
#include "run/train_report_script.js.inc"
    ;

constexpr std::string_view kHead = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>lathe train</title>
<style>)html";

constexpr std::string_view kBody = R"html(</style>
</head>
<body>
<main>
<header>
<div><h1>lathe train</h1><p class="soft" id="where"></p></div>
<div class="tools"><select id="axis" aria-label="Horizontal axis"><option value="step">by step</option><option value="tokens">by tokens</option><option value="seconds">by time</option></select><button id="theme" type="button">Light / dark</button></div>
</header>
<noscript><p class="card">This page draws itself with the script inside it; the data are the JSON at its end.</p></noscript>
<div class="tiles" id="tiles"></div>
<div class="card"><h2>Loss</h2><p class="soft small">The line is the smoothed training loss, the band behind it the losses themselves, dots the validation.</p><div id="legend"></div><div id="loss"></div></div>
<div class="two charts">
<div class="card"><h2>Learning rate</h2><div id="rate"></div></div>
<div class="card"><h2>Norm of the gradients</h2><div id="norm"></div></div>
<div class="card"><h2>Norm of the gradients by part</h2><p class="soft small">Of the first run.</p><div id="parts"></div></div>
<div class="card"><h2>Range of activations</h2><p class="soft small">Of the first run: the largest magnitude in the residual stream before each layer and behind the last.</p><div id="ranges"></div></div>
<div class="card"><h2>Tokens per second</h2><p class="soft small">Of the steps themselves, without evaluations, samples and saving.</p><div id="speed"></div></div>
<div class="card"><h2>Where the time went</h2><div id="phases"></div></div>
</div>
<div class="card" style="margin-top:16px"><h2>Runs</h2><div class="scroll"><table><thead id="runhead"></thead><tbody id="runrows"></tbody></table></div></div>
<div class="card"><h2>Samples</h2><div id="samples"></div></div>
<div class="card"><h2>Events</h2><div class="scroll"><table><tbody id="events"></tbody></table></div></div>
</main>
<div id="tip" role="tooltip"></div>
<script type="application/json" id="data">)html";

constexpr std::string_view kEnd = R"html(</script>
</body>
</html>
)html";

// Steps in at most kMostPoints parts, each the mean of its steps, with the least and the largest loss.
class Curve {
 public:
  void add(const json& event) {
    const auto number = [&](const char* key) {
      const auto at = event.find(key);
      return at != event.end() && at->is_number() ? at->get<double>() : 0.0;
    };
    tokens_ += number("tokens");
    seconds_ += number("seconds");
    rows_.push_back({number("step"), tokens_, seconds_, number("loss"), number("smoothed"), number("learning_rate"),
                     number("gradient_norm"), number("tokens_per_second"), number("flops_per_second"),
                     number("ceiling_share"), 0, 0, 0, 0, 0});
    const auto norms = event.find("gradient_norms");
    for (size_t part = 0; norms != event.end() && norms->is_object() && part < kParts.size(); ++part)
      if (const auto norm = norms->find(kParts[part]); norm != norms->end() && norm->is_number())
        rows_.back()[kFirstPart + part] = norm->get<double>();
    add_ranges(event);
  }
  double tokens() const { return tokens_; }
  double seconds() const { return seconds_; }

  // Those steps that have ranges, thinned out: their places, and the ranges behind.
  Json json_ranges() const {
    Json out = Json::array();
    const size_t count = std::min(ranges_.size(), kMostRanges);
    for (size_t i = 0; i < count; ++i) out.push_back(ranges_[(i + 1) * ranges_.size() / count - 1]);
    return out;
  }

  Json json_rows() const {
    Json out = Json::array();
    const size_t count = std::min(rows_.size(), kMostPoints);
    for (size_t i = 0; i < count; ++i) {
      const size_t begin = i * rows_.size() / count, end = (i + 1) * rows_.size() / count;
      Row mean = rows_[end - 1];
      double least = rows_[begin][kLoss], most = least;
      for (size_t column = kLoss; column < mean.size(); ++column) {
        double sum = 0;
        for (size_t r = begin; r < end; ++r) sum += rows_[r][column];
        if (column != kSmoothed) mean[column] = sum / static_cast<double>(end - begin);
      }
      for (size_t r = begin; r < end; ++r) {
        least = std::min(least, rows_[r][kLoss]);
        most = std::max(most, rows_[r][kLoss]);
      }
      Json row(mean);
      row.push_back(least);
      row.push_back(most);
      out.push_back(std::move(row));
    }
    return out;
  }

 private:
  static constexpr size_t kLoss = 3, kSmoothed = 4, kFirstPart = 10;
  static constexpr std::array kParts = {"embedding", "attention", "mlp", "norms", "head"};
  using Row = std::array<double, kFirstPart + kParts.size()>;

  void add_ranges(const json& event) {
    const auto ranges = event.find("activation_ranges");
    if (ranges == event.end() || !ranges->is_array()) return;
    std::vector<double> row(rows_.back().begin(), rows_.back().begin() + kLoss);
    for (const json& range : *ranges) row.push_back(range.is_number() ? range.get<double>() : 0.0);
    ranges_.push_back(std::move(row));
  }

  std::vector<Row> rows_;
  std::vector<std::vector<double>> ranges_;
  double tokens_ = 0, seconds_ = 0;
};

class LogReader {
 public:
  Status add(const json& event, const std::string& line) {
    const auto kind = event.is_object() ? event.find("event") : event.end();
    if (!event.is_object() || kind == event.end() || !kind->is_string())
      return corrupt(line + ": is no event, needed: an object with the field 'event'");
    const auto& name = kind->get_ref<const std::string&>();
    if (name == "step") return add_step(event);
    if (name == "start" || name == "resume") start_ = event;
    Json kept(event);
    kept["tokens"] = curve_.tokens();
    kept["at_seconds"] = curve_.seconds();
    (name == "evaluation" ? evaluations_ : name == "sample" ? samples_ : events_).push_back(std::move(kept));
    return {};
  }

  Json result(const std::string& name) {
    while (samples_.size() > kMostSamples) samples_.erase(samples_.begin());
    Json phases = Json::object();
    for (const auto& [phase, seconds] : phases_) phases[phase] = seconds;
    return {{"name", name},
            {"start", start_},
            {"columns", kColumns},
            {"steps", curve_.json_rows()},
            {"ranges", curve_.json_ranges()},
            {"phases", phases},
            {"seconds", curve_.seconds()},
            {"tokens", curve_.tokens()},
            {"evaluations", evaluations_},
            {"samples", samples_},
            {"events", events_}};
  }

 private:
  static constexpr const char* kColumns[] = {"step",
                                             "tokens",
                                             "seconds",
                                             "loss",
                                             "smoothed",
                                             "learning_rate",
                                             "gradient_norm",
                                             "tokens_per_second",
                                             "flops_per_second",
                                             "ceiling_share",
                                             "norm_embedding",
                                             "norm_attention",
                                             "norm_mlp",
                                             "norm_norms",
                                             "norm_head",
                                             "least",
                                             "most"};

  Status add_step(const json& event) {
    curve_.add(event);
    const auto phases = event.find("phases");
    if (phases != event.end() && phases->is_object())
      for (const auto& [phase, seconds] : phases->items())
        if (seconds.is_number()) phases_[phase] += seconds.get<double>();
    return {};
  }

  Curve curve_;
  json start_ = json::object();
  std::map<std::string, double> phases_;
  Json evaluations_ = Json::array(), samples_ = Json::array(), events_ = Json::array();
};

// A text of the log may hold "</script>": in JSON every < stands inside a string, where its escape means the same.
std::string without_tags(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) c == '<' ? out += "\\u003c" : out += c;
  return out;
}

}  // namespace

Result<std::string> train_log_json(std::string_view log, const std::string& name, const std::string& file) {
  LogReader reader;
  for (int64_t number = 1; !log.empty(); ++number) {
    const size_t end = log.find('\n');
    if (end == std::string_view::npos) break;  // the run is writing it, or was killed
    const std::string line = file + " line " + std::to_string(number);
    const auto event = parse_json(log.substr(0, end), line, kLine);
    if (!event) return event.status();
    if (Status status = reader.add(*event, line); !status.ok()) return status;
    log.remove_prefix(end + 1);
  }
  return reader.result(name).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> render_train_report(const std::vector<std::string>& runs) {
  std::string data = "{\"runs\":[";
  for (const std::string& run : runs) {
    const std::string file = run + "/log.jsonl";
    const auto log = read_file(file, kMostLog);
    if (!log && log.status().code() == Code::not_found)
      return not_found(file + ": there is no such file, needed: a folder that 'lathe train' wrote");
    if (!log) return log.status();
    const auto json = train_log_json(*log, fs::path(run + "/").parent_path().filename().string(), file);
    if (!json) return json.status();
    data += (data.back() == '[' ? "" : ",") + *json;
  }
  data += "]}";
  std::string page;
  for (const std::string_view part : {kHead, kStyle, kOwnStyle, kBody}) page += part;
  page += without_tags(data);
  page += "</script>\n<script>";
  page += kScript;
  page += kEnd;
  return page;
}

}  // namespace lathe::run
