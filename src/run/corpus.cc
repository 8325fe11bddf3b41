#include "run/corpus.h"

#include "base/bounded_json.h"
#include "base/shown.h"
#include "platform/mapped_file.h"

namespace lathe::run {
namespace {

using Visit = std::function<Status(std::string_view, int64_t)>;

constexpr JsonLimits kLineLimits{.depth = 32, .token = int64_t{256} << 20, .values = 100'000};

// What stands before the next `end` in `text`, which then begins behind it.
std::string_view take_until(std::string_view& text, std::string_view end) {
  const size_t at = end.empty() ? std::string_view::npos : text.find(end);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + end.size());
  return part;
}

Status visit_lines(const MappedFile& file, const std::string& field, int64_t before, const Visit& visit) {
  std::string_view rest = file.text();
  for (int64_t number = 1; !rest.empty(); ++number) {
    std::string_view line = take_until(rest, "\n");
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string name = file.path() + " line " + std::to_string(number);
    const auto json = parse_json(line, name, kLineLimits);
    if (!json) return json.status();
    const auto text = json->is_object() ? json->find(field) : json->end();
    if (!json->is_object() || text == json->end() || !text->is_string())
      return invalid_argument(name + ": has no text in the field " + shown(field) +
                              ", needed: an object with one; --field names another");
    const auto& document = text->get_ref<const std::string&>();
    if (document.empty()) continue;
    if (Status status = visit(document, before + (line.data() + line.size() - file.text().data())); !status.ok())
      return status;
  }
  return {};
}

Status visit_text(const MappedFile& file, const std::string& end, int64_t before, const Visit& visit) {
  std::string_view rest = file.text();
  while (!rest.empty()) {
    std::string_view document = take_until(rest, end);
    if (!end.empty()) {  // the line feeds around it are nobody's text
      while (document.starts_with('\n') || document.starts_with('\r')) document.remove_prefix(1);
      while (document.ends_with('\n') || document.ends_with('\r')) document.remove_suffix(1);
    }
    if (document.empty()) continue;
    const int64_t done = before + static_cast<int64_t>(file.text().size() - rest.size());
    if (Status status = visit(document, done); !status.ok()) return status;
  }
  return {};
}

Result<bool> is_json_lines(const CorpusOptions& options, const std::string& path) {
  if (options.format == "text") return false;
  if (options.format == "jsonl") return true;
  if (options.format.empty()) return path.ends_with(".jsonl") || path.ends_with(".ndjson");
  return invalid_argument("--format is " + shown(options.format) + ", needed: text or jsonl");
}

}  // namespace

Result<int64_t> corpus_bytes(const CorpusOptions& options) {
  int64_t bytes = 0;
  for (const std::string& path : options.files) {
    const auto file = MappedFile::open(path);
    if (!file) return file.status();
    bytes += static_cast<int64_t>(file->bytes().size());
  }
  return bytes;
}

Status visit_documents(const CorpusOptions& options, const Visit& visit) {
  int64_t before = 0;
  for (const std::string& path : options.files) {
    const auto lines = is_json_lines(options, path);
    if (!lines) return lines.status();
    const auto file = MappedFile::open(path);
    if (!file) return file.status();
    file->advise(MappedFile::Advice::sequential);
    Status status = *lines ? visit_lines(*file, options.field, before, visit)
                           : visit_text(*file, options.document_end, before, visit);
    if (!status.ok()) return status;
    before += static_cast<int64_t>(file->bytes().size());
  }
  return {};
}

}  // namespace lathe::run
