#include "text_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/bounded_json.h"
#include "base/shown.h"
#include "tokenize/utf8.h"

namespace lathe::cli {
namespace {

using nlohmann::json;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Status check_text(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return failed("the text holds a NUL byte");
  if (!tokenize::is_valid_utf8(text)) return failed("the text is not valid UTF-8");
  return {};
}

Status read_id(const json& object, std::string& id) {
  const auto found = object.find("id");
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string() && !found->is_number())
    return failed(fmt::format("the id is of type {}, needed: a string or a number", found->type_name()));
  id = found->dump();
  return {};
}

// The parser counts lines of its own, of which there is one.
std::string json_error(std::string message) {
  constexpr std::string_view kName = "JSON: ", kPlace = "parse error at line 1, ";
  if (message.starts_with(kName)) message.replace(0, kName.size(), "the line ");
  if (const size_t at = message.find(kPlace); at != std::string::npos) message.erase(at, kPlace.size());
  return message;
}

// One JSON line: the field with the text, and maybe an id.
Status read_object(const std::string& field, SourceText& item) {
  if (!tokenize::is_valid_utf8(item.text)) return failed("the line is not valid UTF-8");
  const JsonLimits limits = {.token = LineReader::kLongestLine};
  const auto object = parse_json(item.text, "JSON", limits);
  if (!object) return failed(json_error(object.status().message()));
  if (!object->is_object())
    return failed(
        fmt::format("the line is a JSON {}, needed: an object with the field {}", object->type_name(), shown(field)));
  if (Status status = read_id(*object, item.id); !status.ok()) return status;
  const auto text = object->find(field);
  if (text == object->end()) return failed(fmt::format("the object has no field {}", shown(field)));
  if (!text->is_string())
    return failed(fmt::format("the field {} is of type {}, needed: a string", shown(field), text->type_name()));
  item.text = text->get<std::string>();
  return check_text(item.text);
}

Result<bool> is_jsonl(const TextSourceOptions& options) {
  if (options.format.empty()) return options.file.ends_with(".jsonl") || options.file.ends_with(".ndjson");
  if (options.format == "jsonl") return true;
  if (options.format == "lines") return false;
  return invalid_argument("--input-format is " + shown(options.format) + ", needed: one of lines, jsonl");
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }

}  // namespace

Result<TextSource> TextSource::open(const TextSourceOptions& options) {
  TextSource source;
  const auto jsonl = is_jsonl(options);
  if (!jsonl) return jsonl.status();
  source.jsonl_ = *jsonl;
  source.field_ = options.field;
  if (!options.texts.empty()) {
    if (!options.file.empty()) return invalid_argument("texts and --file are both given, needed: one of them");
    if (!options.format.empty()) return invalid_argument("--input-format is given, and the texts are arguments");
    source.arguments_ = options.texts;
    source.total_ = static_cast<int64_t>(options.texts.size());
    return source;
  }
  const bool standard = options.file.empty() || options.file == "-";
  source.fd_ = standard ? STDIN_FILENO : ::open(options.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (source.fd_ < 0) return not_found("cannot open " + shown(options.file) + ": " + std::strerror(errno));
  struct stat info;
  if (::fstat(source.fd_, &info) == 0 && S_ISREG(info.st_mode)) source.total_ = info.st_size;
  source.lines_ = std::make_unique<LineReader>(source.fd_, standard ? "standard input" : shown(options.file));
  return source;
}

TextSource::TextSource(TextSource&& other) noexcept
    : arguments_(std::move(other.arguments_)),
      lines_(std::move(other.lines_)),
      fd_(std::exchange(other.fd_, -1)),
      total_(other.total_),
      line_(other.line_),
      jsonl_(other.jsonl_),
      field_(std::move(other.field_)) {}

TextSource::~TextSource() {
  if (fd_ > STDERR_FILENO) ::close(fd_);
}

bool TextSource::waits_for_terminal() const { return fd_ >= 0 && ::isatty(fd_) == 1; }

Status TextSource::next(std::vector<SourceText>& window) {
  window.clear();
  if (lines_) return next_lines(window);
  for (std::string& text : std::exchange(arguments_, {})) {
    SourceText& item = window.emplace_back();
    item.text = std::move(text);
    item.done = static_cast<int64_t>(window.size());
    item.status = check_text(item.text);
  }
  return {};
}

Status TextSource::next_lines(std::vector<SourceText>& window) {
  size_t bytes = 0;
  while (window.size() < kTexts && bytes < kBytes && (window.empty() || lines_->is_ready())) {
    SourceText item;
    const auto more = next_line(item);
    if (!more) return more.status();
    if (!*more) break;
    bytes += item.text.size();
    window.push_back(std::move(item));
  }
  return {};
}

// A blank line is an empty text, and in JSON lines it is nothing.
Result<bool> TextSource::next_line(SourceText& item) {
  do {
    const auto more = lines_->next(item.text);
    if (!more || !*more) return more;
    if (++line_ == 1 && item.text.starts_with(kByteOrderMark)) item.text.erase(0, kByteOrderMark.size());
  } while (jsonl_ && !lines_->is_too_long() && is_blank(item.text));
  item.line = line_;
  item.done = lines_->bytes();
  if (lines_->is_too_long())
    item.status = failed(fmt::format("the line is longer than the {} MiB allowed", LineReader::kLongestLine >> 20));
  else
    item.status = jsonl_ ? read_object(field_, item) : check_text(item.text);
  if (!item.status.ok()) item.text = {};
  return true;
}

}  // namespace lathe::cli
