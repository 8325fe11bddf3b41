#include "tokenize/tokenizer_file.h"

#include "tokenize/vocab.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

// A value takes up to about 100 bytes, so 300,000 stay below 32 MiB; Gemma's 6,400 added tokens are 58,000 values.
constexpr size_t kMostValues = 300'000;
constexpr size_t kDeepest = 64;

// Builds a document from the parser's events, within limits. Nothing is recursive.
class Document {
 public:
  explicit Document(Json& root) : root_(root) {}

  size_t depth() const { return open_.size(); }
  void key(std::string& text) { key_ = std::move(text); }
  void value(Json one) { place(std::move(one)); }
  void open(Json one) {
    if (open_.size() == kDeepest) wrong("the document is more than {} levels deep", kDeepest);
    open_.push_back(place(std::move(one)));
  }
  void close() { open_.pop_back(); }

 private:
  Json* place(Json one) {
    if (++values_ > kMostValues) wrong("the document has more than {} values beside its vocabulary", kMostValues);
    if (open_.empty()) {
      root_ = std::move(one);
      return &root_;
    }
    Json& parent = *open_.back();
    if (parent.is_object()) return &(parent[key_] = std::move(one));
    parent.push_back(std::move(one));
    return &parent.back();
  }

  Json& root_;
  std::vector<Json*> open_;
  std::string key_;
  size_t values_ = 0;
};

// Where the events go: into the document, or into one of the arrays.
class Reader : public Json::json_sax_t {
 public:
  Reader(TokenizerFile& file, bool vocab_alone) : file_(file), vocab_alone_(vocab_alone), document_(file.document) {}

  bool null() override { return scalar(nullptr); }
  bool boolean(bool v) override { return scalar(v); }
  bool number_integer(number_integer_t v) override { return number(v, static_cast<double>(v)); }
  bool number_unsigned(number_unsigned_t v) override {
    return number(v <= INT64_MAX ? static_cast<int64_t>(v) : -1, static_cast<double>(v));
  }
  bool number_float(number_float_t v, const string_t&) override {
    if (part_ == Part::vocab_list) return add_score(v);
    return scalar(v);
  }
  bool string(string_t& text) override {
    switch (part_) {
      case Part::document:
        return scalar(std::move(text));
      case Part::vocab_list:
        return list_piece(text);
      case Part::merges:
        return merge(text);
      default:
        return scalar(std::move(text));
    }
  }
  bool binary(binary_t&) override { return false; }

  bool start_object(size_t) override {
    if (part_ != Part::document) unexpected();
    if (begins_part("vocab")) {
      enter(Part::vocab_object, "vocab");
      return true;
    }
    document_.open(Json::object());
    return true;
  }
  bool key(string_t& text) override {
    if (part_ == Part::vocab_object) {
      more(file_.pieces.size());
      file_.pieces.push_back(text);
      return true;
    }
    if (document_.depth() == 1) top_ = text;
    if (document_.depth() == 2) below_ = text;
    document_.key(text);
    return true;
  }
  bool end_object() override {
    if (part_ == Part::vocab_object)
      part_ = Part::document;
    else
      document_.close();
    return true;
  }
  bool start_array(size_t) override {
    if (part_ == Part::vocab_list || part_ == Part::merges) {
      if (++inner_ > 1) unexpected();
      items_ = 0;
      return true;
    }
    if (part_ == Part::vocab_object) unexpected();
    if (begins_part("vocab")) {
      enter(Part::vocab_list, "vocab");
      file_.vocab_is_list = true;
    } else if (begins_part("merges")) {
      enter(Part::merges, "merges");
      file_.has_merges = true;
    } else {
      document_.open(Json::array());
    }
    return true;
  }
  bool end_array() override {
    if (part_ == Part::document) {
      document_.close();
    } else if (inner_ > 0) {
      --inner_;
      if (items_ != 2) wrong("field \"{}\": entry {} has {} items, needed 2", field(), count(), items_);
    } else {
      part_ = Part::document;
    }
    return true;
  }
  bool parse_error(size_t at, const std::string&, const Json::exception& error) override {
    // The library's sentence, without its own number.
    const std::string_view text = error.what();
    const size_t colon = text.find("] ");
    wrong("not valid JSON at byte {}: {}", at, colon == text.npos ? text : text.substr(colon + 2));
  }

