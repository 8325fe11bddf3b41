#include "hub/digest.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace lathe::hub {
namespace {

constexpr size_t kPart = 1 << 20;

using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

}  // namespace

DigestKind digest_kind(std::string_view etag) {
  if (!std::ranges::all_of(etag, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }))
    return DigestKind::none;
  return etag.size() == 64 ? DigestKind::sha256 : etag.size() == 40 ? DigestKind::git_blob : DigestKind::none;
}

std::string_view digest_name(DigestKind kind) { return kind == DigestKind::sha256 ? "SHA-256" : "git's SHA-1"; }

Result<std::string> file_digest(int file, int64_t size, DigestKind kind, const std::string& path) {
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!context ||
      EVP_DigestInit_ex(context.get(), kind == DigestKind::sha256 ? EVP_sha256() : EVP_sha1(), nullptr) != 1)
    return failed(path + ": OpenSSL does not give " + std::string(digest_name(kind)));
  const std::string head = "blob " + std::to_string(size);
  if (kind == DigestKind::git_blob) EVP_DigestUpdate(context.get(), head.c_str(), head.size() + 1);
  std::vector<char> part(kPart);
  for (int64_t at = 0; at < size;) {
    const ssize_t got = ::pread(file, part.data(), part.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return io_error(path + ": cannot be read: " + (got == 0 ? "it ends early" : std::strerror(errno)));
    EVP_DigestUpdate(context.get(), part.data(), static_cast<size_t>(got));
    at += got;
  }
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  unsigned int length = 0;
  EVP_DigestFinal_ex(context.get(), digest, &length);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

}  // namespace lathe::hub
