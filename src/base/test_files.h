// Files for tests: a folder of their own, and the real files that a fresh clone does not have.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace lathe {

class FakeFolder {
 public:
  explicit FakeFolder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() / ("lathe_" + name + "_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  FakeFolder(const FakeFolder&) = delete;
  FakeFolder& operator=(const FakeFolder&) = delete;
  ~FakeFolder() { std::filesystem::remove_all(path_); }

  std::string path(const std::string& name = "") const { return name.empty() ? path_ : path_ / name; }
  std::string write(const std::string& name, std::string_view bytes) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

// The root of this checkout; relative to the build folder, where tests run, if the compiler was told relative paths.
inline std::filesystem::path test_sources() {
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
}

// A model that comes with lathe.
inline std::string shipped_model(const std::string& name) { return test_sources() / "models" / name; }

// Where a real file lies: below $LATHE_TEST_DATA, or below ../shared/data as seen from the sources. Tests skip where it
// is absent.
inline std::string test_data(const std::string& name) {
  const char* folder = std::getenv("LATHE_TEST_DATA");
  return (folder ? std::filesystem::path(folder) : test_sources() / "../shared/data") / name;
}

}  // namespace lathe