 private:
  enum class Part { document, vocab_object, vocab_list, merges };

  bool begins_part(std::string_view name) const {
    if (vocab_alone_) return document_.depth() == 0 && name == "vocab";
    return document_.depth() == 2 && top_ == "model" && below_ == name;
  }
  void enter(Part part, std::string_view name) {
    bool& seen = name == "vocab" ? vocab_seen_ : merges_seen_;
    if (seen) wrong("field \"model.{}\" is there twice", name);
    seen = true;
    part_ = part;
    inner_ = 0;
  }
  const char* field() const { return part_ == Part::merges ? "model.merges" : "model.vocab"; }
  size_t count() const { return part_ == Part::merges ? file_.lefts.size() : file_.pieces.size(); }
  [[noreturn]] void unexpected() const {
    const char* needed = part_ == Part::vocab_object ? "an id"
                         : part_ == Part::vocab_list ? "a [piece, score]"
                                                     : "a \"left right\" or [left, right]";
    wrong("field \"{}\": entry {} is not {}", field(), count(), needed);
  }
  void more(size_t have) const {
    if (have >= static_cast<size_t>(kMostPieces)) wrong("field \"{}\" has more than {} entries", field(), kMostPieces);
  }

  bool scalar(Json v) {
    if (part_ != Part::document) unexpected();
    document_.value(std::move(v));
    return true;
  }
  bool number(int64_t whole, double real) {
    if (part_ == Part::vocab_list) return add_score(real);
    if (part_ != Part::vocab_object) return scalar(whole);
    if (whole < 0 || whole >= kMostPieces)
      wrong("field \"model.vocab\": id {} of \"{}\" is not in 0 to {}", real, file_.pieces[file_.pieces.size() - 1],
            kMostPieces - 1);
    file_.ids.push_back(whole);
    return true;
  }
  bool list_piece(std::string_view text) {
    if (inner_ != 1 || items_++ != 0) unexpected();
    more(file_.pieces.size());
    file_.pieces.push_back(text);
    return true;
  }
  bool add_score(double score) {
    if (inner_ != 1 || items_++ != 1) unexpected();
    file_.scores.push_back(score);
    return true;
  }
  // "left right", or the items of [left, right].
  bool merge(std::string_view text) {
    more(file_.lefts.size());
    if (inner_ == 1) {
      if (items_ > 1) unexpected();
      (items_++ == 0 ? file_.lefts : file_.rights).push_back(text);
      return true;
    }
    const size_t space = text.find(' ');
    if (space == text.npos || text.find(' ', space + 1) != text.npos)
      wrong("field \"model.merges\": entry {} is \"{}\", needed two pieces and one space between them", count(), text);
    file_.lefts.push_back(text.substr(0, space));
    file_.rights.push_back(text.substr(space + 1));
    return true;
  }

  TokenizerFile& file_;
  bool vocab_alone_;
  Document document_;
  Part part_ = Part::document;
  std::string top_, below_;
  size_t inner_ = 0, items_ = 0;
  bool vocab_seen_ = false, merges_seen_ = false;
};

}  // namespace

TokenizerFile read_tokenizer_file(std::string_view json, bool vocab_alone) {
  TokenizerFile file;
  Reader reader(file, vocab_alone);
  if (!Json::sax_parse(json.begin(), json.end(), &reader)) wrong("not valid JSON");
  const bool object = vocab_alone ? file.document.is_null() : file.document.is_object();
  if (!object) wrong("found no JSON object");
  return file;
}

Json read_document(std::string_view json) {
  TokenizerFile file;
  Reader reader(file, false);
  if (!Json::sax_parse(json.begin(), json.end(), &reader)) wrong("not valid JSON");
  return std::move(file.document);
}

}  // namespace lathe::tokenize
