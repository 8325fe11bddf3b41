// Errors as values. Bad input never throws and never asserts: it becomes a Status whose sentence names the
// file or the argument, the field, what was found and what was needed.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace lathe {

enum class Code {
  ok,
  invalid_argument,  // the caller's request is malformed (the CLI exits with 2)
  not_found,         // a file, a name, a library that is not there
  unsupported,       // well formed, but this build or this machine cannot do it
  corrupt,           // a file whose content contradicts itself or its checksum
  io,                // the operating system refused a read or a write
  out_of_memory,
  failed,
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::ok; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  Code code_ = Code::ok;
  std::string message_;
};

inline Status invalid_argument(std::string message) { return {Code::invalid_argument, std::move(message)}; }
inline Status not_found(std::string message) { return {Code::not_found, std::move(message)}; }
inline Status unsupported(std::string message) { return {Code::unsupported, std::move(message)}; }
inline Status corrupt(std::string message) { return {Code::corrupt, std::move(message)}; }
inline Status io_error(std::string message) { return {Code::io, std::move(message)}; }
inline Status out_of_memory(std::string message) { return {Code::out_of_memory, std::move(message)}; }
inline Status failed(std::string message) { return {Code::failed, std::move(message)}; }

// A value or the Status that says why there is none (std::expected is C++23).
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T held) : state_(std::move(held)) {}
  Result(Status status) : state_(std::move(status)) { assert(!std::get<1>(state_).ok()); }

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  Status status() const { return ok() ? Status() : std::get<1>(state_); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace lathe
