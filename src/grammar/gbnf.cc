// The reader of GBNF: recursive descent over characters.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/shown.h"
#include "grammar/builder.h"
#include "tokenize/utf8.h"

namespace lathe::grammar {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Reader {
 public:
  Reader(std::string_view source, const Grammar::Limits& limits) : rest_(source), limits_(limits), builder_(limits) {}

  Grammar run() {
    for (skip_blanks(true); !rest_.empty(); skip_blanks(true)) define();
    return builder_.finish();
  }
  int line() const { return line_; }

 private:
  // What is read.
  bool at(std::string_view text) const { return rest_.starts_with(text); }
  void advance(size_t count) {
    line_ += static_cast<int>(std::count(rest_.begin(), rest_.begin() + static_cast<ptrdiff_t>(count), '\n'));
    rest_.remove_prefix(count);
  }
  bool skip(std::string_view text) { return at(text) && (advance(text.size()), true); }
  void skip_blanks(bool lines) {
    for (;;) {
      if (at("#"))
        advance(std::min(rest_.find('\n'), rest_.size()));
      else if (at(" ") || at("\t") || (lines && (at("\n") || at("\r"))))
        advance(1);
      else
        return;
    }
  }
  [[noreturn]] void unexpected(std::string_view needed) const {
    throw Wrong{fmt::format("found {}, needed: {}", rest_.empty() ? "the end" : shown(rest_.substr(0, 1)), needed)};
  }
  std::string name() {
    size_t length = 0;
    while (length < rest_.size() && is_name_char(rest_[length])) ++length;
    if (length == 0) unexpected("the name of a rule");
    const std::string made(rest_.substr(0, length));
    advance(length);
    return made;
  }

  void define() {
    const std::string rule_name = name();
    skip_blanks(false);
    if (!skip("::=")) unexpected("'::='");
    const uint32_t rule = builder_.rule(rule_name);
    if (builder_.is_defined(rule)) throw Wrong{fmt::format("the rule {} is defined twice", shown(rule_name))};
    skip_blanks(true);
    alternatives(rule, false);
    if (!rest_.empty() && !at("\n") && !at("\r")) unexpected("the end of the line");
  }
  // In a group lines may break anywhere; outside only behind "|".
  void alternatives(uint32_t rule, bool in_group) {
    if (++depth_ > limits_.depth) throw Wrong{fmt::format("groups are nested more than {} deep", limits_.depth)};
    std::vector<Sequence> made;
    do {
      skip_blanks(true);
      made.push_back(sequence(in_group));
    } while (skip("|"));
    for (const Sequence& one : made) builder_.add_alternative(rule, one);
    --depth_;
  }

  Sequence sequence(bool in_group) {
    Sequence made;
    for (;;) {
      Sequence one;
      if (at("\""))
        literal(one);
      else if (at("["))
        one = {character_class()};
      else if (skip("."))
        one = {builder_.characters({}, true)};
      else if (skip("("))
        one = {group()};
      else if (!rest_.empty() && is_name_char(rest_[0]) && !begins_rule())
        one = {{Element::Kind::rule, builder_.rule(name())}};
      else
        return made;
      skip_blanks(in_group);
      one = repetition(one, in_group);
      made.insert(made.end(), one.begin(), one.end());
      if (made.size() > limits_.elements)
        throw Wrong{fmt::format("has more than {} elements when its repetitions are written out", limits_.elements)};
    }
  }
  // "name ::=" stands here; without it a name is a reference.
  bool begins_rule() const {
    size_t end = 0;
    while (end < rest_.size() && is_name_char(rest_[end])) ++end;
    while (end < rest_.size() && (rest_[end] == ' ' || rest_[end] == '\t')) ++end;
    return rest_.substr(end).starts_with("::=");
  }
  Element group() {
    const uint32_t rule = builder_.rule();
    alternatives(rule, true);
    skip_blanks(true);
    if (!skip(")")) unexpected("')'");
    return {Element::Kind::rule, rule};
  }

