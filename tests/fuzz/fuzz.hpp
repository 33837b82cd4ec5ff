// fuzz.hpp: how a fuzzer is written, and its input as a row of decisions.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::fuzz {

using Input = std::span<const std::uint8_t>;
using Run = void (*)(Input);

struct Target {
  const char* name;
  Run run;
};

/// Every fuzzer that is linked in, in an ordinary test all of them.
inline std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}
struct Registration {
  Registration(const char* name, Run run) { targets().push_back({name, run}); }
};

/// A promise that must hold whatever the input. libFuzzer reports the exception as a crash, an
/// ordinary test as a failure.
inline void require(bool holds, const char* promise) {
  if (!holds) throw std::logic_error(promise);
}

inline std::string_view text_of(Input input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

/// Takes decisions from bytes. When they are used up all that comes is zero, so that whoever
/// asks goes on until more() is false.
class Choices {
 public:
  explicit Choices(Input input) : rest_(input) {}

  [[nodiscard]] bool more() const { return !rest_.empty(); }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  std::uint64_t bytes(int count) {
    std::uint64_t number = 0;
    for (int i = 0; i < count; ++i) number = number << 8 | byte();
    return number;
  }
  /// From 0 to `bound` - 1.
  std::uint64_t below(std::uint64_t bound) {
    return bound <= 1 ? 0 : (bound <= 256 ? bytes(1) : bytes(4)) % bound;
  }
  bool one_in(std::uint64_t n) { return below(n) == n - 1; }

  /// Any number the wire can carry; mostly one at which something might break.
  std::uint64_t number() {
    constexpr std::uint64_t kMost = (1ULL << 63) - 1;
    constexpr std::uint64_t kEdges[] = {0, 1, 2, 255, 65'535, 65'536, 0x7FFFFFFF, 0xFFFFFFFF,
                                        1ULL << 32, 1ULL << 62, kMost - 1, kMost};
    const std::uint8_t kind = byte();
    if (kind < 128) return kind / 4U;
    if (kind < 224) return kEdges[kind % std::size(kEdges)];
    return bytes(8) & kMost;
  }
  std::uint32_t number32() { return static_cast<std::uint32_t>(number() & 0xFFFFFFFF); }

  std::string text(std::size_t most) {
    std::string out(std::min<std::size_t>(below(most + 1), left()), '\0');
    for (char& c : out) c = static_cast<char>(byte());
    return out;
  }
  template <typename Range>
  const auto& one_of(const Range& range) {
    return range[below(std::size(range))];
  }

 private:
  Input rest_;
};

}  // namespace sluice::fuzz

// SLUICE_FUZZ(x) { ... } is the body of the fuzzer x and has its bytes as `input`. By itself it is
// a libFuzzer program, and in test_fuzz one of many that are fed with what lies in corpus/x.
#ifdef SLUICE_LIBFUZZER
#define SLUICE_FUZZ(name)                                                              \
  static void fuzz_##name(::sluice::fuzz::Input input);                                \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  \
    fuzz_##name({data, size});                                                         \
    return 0;                                                                          \
  }                                                                                    \
  static void fuzz_##name(::sluice::fuzz::Input input)
#else
#define SLUICE_FUZZ(name)                                                              \
  static void fuzz_##name(::sluice::fuzz::Input input);                                \
  static const ::sluice::fuzz::Registration registration_##name(#name, fuzz_##name);   \
  static void fuzz_##name(::sluice::fuzz::Input input)
#endif
