// SHA-256 of bytes, as 64 hexadecimal digits: what files carry against corruption, and what caches are keyed by.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace lathe {

std::string sha256_hex(std::string_view bytes);

// The same of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void add(std::string_view bytes);
  std::string hex();  // of all that was added; nothing is added after it

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lathe