  Sequence repetition(const Sequence& what, bool in_group) {
    Sequence made = what;
    for (;;) {  // "a?*" is a repetition of a repetition
      if (skip("*"))
        made = builder_.repeated(made, 0, -1);
      else if (skip("+"))
        made = builder_.repeated(made, 1, -1);
      else if (skip("?"))
        made = builder_.repeated(made, 0, 1);
      else if (skip("{"))
        made = counted(made);
      else
        return made;
      skip_blanks(in_group);
    }
  }
  Sequence counted(const Sequence& what) {
    skip_blanks(false);
    const int64_t least = at(",") ? 0 : number();
    int64_t most = least;
    skip_blanks(false);
    if (skip(",")) {
      skip_blanks(false);
      most = at("}") ? -1 : number();
      skip_blanks(false);
    }
    if (!skip("}")) unexpected("'}'");
    if (most >= 0 && most < least)
      throw Wrong{fmt::format("repeats from {} to {} times, needed: no less than from", least, most)};
    return builder_.repeated(what, least, most);
  }
  int64_t number() {
    int64_t made = 0;
    size_t length = 0;
    for (; length < rest_.size() && rest_[length] >= '0' && rest_[length] <= '9'; ++length)
      made = std::min<int64_t>(made * 10 + (rest_[length] - '0'), std::numeric_limits<int32_t>::max());
    if (length == 0) unexpected("a number");
    advance(length);
    return made;
  }

  uint32_t character() {
    if (rest_.empty() || at("\n")) unexpected("a character");
    if (!skip("\\")) {
      const auto [value, bytes] = tokenize::first_code_point(rest_);
      advance(bytes);
      return value;
    }
    if (rest_.empty()) unexpected("an escape");
    const char c = rest_[0];
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    advance(1);
    if (digits > 0) return hexadecimal(digits);
    constexpr std::string_view kFrom = "nrt\"[]\\-^.'/", kTo = "\n\r\t\"[]\\-^.'/";
    const size_t found = kFrom.find(c);
    if (found == kFrom.npos) throw Wrong{fmt::format("unknown escape '\\{}'", c)};
    return static_cast<unsigned char>(kTo[found]);
  }
  uint32_t hexadecimal(size_t digits) {
    uint32_t made = 0;
    for (size_t i = 0; i < digits; ++i) {
      const size_t value =
          rest_.empty() ? 16 : std::string_view("0123456789abcdef").find(static_cast<char>(rest_[0] | 0x20));
      if (value > 15) unexpected(fmt::format("{} hexadecimal digits", digits));
      made = made << 4 | static_cast<uint32_t>(value);
      advance(1);
    }
    if (made > 0x10FFFF || (made >= 0xD800 && made < 0xE000)) throw Wrong{fmt::format("U+{:X} is no character", made)};
    return made;
  }

  void literal(Sequence& out) {
    advance(1);
    while (!skip("\"")) {
      std::string bytes;
      tokenize::append_code_point(character(), bytes);
      for (const char byte : bytes) builder_.append_byte(static_cast<unsigned char>(byte), out);
    }
  }
  Element character_class() {
    advance(1);
    const bool inverted = skip("^");
    CodePoints ranges;
    while (!skip("]")) {
      const uint32_t first = character();
      const bool is_range = at("-") && rest_.size() > 1 && rest_[1] != ']';
      uint32_t last = first;
      if (is_range) advance(1), last = character();
      if (last < first) throw Wrong{fmt::format("the range U+{:04X} to U+{:04X} is empty", first, last)};
      ranges.emplace_back(first, last);
    }
    return builder_.characters(std::move(ranges), inverted);
  }

  std::string_view rest_;
  const Grammar::Limits& limits_;
  Builder builder_;
  int line_ = 1, depth_ = 0;
};

}  // namespace

Result<Grammar> parse_gbnf(std::string_view source, std::string_view name, const Grammar::Limits& limits) {
  if (source.size() > limits.source)
    return invalid_argument(fmt::format("{}: has {} bytes, at most {} are taken", name, source.size(), limits.source));
  if (!tokenize::is_valid_utf8(source)) return invalid_argument(fmt::format("{}: is not UTF-8", name));
  Reader reader(source, limits);
  try {
    return reader.run();
  } catch (const Wrong& error) {
    return invalid_argument(fmt::format("{}, line {}: {}", name, reader.line(), error.what));
  }
}

}  // namespace lathe::grammar
