// lathe embed: texts to vectors, one line of JSON each.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shown.h"
#include "cache_path.h"
#include "commands.h"
#include "hub_path.h"
#include "run/embedder.h"

namespace lathe::cli {
namespace {

struct Options {
  run::EmbedderOptions embedder;
  std::string pooling, dtype = "f32", file, cache;
  bool normalize = false, no_normalize = false;
  std::vector<std::string> texts;
};

constexpr size_t kLinesAtOnce = 1024;

template <class Value, size_t count>
Result<Value> named(const std::string& name, const char* what,
                    const std::pair<std::string_view, Value> (&known)[count]) {
  std::string names;
  for (const auto& [label, value] : known) {
    if (label == name) return value;
    names += (names.empty() ? "" : ", ") + std::string(label);
  }
  return invalid_argument(std::string(what) + " is " + shown(name) + ", needed: one of " + names);
}

constexpr std::pair<std::string_view, Pooling> kPoolings[] = {
    {"mean", Pooling::mean}, {"cls", Pooling::cls}, {"max", Pooling::max}, {"last", Pooling::last_token}};
constexpr std::pair<std::string_view, matmul::Type> kTypes[] = {
    {"f32", matmul::Type::f32}, {"bf16", matmul::Type::bf16}, {"q8_0", matmul::Type::q8_0}};

Result<run::EmbedderOptions> embedder_options(const Options& options) {
  run::EmbedderOptions e = options.embedder;
  e.hub = hub_path();
  e.cache = cache_options(options.cache);
  const auto stored = named(options.dtype, "--dtype", kTypes);
  if (!stored) return stored.status();
  e.stored = *stored;
  if (!options.pooling.empty()) {
    const auto pooling = named(options.pooling, "--pooling", kPoolings);
    if (!pooling) return pooling.status();
    e.pooling = *pooling;
  }
  if (options.normalize && options.no_normalize)
    return invalid_argument("--normalize and --no-normalize are both given, needed: one of them");
  if (options.normalize || options.no_normalize) e.normalize = options.normalize;
  return e;
}

// Lines of `in`, without what ends them, to the embedder and to stdout.
class Writer {
 public:
  explicit Writer(run::Embedder& embedder) : embedder_(embedder) {}

  Status write(const std::vector<std::string>& texts) {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    Status status = embedder_.embed(views, [this](const run::Embedding& e) { return print(e); });
    written_ += static_cast<int64_t>(texts.size());
    return status;
  }
  Status write(std::istream& in, const std::string& name) {
    std::vector<std::string> lines;
    std::string line;
    while (std::getline(in, line)) {
      if (line.ends_with('\r')) line.pop_back();
      lines.push_back(std::move(line));
      if (lines.size() < kLinesAtOnce) continue;
      if (Status status = write(lines); !status.ok()) return status;
      lines.clear();
    }
    if (in.bad()) return io_error("cannot read " + name + ": " + std::strerror(errno));
    return lines.empty() ? Status() : write(lines);
  }
  // Of the whole run: a text that failed makes the exit code 1 behind all the others.
  Status finish() const {
    if (failures_ == 0) return {};
    return failed(fmt::format("{} of {} texts could not be embedded; their lines say why", failures_, written_));
  }

 private:
  Status print(const run::Embedding& e) {
    line_.clear();
    const auto out = std::back_inserter(line_);
    fmt::format_to(out, "{{\"index\":{},", written_ + e.index);
    if (e.status.ok()) {
      fmt::format_to(out, "\"embedding\":[{}],\"tokens\":{},\"truncated\":{}}}\n", fmt::join(e.vector, ","), e.tokens,
                     e.truncated);
    } else {
      ++failures_;
      fmt::format_to(out, "\"error\":\"{}\"}}\n", escaped(e.status.message()));
    }
    if (std::fwrite(line_.data(), 1, line_.size(), stdout) == line_.size()) return {};
    return io_error(std::string("cannot write to standard output: ") + std::strerror(errno));
  }
  static std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out;
  }

  run::Embedder& embedder_;
  int64_t written_ = 0, failures_ = 0;
  std::string line_;
};

Status embed(const Options& options) {
  if (!options.texts.empty() && !options.file.empty())
    return invalid_argument("texts and --file are both given, needed: one of them");
  const auto e = embedder_options(options);
  if (!e) return e.status();
  std::ifstream file;
  if (!options.file.empty()) {
    file.open(options.file);
    if (!file) return not_found("cannot open " + shown(options.file) + ": " + std::strerror(errno));
  }
  auto embedder = run::Embedder::open(*e);
  if (!embedder) return embedder.status();
  Writer writer(*embedder);
  const Status status = !options.texts.empty()  ? writer.write(options.texts)
                        : !options.file.empty() ? writer.write(file, shown(options.file))
                                                : writer.write(std::cin, "standard input");
  return status.ok() ? writer.finish() : status;
}

}  // namespace

void add_embed(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("embed", "Texts to vectors, one line of JSON each");
  auto options = std::make_shared<Options>();
  command->add_option("-m,--model", options->embedder.model, "A model's folder or file, or its Hugging Face name")
      ->required();
  command->add_option("TEXT", options->texts, "Texts; without any, lines of standard input");
  command->add_option("--file", options->file, "Read texts from a file, one a line");
  command->add_option("--pooling", options->pooling, "mean, cls, max or last instead of what the model's files say");
  command->add_flag("--normalize", options->normalize,
                    "Give every vector the length 1, whatever the model's files say");
  command->add_flag("--no-normalize", options->no_normalize, "Leave vectors as they are pooled");
  command->add_option("--dim", options->embedder.dim, "Keep the first N elements");
  command->add_option("--dtype", options->dtype, "How weights are kept in memory: f32, bf16 or q8_0")
      ->capture_default_str();
  add_cache_option(*command, options->cache);
  command->add_option("--threads", options->embedder.threads, "0: what the machine recommends")->capture_default_str();
  command->callback([options, &chosen] { chosen = [options] { return embed(*options); }; });
}

}  // namespace lathe::cli
