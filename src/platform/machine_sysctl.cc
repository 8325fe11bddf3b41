#include "platform/machine_detect.h"

#if defined(__APPLE__)
#include <sys/sysctl.h>

#include <cctype>
#endif

namespace lathe {

#if defined(__APPLE__)
namespace {

int64_t number(const char* name) {
  int64_t value = 0;  // some are of 4 bytes, the lower ones of these
  size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

std::string text(const char* name) {
  char value[256] = {};
  size_t size = sizeof value - 1;
  return sysctlbyname(name, value, &size, nullptr, 0) == 0 ? value : "";
}

// Of the faster cores, where there are two kinds.
Cache cache(const char* bytes, const char* shared_by) {
  return {number(bytes), static_cast<int>(number("hw.cachelinesize")), static_cast<int>(number(shared_by))};
}

}  // namespace

void describe_by_sysctl(Machine& machine) {
  machine.cpu = machine.signature = text("machdep.cpu.brand_string");
  for (char& c : machine.signature)  // it becomes part of a file's name
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.') c = '-';
  machine.l1d = cache("hw.perflevel0.l1dcachesize", "");
  machine.l2 = cache("hw.perflevel0.l2cachesize", "hw.perflevel0.cpusperl2");
  machine.memory_total = machine.memory_available = number("hw.memsize");
  machine.load = load_averages();
}
#else
void describe_by_sysctl(Machine&) {}
#endif

}  // namespace lathe
