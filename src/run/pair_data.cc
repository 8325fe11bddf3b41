#include "run/pair_data.h"

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>

#include "base/bounded_json.h"
#include "base/sha256.h"
#include "base/shown.h"
#include "platform/mapped_file.h"
#include "run/text_cutter.h"

namespace lathe::run {
namespace {

constexpr JsonLimits kLineLimits{.depth = 32, .token = 64 << 20, .values = 100'000};
constexpr size_t kMostTexts = size_t{1} << 31;

using Columns = std::array<std::string, 3>;

bool blank(std::string_view text) { return text.find_first_not_of(" \t\r") == text.npos; }

// How many columns a line has; 0: more than three.
size_t split(std::string_view line, Columns& columns) {
  for (size_t count = 0; count < columns.size();) {
    const size_t tab = line.find('\t');
    columns[count++] = std::string(line.substr(0, tab));
    if (tab == line.npos) return count;
    line.remove_prefix(tab + 1);
  }
  return 0;
}

}  // namespace

class PairData::Reader {
 public:
  Reader(const std::string& path, const PairFields& fields, tokenize::Tokenizer tokenizer)
      : path_(path), fields_(fields), cutter_(std::move(tokenizer)) {}

  Result<PairData> read(int64_t max_tokens) {
    const auto file = MappedFile::open(path_);
    if (!file) return file.status();
    if (Status status = cutter_.set_options({.max_tokens = max_tokens}); !status.ok()) return status;
    const bool json = path_.ends_with(".jsonl") || path_.ends_with(".ndjson");
    std::string_view rest = file->text();
    for (line_ = 1; !rest.empty(); ++line_) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (blank(line)) continue;
      const Status status = json ? add_json(line) : add_columns(line);
      if (!status.ok()) return status;
    }
    if (data_.sides_ == 0) return invalid_argument(path_ + ": holds no pair, needed: a line for each");
    data_.sha256_ = sha256_hex(file->text());
    return std::move(data_);
  }

 private:
  std::string here() const { return path_ + " line " + std::to_string(line_); }

  Status add_columns(std::string_view line) {
    Columns columns;
    const size_t count = split(line, columns);
    if (count < 2)
      return invalid_argument(here() + ": has " + (count == 1 ? "one column" : "more than three columns") +
                              ", needed: an anchor, a tab and a positive, and maybe a tab and a negative");
    return add(columns, static_cast<int64_t>(count));
  }

  Status add_json(std::string_view line) {
    const auto json = parse_json(line, here(), kLineLimits);
    if (!json) return json.status();
    Columns columns;
    const std::string* names[] = {&fields_.anchor, &fields_.positive, &fields_.negative};
    int64_t count = 0;
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto text = json->is_object() ? json->find(*names[i]) : json->end();
      const bool there = json->is_object() && text != json->end();
      if (!there && i == 2) break;
      if (!there || !text->is_string())
        return invalid_argument(here() + ": has no text in the field " + shown(*names[i]) +
                                ", needed: an object with one; --anchor, --positive and --negative name others");
      columns[i] = text->get<std::string>();
      ++count;
    }
    return add(columns, count);
  }

  Status add(const Columns& columns, int64_t count) {
    if (data_.sides_ == 0) data_.sides_ = count;
    if (data_.sides_ != count)
      return invalid_argument(here() + ": has " + std::to_string(count) +
                              " texts, needed: " + std::to_string(data_.sides_) + " as in the lines before");
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      if (blank(columns[i])) return invalid_argument(here() + ": has an empty text, needed: one with words");
      const auto number = number_of(columns[i]);
      if (!number) return number.status();
      data_.texts_.push_back(*number);
    }
    return {};
  }

  // A text that is there already keeps its number.
  Result<int32_t> number_of(const std::string& text) {
    const auto [known, is_new] = numbers_.try_emplace(text, static_cast<int32_t>(numbers_.size()));
    if (!is_new) return known->second;
    if (numbers_.size() == kMostTexts) return invalid_argument(here() + ": is beyond 2^31 texts, needed: fewer");
    if (Status status = cutter_.cut(text, cut_); !status.ok())
      return invalid_argument(here() + ": " + status.message());
    if (cut_.ids.empty()) return invalid_argument(here() + ": has a text without tokens, needed: one with words");
    data_.ids_.insert(data_.ids_.end(), cut_.ids.begin(), cut_.ids.end());
    data_.offsets_.push_back(static_cast<int64_t>(data_.ids_.size()));
    data_.cut_ += cut_.truncated ? 1 : 0;
    data_.longest_ = std::max(data_.longest_, static_cast<int64_t>(cut_.ids.size()));
    return known->second;
  }

  const std::string& path_;
  const PairFields& fields_;
  TextCutter cutter_;
  CutText cut_;
  std::unordered_map<std::string, int32_t> numbers_;
  PairData data_;
  int64_t line_ = 0;
};

Result<PairData> PairData::load(const std::string& path, const PairFields& fields, tokenize::Tokenizer tokenizer,
                                int64_t max_tokens) {
  return Reader(path, fields, std::move(tokenizer)).read(max_tokens);
}

int64_t PairData::most_tokens(int64_t count) const {
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < pairs(); ++i) {
    int64_t length = 0;
    for (int64_t side = 0; side < sides_; ++side) {
      const auto text = static_cast<size_t>(texts_[static_cast<size_t>(i * sides_ + side)]);
      length += offsets_[text + 1] - offsets_[text];
    }
    lengths.push_back(length);
  }
  // A batch at the border of two epochs may hold a pair twice.
  std::ranges::sort(lengths, std::greater<>());
  int64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += lengths[static_cast<size_t>(i / 2 % pairs())];
  return sum;
}

void PairData::fill(std::span<const int64_t> pairs, Batch& batch) const {
  batch.ids.clear();
  batch.identity.clear();
  batch.offsets.assign(1, 0);
  for (int64_t side = 0; side < sides_; ++side)
    for (const int64_t pair : pairs) {
      const int32_t text = texts_[static_cast<size_t>(pair * sides_ + side)];
      const auto begin = ids_.begin() + offsets_[static_cast<size_t>(text)],
                 end = ids_.begin() + offsets_[static_cast<size_t>(text) + 1];
      batch.ids.insert(batch.ids.end(), begin, end);
      batch.identity.push_back(text);
      batch.offsets.push_back(static_cast<int64_t>(batch.ids.size()));
    }
}

}  // namespace lathe::run
