#include <fmt/format.h>

#include <algorithm>

#include "base/shown.h"
#include "run/verify.h"
#include "run/verify_texts.h"
#include "tokenize/unicode.h"
#include "tokenize/utf8.h"

namespace lathe::run {
namespace {

// What every tokenizer keeps of a text: its letters, digits and signs, in compatibility form and lower case.
std::string letters_of(std::string_view text) {
  std::string valid, form, letters;
  std::vector<int32_t> scratch;
  tokenize::append_valid(text, valid);
  tokenize::append_normalized(valid, tokenize::Form::nfkd, scratch, form);
  for (std::string_view rest = form; !rest.empty();) {
    const tokenize::CodePoint c = tokenize::first_code_point(rest);
    rest.remove_prefix(c.length);
    if (tokenize::is_whitespace(c.value) || tokenize::is_mark(c.value) || tokenize::is_other(c.value)) continue;
    tokenize::append_lower(c.value, letters);
  }
  return letters;
}

enum class Trip : uint8_t { exact, letters, unknown };

Result<Trip> round_trip(const tokenize::Tokenizer& tokenizer, std::string_view text) {
  const auto encoded = tokenizer.encode(text, {.add_special = false, .allow_special = false});
  if (!encoded) return encoded.status();
  for (const int32_t id : encoded->ids)
    if (id < 0 || id >= tokenizer.vocab_size())
      return failed(fmt::format("{} has the id {}, needed: 0 to {}", shown(text), id, tokenizer.vocab_size() - 1));
  const auto decoded = tokenizer.decode(encoded->ids);
  if (!decoded) return decoded.status();
  const int32_t unknown = tokenizer.special().unk;
  if (unknown >= 0 && std::ranges::find(encoded->ids, unknown) != encoded->ids.end()) return Trip::unknown;
  if (*decoded == text) return Trip::exact;
  if (letters_of(*decoded) != letters_of(text))
    return failed(fmt::format("{} comes back as {}, needed: the same letters", shown(text), shown(*decoded)));
  const auto again = tokenizer.encode(*decoded, {.add_special = false, .allow_special = false});
  if (!again) return again.status();
  if (again->ids != encoded->ids)
    return failed(
        fmt::format("{} comes back as {}, which has other ids, needed: the same", shown(text), shown(*decoded)));
  return Trip::letters;
}

}  // namespace

Check check_tokenizer(const tokenize::Tokenizer& tokenizer) {
  Check check{"tokenizer", Check::Outcome::passed, "", {}};
  int counts[3] = {};
  for (const std::string_view text : kVerifyTexts) {
    const auto trip = round_trip(tokenizer, text);
    if (!trip) {
      check.outcome = Check::Outcome::failed;
      check.detail = trip.status().message();
      return check;
    }
    ++counts[static_cast<int>(*trip)];
  }
  check.detail =
      fmt::format("{} of {} tokens: {} texts come back byte by byte, {} letter by letter, {} have unknown tokens",
                  tokenizer.kind(), tokenizer.vocab_size(), counts[0], counts[1], counts[2]);
  check.figures = {{"exact", counts[0]}, {"same_letters", counts[1]}, {"unknown", counts[2]}};
  return check;
}

}  // namespace lathe::run
