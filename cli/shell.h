// For tests of the binary: a command line as a shell runs it.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "base/test_files.h"

namespace lathe::cli {

struct Outcome {
  int exit = -1;  // -1: ended by a signal
  std::string out, err;
};

inline std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The line may hold quotes, pipes and redirections of its own; with "2>&1" at its end, `out` is both. There is no
// input.
inline Outcome shell(const std::string& line) {
  const FakeFolder folder("shell");
  const std::string out = folder.path("out"), err = folder.path("err");
  const int status = std::system(("{ " + line + "; } >" + out + " 2>" + err + " </dev/null").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_all(out), read_all(err)};
}

// The binary with these arguments; `environment` is NAME=VALUE, or a command that runs another.
inline Outcome run_lathe(const std::string& arguments, const std::string& environment = "") {
  return shell(environment + " \"" LATHE_BINARY "\" " + arguments);
}

}  // namespace lathe::cli
