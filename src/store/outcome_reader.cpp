// outcome_reader.cpp: the fields of a line become an outcome again.
// SPDX-License-Identifier: MIT
#include "store/outcome_reader.hpp"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "store/outcome_line.hpp"

namespace sluice::store {
namespace {

using nlohmann::json;

std::string text_of(const json& line, const char* field) {
  const auto at = line.find(field);
  return at != line.end() && at->is_string() ? at->get<std::string>() : std::string();
}
template <typename Number>
Number number_of(const json& line, const char* field) {
  const auto at = line.find(field);
  return at != line.end() && at->is_number_integer() ? at->get<Number>() : Number{};
}

// `digits` digits at `at`; false if there is anything else.
bool digits(std::string_view text, std::size_t at, std::size_t count, int& out) {
  const char* const from = text.data() + at;
  const auto [end, error] = std::from_chars(from, from + count, out);
  return error == std::errc{} && end == from + count;
}

constexpr int kFirstYear = 1970, kLastYear = 2255;  // what a clock of nanoseconds can tell

// 2026-01-31T08:15:00.123456Z; 1970 for anything else, as for a task that never started.
std::chrono::system_clock::time_point time_of(std::string_view text) {
  using namespace std::chrono;
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, us = 0;
  if (text.size() != 27 || !digits(text, 0, 4, y) || !digits(text, 5, 2, mo) ||
      !digits(text, 8, 2, d) || !digits(text, 11, 2, h) || !digits(text, 14, 2, mi) ||
      !digits(text, 17, 2, s) || !digits(text, 20, 6, us))
    return {};
  const year_month_day date(year(y), month(static_cast<unsigned>(mo)),
                            day(static_cast<unsigned>(d)));
  if (!date.ok() || y < kFirstYear || y > kLastYear) return {};
  return sys_days(date) + hours(h) + minutes(mi) + seconds(s) + microseconds(us);
}

// What was not UTF-8 has its exact bytes beside it.
std::string exact(const json& line, const char* field, const char* base64_field) {
  if (auto bytes = read_base64(text_of(line, base64_field)); bytes && !bytes->empty())
    return std::move(*bytes);
  return text_of(line, field);
}

// The line does not name how it ended, but its numbers and its error text tell.
CommandResult::End end_of(const CommandResult& result, Status status, std::string_view error) {
  using End = CommandResult::End;
  if (status == Status::done) return End::exited;
  if (error.substr(0, 9) == "timed out") return End::timed_out;
  if (error.substr(0, 9) == "cancelled") return End::cancelled;
  if (result.signal != 0) return End::signalled;
  const bool unstarted = result.exit_code == 126 || result.exit_code == 127;
  return unstarted && error.substr(0, 9) != "exit code" ? End::not_started : End::exited;
}

CommandResult command_of(const json& line, const Outcome& outcome) {
  CommandResult result;
  result.exit_code = number_of<int>(line, "exit");
  result.signal = number_of<int>(line, "signal");
  result.out = exact(line, "stdout", "stdout_base64");
  result.err = exact(line, "stderr", "stderr_base64");
  result.out_cut = number_of<std::uint64_t>(line, "stdout_cut");
  result.err_cut = number_of<std::uint64_t>(line, "stderr_cut");
  result.wall = outcome.run;
  result.display = text_of(line, "command");
  result.end = end_of(result, outcome.status, outcome.error);
  if (result.end == CommandResult::End::not_started) result.error = outcome.error;
  return result;
}

void take_result(const json& line, Outcome& outcome) {
  const auto at = line.find("result");
  if (at != line.end() && at->is_null()) {
    outcome.result_is_task = true;
    return;
  }
  const std::string bytes = exact(line, "result", "result_base64");
  const auto* const from = reinterpret_cast<const std::byte*>(bytes.data());
  outcome.result.assign(from, from + bytes.size());
}

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

}  // namespace

std::optional<std::string> read_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t bits = 0;
    const bool last = i + 4 == text.size();
    for (std::size_t k = 0; k < 4; ++k) {
      const bool pad = last && k >= 4 - padding;
      const int value = pad ? 0 : value_of(text[i + k]);
      if (value < 0) return std::nullopt;
      bits = bits << 6 | static_cast<std::uint32_t>(value);
    }
    for (const unsigned shift : {16U, 8U, 0U}) out += static_cast<char>((bits >> shift) & 0xFF);
  }
  out.resize(out.size() - padding);
  return out;
}

std::optional<StoredOutcome> read_whole_outcome(std::string_view text) {
  const auto facts = read_outcome_line(text);
  if (!facts) return std::nullopt;
  const json line = json::parse(text.begin(), text.end(), nullptr, false);
  if (!line.is_object()) return std::nullopt;
  StoredOutcome out;
  Outcome& outcome = out.outcome;
  outcome.id = facts->id;
  outcome.status = facts->status;
  outcome.key = facts->key;
  outcome.attempt = number_of<std::uint32_t>(line, "attempts");
  outcome.type = text_of(line, "type");
  outcome.worker = text_of(line, "worker");
  outcome.error = text_of(line, "error");
  outcome.started = time_of(text_of(line, "started"));
  if (const auto run = line.find("run_s"); run != line.end() && run->is_number())
    outcome.run = std::chrono::microseconds(std::llround(run->get<double>() * 1e6));
  const auto exit = line.find("exit");
  out.is_command = exit != line.end();
  if (!out.is_command)
    take_result(line, outcome);
  else if (exit->is_number())
    out.command = command_of(line, outcome);
  return out;
}

}  // namespace sluice::store
