// content_key.cpp: a digest that names a task.
// SPDX-License-Identifier: MIT
#include <span>
#include <string_view>

#include "cli/task_source.hpp"

namespace sluice::cli {
namespace {

// FNV-1a, twice from different starts: against accidents, not against enemies. A ventilator
// compares the payloads anyway, so that two tasks under one key are told, never lost.
class Digest {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) {
      constexpr std::uint64_t prime = 0x100000001B3ULL;
      first_ = (first_ ^ static_cast<std::uint64_t>(byte)) * prime;
      second_ = (second_ ^ static_cast<std::uint64_t>(byte) ^ (second_ >> 29)) * prime;
    }
  }
  [[nodiscard]] std::string hex() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint64_t half : {first_, second_})
      for (int shift = 60; shift >= 0; shift -= 4) text += digits[(half >> shift) & 0xF];
    return text;
  }

 private:
  std::uint64_t first_ = 0xCBF29CE484222325ULL;
  std::uint64_t second_ = 0x9E3779B97F4A7C15ULL;
};

}  // namespace

std::string content_key(const Task& task, std::uint64_t number) {
  Digest digest;
  digest.add(std::as_bytes(std::span(task.type.data(), task.type.size())));
  digest.add(std::vector<std::byte>(1));
  digest.add(task.payload);
  return "auto-" + std::to_string(number) + "-" + digest.hex();
}

}  // namespace sluice::cli
