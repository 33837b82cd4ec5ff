// describe.cpp: the words for the end of a command.
// SPDX-License-Identifier: MIT
#include "exec/describe.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace sluice::exec {
namespace {

constexpr std::size_t kMaxReason = 1024;

std::string signal_name(int signal) {
  const char* const name = ::sigabbrev_np(signal);  // "KILL"; null for real-time signals
  return name == nullptr ? "" : std::string(" (") + name + ")";
}

std::string seconds(std::chrono::milliseconds time) {
  std::array<char, 32> text{};
  const auto whole = time.count() / 1000;
  const auto rest = time.count() % 1000;
  std::snprintf(text.data(), text.size(), "%lld.%03lld", static_cast<long long>(whole),
                static_cast<long long>(rest));
  std::string shown = text.data();
  while (shown.back() == '0') shown.pop_back();
  if (shown.back() == '.') shown.pop_back();
  return shown + " s";
}

}  // namespace

std::string describe(const CommandResult& result, std::chrono::milliseconds timeout) {
  switch (result.end) {
    case CommandResult::End::exited:
      return result.exit_code == 0 ? "" : "exit code " + std::to_string(result.exit_code);
    case CommandResult::End::signalled:
      return "killed by signal " + std::to_string(result.signal) + signal_name(result.signal);
    case CommandResult::End::timed_out:
      return "timed out after " + seconds(timeout);
    case CommandResult::End::cancelled:
      return "cancelled";
    case CommandResult::End::not_started:
      return one_line(result.error, kMaxReason);
  }
  return "ended in an unknown way";
}

bool is_of_the_moment(std::string_view reason) {
  return reason.substr(0, 7) == "cannot ";  // start, run, watch, enter; all others are final
}

std::string one_line(std::string_view text, std::size_t limit) {
  std::string line(cut_text(text, limit));
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  std::replace_if(line.begin(), line.end(), is_control, ' ');
  return line;
}

std::string_view cut_text(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  // Bytes 10xxxxxx continue a character; a run of more than three of them is not UTF-8.
  for (int i = 0; i < 3 && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U; ++i)
    --end;
  return text.substr(0, end);
}

}  // namespace sluice::exec
