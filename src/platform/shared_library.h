// A shared library opened at run time, its symbols kept to itself.
#pragma once

#include <string>
#include <vector>

#include "lathe/status.h"

namespace lathe {

class SharedLibrary {
 public:
  // The first of `files` that opens. It stays open for the life of the process: the worker threads that such libraries
  // start would be left running unmapped code.
  static Result<SharedLibrary> open(const std::vector<std::string>& files);

  const std::string& file() const { return file_; }  // as the loader found it

  // True where the library, or one that it needs, has `symbol`.
  template <class Function>
  bool find(const char* symbol, Function** function) const {
    *function = reinterpret_cast<Function*>(address(symbol));
    return *function != nullptr;
  }

 private:
  void* address(const char* symbol) const;
  void* handle_ = nullptr;
  std::string file_;
};

}  // namespace lathe
