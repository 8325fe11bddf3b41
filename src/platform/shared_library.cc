#include "platform/shared_library.h"

#include <dlfcn.h>

namespace lathe {

// RTLD_LOCAL: several libraries define cblas_sgemm, and each must find its own.
Result<SharedLibrary> SharedLibrary::open(const std::vector<std::string>& files) {
  std::string tried;
  for (const std::string& file : files) {
    if (void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
      SharedLibrary library;
      library.handle_ = handle;
      library.file_ = file;
      return library;
    }
    const char* why = dlerror();
    tried += (tried.empty() ? "" : "; ") + (why != nullptr ? std::string(why) : file);
  }
  return not_found("no shared library could be opened: " + tried);
}

void* SharedLibrary::address(const char* symbol) const { return dlsym(handle_, symbol); }

}  // namespace lathe
