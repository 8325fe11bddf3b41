// Makes the cooperative matrices of a SPIR-V module those of SPV_KHR_cooperative_matrix, which drivers of every vendor
// take: the same instructions as SPV_NV_cooperative_matrix has, under other numbers, their operands in another order.
// Shaders are written in the words of GL_NV_cooperative_matrix because Debian 12's glslc knows no others.
//
//   khr_matrices MODULE.spv WORDS.inc
//
// WORDS.inc is as glslc -mfmt=c writes it. Known is what shaders/ uses: types, loads, stores, products.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Words = std::vector<uint32_t>;

// Of the SPIR-V registry.
constexpr uint32_t kMagic = 0x07230203;
constexpr size_t kHeader = 5, kBound = 3;
constexpr uint32_t kExtension = 10, kCapability = 17, kTypeInt = 21, kConstantTrue = 41, kConstantFalse = 42,
                   kConstant = 43;
constexpr uint32_t kTypeNv = 5358, kLoadNv = 5359, kStoreNv = 5360, kMulAddNv = 5361, kLengthNv = 5362;
constexpr uint32_t kTypeKhr = 4456, kLoadKhr = 4457, kStoreKhr = 4458, kMulAddKhr = 4459;
constexpr uint32_t kCapabilityNv = 5357, kCapabilityKhr = 6022;
constexpr std::string_view kExtensionNv = "SPV_NV_cooperative_matrix", kExtensionKhr = "SPV_KHR_cooperative_matrix";

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

struct Instruction {
  uint32_t op;
  std::vector<uint32_t> operands;
  uint32_t at(size_t index) const {
    if (index < operands.size()) return operands[index];
    fail("instruction " + std::to_string(op) + " has " + std::to_string(operands.size()) + " operands");
  }
  std::vector<uint32_t> from(size_t index) const {
    return {operands.begin() + static_cast<std::ptrdiff_t>(std::min(index, operands.size())), operands.end()};
  }
};

std::vector<Instruction> instructions_of(const Words& module) {
  if (module.size() < kHeader || module[0] != kMagic) fail("is no SPIR-V module in this machine's byte order");
  std::vector<Instruction> all;
  for (size_t at = kHeader; at < module.size();) {
    const size_t count = module[at] >> 16;
    if (count == 0 || count > module.size() - at) fail("ends within the instruction at word " + std::to_string(at));
    all.push_back({module[at] & 0xffff,
                   {module.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                    module.begin() + static_cast<std::ptrdiff_t>(at + count)}});
    at += count;
  }
  return all;
}

// KHR's types say which operand of a product they are: 0 A, 1 B, 2 C. Products tell.
std::map<uint32_t, uint32_t> uses_of_types(const std::vector<Instruction>& instructions) {
  std::map<uint32_t, uint32_t> uses, type_of;
  for (const Instruction& i : instructions) {
    if (i.op == kTypeNv) uses[i.at(0)] = UINT32_MAX;
    if (i.operands.size() >= 2 && uses.count(i.operands[0]) > 0) type_of[i.operands[1]] = i.operands[0];
    if (i.op != kMulAddNv) continue;
    for (uint32_t use = 0; use < 3; ++use) {
      uint32_t& known = uses[type_of[i.at(2 + use)]];
      if (known != UINT32_MAX && known != use) fail("one type is of two operands of a product");
      known = use;
    }
  }
  for (const auto& [type, use] : uses)
    if (use == UINT32_MAX) fail("a type is of no product's operand");
  return uses;
}

std::vector<uint32_t> text_words(std::string_view text) {
  std::vector<uint32_t> words(text.size() / 4 + 1);
  std::memcpy(words.data(), text.data(), text.size());
  return words;
}

class Rewriter {
 public:
  explicit Rewriter(const Words& module)
      : instructions_(instructions_of(module)), uses_(uses_of_types(instructions_)), numbers_(module[kBound]) {
    out_.assign(module.begin(), module.begin() + kHeader);
    out_[kBound] = numbers_ + 3;
  }

  Words run() {
    for (const Instruction& i : instructions_) rewrite(i);
    return std::move(out_);
  }

 private:
  void put(uint32_t op, std::vector<uint32_t> operands, const std::vector<uint32_t>& rest = {}) {
    operands.insert(operands.end(), rest.begin(), rest.end());
    out_.push_back(static_cast<uint32_t>(operands.size() + 1) << 16 | op);
    out_.insert(out_.end(), operands.begin(), operands.end());
  }
  // Constants 0, 1 and 2 stand right behind the type of unsigned integers.
  uint32_t number(uint32_t value) const { return numbers_ + value; }
  uint32_t layout(uint32_t column_major) const {
    const auto found = bools_.find(column_major);
    if (found == bools_.end()) fail("whether a matrix is column major is no constant");
    return number(found->second ? 1 : 0);
  }

  void rewrite(const Instruction& i) {
    if (i.op == kConstantTrue || i.op == kConstantFalse) bools_[i.at(1)] = i.op == kConstantTrue;
    if (i.op == kCapability && i.at(0) == kCapabilityNv) return put(kCapability, {kCapabilityKhr});
    if (i.op == kExtension && i.operands == text_words(kExtensionNv)) return put(kExtension, text_words(kExtensionKhr));
    if (i.op == kTypeNv) return put(kTypeKhr, i.operands, {number(uses_.at(i.at(0)))});
    if (i.op == kLoadNv) return put(kLoadKhr, {i.at(0), i.at(1), i.at(2), layout(i.at(4)), i.at(3)}, i.from(5));
    if (i.op == kStoreNv) return put(kStoreKhr, {i.at(0), i.at(1), layout(i.at(3)), i.at(2)}, i.from(4));
    if (i.op == kMulAddNv) return put(kMulAddKhr, i.operands);
    if (i.op == kLengthNv) fail("asks for the length of a matrix, which is not translated");
    put(i.op, i.operands);
    if (i.op == kTypeInt && i.at(1) == 32 && i.at(2) == 0)
      for (uint32_t value = 0; value < 3; ++value) put(kConstant, {i.at(0), number(value), value});
  }

  const std::vector<Instruction> instructions_;
  const std::map<uint32_t, uint32_t> uses_;
  const uint32_t numbers_;
  std::map<uint32_t, bool> bools_;
  Words out_;
};

Words read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file || bytes.size() % 4 != 0) fail("cannot be read as words");
  Words words(bytes.size() / 4);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

void write(const char* path, const Words& words) {
  std::ofstream file(path);
  for (size_t i = 0; i < words.size(); ++i) file << (i == 0 ? "{" : ",") << words[i] << (i % 8 == 7 ? "\n" : "");
  if (!(file << "}\n").flush()) fail(std::string("cannot write ") + path);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: khr_matrices MODULE.spv WORDS.inc\n", stderr), 2;
  try {
    write(argv[2], Rewriter(read(argv[1])).run());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "khr_matrices: %s: %s\n", argv[1], error.what());
    return 1;
  }
  return 0;
}
