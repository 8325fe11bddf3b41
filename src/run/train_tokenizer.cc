#include "run/train_tokenizer.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/atomic_file.h"
#include "base/shown.h"
#include "platform/files.h"
#include "platform/machine.h"
#include "run/sentencepiece_trainer.h"
#include "tokenize/tokenizer.h"
#include "tokenize/wordpiece_training.h"

namespace lathe::run {
namespace {

constexpr int64_t kMostText = 200'000'000, kMostSample = 1'000'000;
constexpr int64_t kReserved = 259;  // unknown, begin, end, and the bytes

using File = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

Status check(const TrainTokenizerOptions& options) {
  if (options.vocabulary <= kReserved || options.vocabulary > 1'000'000)
    return invalid_argument("--vocab is " + std::to_string(options.vocabulary) +
                            ", needed: 260 to 1000000, of which 259 are special tokens and bytes");
  if (options.type != "bpe" && options.type != "unigram" && options.type != "wordpiece")
    return invalid_argument("--type is " + shown(options.type) + ", needed: bpe, unigram or wordpiece");
  const bool json = options.output.ends_with(".json");
  if (json != (options.type == "wordpiece"))
    return invalid_argument("-o is " + shown(options.output) + ", needed: a name in " +
                            (json ? ".model, or --type wordpiece" : ".json for --type wordpiece"));
  return {};
}

// Lines of the documents into a file without a name, which the library reads: its arguments take no path with blanks.
class Lines {
 public:
  Status gather(const TrainTokenizerOptions& options) {
    words_ = options.type == "wordpiece";
    if (!file_) return io_error("a temporary file cannot be made");
    const auto total = corpus_bytes(options.corpus);
    if (!total) return total.status();
    const int64_t stride = std::max<int64_t>(1, *total / kMostText + (*total % kMostText != 0));
    int64_t number = 0;
    Status status = visit_documents(options.corpus, [&](std::string_view document, int64_t) {
      while (!document.empty()) {
        const size_t end = std::min(document.find('\n'), document.size());
        if (end > 0 && number++ % stride == 0) add(document.substr(0, end));
        document.remove_prefix(std::min(end + 1, document.size()));
      }
      return Status();
    });
    if (!status.ok()) return status;
    if (std::fflush(file_.get()) != 0) return io_error("a temporary file cannot be written");
    return lines_ > 0 ? Status() : invalid_argument("the texts have no line that is not empty, needed: text");
  }
  std::string path() const { return path_of_open_file(::fileno(file_.get())); }
  int64_t lines() const { return lines_; }
  int64_t bytes() const { return bytes_; }
  const std::string& sample() const { return sample_; }

 private:
  void add(std::string_view line) {
    const std::string_view written = words_ ? bert_words_.of(line) : line;
    std::fwrite(written.data(), 1, written.size(), file_.get());
    std::fputc('\n', file_.get());
    ++lines_;
    bytes_ += static_cast<int64_t>(line.size()) + 1;
    if (static_cast<int64_t>(sample_.size()) < kMostSample) sample_.append(line).push_back('\n');
  }

  File file_{std::tmpfile(), &std::fclose};
  bool words_ = false;  // WordPiece never looks across words
  tokenize::BertWords bert_words_;
  int64_t lines_ = 0, bytes_ = 0;
  std::string sample_;
};

SentencePieceOptions library_options(const TrainTokenizerOptions& options, const std::string& input) {
  const int threads = options.threads > 0 ? options.threads : this_machine().threads;
  const bool words = options.type == "wordpiece";  // characters that are rare stay unknown, and no byte is a token
  return {{"input", input},
          {"input_format", "text"},
          {"model_type", words ? "bpe" : options.type},
          {"vocab_size", std::to_string(options.vocabulary)},
          {"num_threads", std::to_string(threads)},
          {"self_test_sample_size", "0"},
          {"character_coverage", words ? "0.9999" : "1.0"},
          {"split_digits", words ? "false" : "true"},
          {"allow_whitespace_only_pieces", words ? "false" : "true"},
          {"byte_fallback", words ? "false" : "true"},
          {"normalization_rule_name", "identity"},
          {"max_sentence_length", "65536"},
          {"minloglevel", options.verbose ? "0" : "2"}};
}

}  // namespace

Result<TrainTokenizerReport> train_tokenizer(const TrainTokenizerOptions& options) {
  if (Status status = check(options); !status.ok()) return status;
  Lines lines;
  if (Status status = lines.gather(options); !status.ok()) return status;
  auto model = run_sentencepiece_trainer(library_options(options, lines.path()));
  const bool words = options.type == "wordpiece";
  if (model && words) model = tokenize::wordpiece_json(*model, options.vocabulary);
  if (!model) return model.status();
  const auto tokenizer = words ? tokenize::Tokenizer::from_json(options.output, *model)
                               : tokenize::Tokenizer::from_sentencepiece(options.output, *model);
  if (!tokenizer) return tokenizer.status();
  const auto ids = tokenizer->encode(lines.sample(), {.add_special = false});
  if (!ids) return ids.status();
  if (Status status = write_file(options.output, *model); !status.ok()) return status;
  return TrainTokenizerReport{
      .vocabulary = tokenizer->vocab_size(),
      .lines = lines.lines(),
      .bytes = lines.bytes(),
      .bytes_per_token = static_cast<double>(lines.sample().size()) / static_cast<double>(ids->ids.size())};
}

}  // namespace lathe::run
