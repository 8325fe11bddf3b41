// A thread that waits in the kernel for a word to change.
#pragma once

#include <atomic>
#include <cstdint>

namespace lathe {

// Sleeps while the word holds `expected`. May return early for no reason: every caller looks again.
void park(std::atomic<uint32_t>& word, uint32_t expected) noexcept;
// Wakes all that sleep on the word.
void unpark_all(std::atomic<uint32_t>& word) noexcept;

}  // namespace lathe
