#include <lathe/status.h>

#include <cstdio>

int main() {
  const lathe::Result<int> result = lathe::not_found("no such thing: this is the consumer's own error");
  std::printf("%s\n", result.status().message().c_str());
  return result.status().code() == lathe::Code::not_found ? 0 : 1;
}
