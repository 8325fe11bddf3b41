// The folder of test data, and files in it. Not part of a checkout: tests that need it are skipped where it is absent.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/atomic_file.h"

namespace lathe::tokenize {

inline std::string test_data_folder() {
  const char* named = std::getenv("LATHE_TEST_DATA");
  return named ? named : "../shared/data";
}
inline std::string test_data(const std::string& path) { return test_data_folder() + "/" + path; }

inline std::string read_test_data(const std::string& path) {
  auto text = read_file(test_data(path), int64_t{1} << 30);
  return text.ok() ? *std::move(text) : std::string();
}

}  // namespace lathe::tokenize

// First in a test that reads `path`.
#define LATHE_NEEDS_TEST_DATA(path)                                 \
  if (!std::filesystem::exists(::lathe::tokenize::test_data(path))) \
  GTEST_SKIP() << ::lathe::tokenize::test_data(path) << " is absent"
