// Properties and normal forms of code points, from utf8proc, under the names that the reference tokenizers use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::tokenize {

bool is_whitespace(uint32_t c);     // White_Space
bool is_punctuation(uint32_t c);    // general category P*, and the ASCII symbols that ispunct() has
bool is_letter(uint32_t c);         // L*
bool is_number(uint32_t c);         // N*
bool is_mark(uint32_t c);           // M*
bool is_nonspacing(uint32_t c);     // Mn
bool is_other(uint32_t c);          // Cc, Cf, Co: what BERT calls a control character
bool is_word(uint32_t c);           // \w: alphabetic, M*, Nd, Pc, joiners
int combining_class(uint32_t c);    // canonical combining class; 0 for a starter
bool is_cjk_ideograph(uint32_t c);  // what BERT puts spaces around

// One code point's lower case, without regard to its neighbours (U+0130 has two code points).
void append_lower(uint32_t c, std::string& out);
uint32_t simple_lower(uint32_t c);

// Appends the full canonical (or compatibility) decomposition of one code point, marks not yet ordered.
void append_decomposed(uint32_t c, bool compatibility, std::vector<int32_t>& out);
// Stable order of marks by combining class, from `from` on. Linear but for the sort of one run of marks.
void order_marks(std::vector<int32_t>& code_points, size_t from);

enum class Form : uint8_t { nfc, nfd, nfkc, nfkd };
// `scratch` keeps its memory between calls.
void append_normalized(std::string_view text, Form form, std::vector<int32_t>& scratch, std::string& out);

// Bytes of the extended grapheme cluster that `text` begins with.
size_t grapheme_length(std::string_view text);

}  // namespace lathe::tokenize
