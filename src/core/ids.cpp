// ids.cpp: how ids look to people.
// SPDX-License-Identifier: MIT
#include "core/ids.hpp"

namespace sluice::core {
namespace {

void append_hex(std::string& out, std::uint8_t byte) {
  constexpr const char* kDigits = "0123456789abcdef";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

}  // namespace

std::string display_id(const Log& log, Seq seq) {
  std::string out;
  for (std::size_t i = 0; i < 4; ++i) append_hex(out, log[i]);
  return out + "-" + std::to_string(raw(seq));
}

std::string hex(const Log& log) {
  std::string out;
  for (const std::uint8_t byte : log) append_hex(out, byte);
  return out;
}

}  // namespace sluice::core
