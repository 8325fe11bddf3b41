// How errors are told: one line on stderr.
#pragma once

#include <cstdio>
#include <string>

namespace lathe::cli {

// One line whatever it quotes: an argument may hold a line feed or an escape sequence.
inline void complain(std::string message) {
  for (char& c : message)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  std::fprintf(stderr, "lathe: %s\n", message.c_str());
}

}  // namespace lathe::cli
