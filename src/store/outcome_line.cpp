// outcome_line.cpp: the fields of a line, in their order.
// SPDX-License-Identifier: MIT
#include "store/outcome_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "core/ids.hpp"
#include "store/json_text.hpp"

namespace sluice::store {
namespace {

void append_number(std::string& out, std::int64_t value) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}
void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

// Exactly `width` digits, zeros in front.
void append_padded(std::string& out, std::uint64_t value, std::size_t width) {
  std::array<char, 20> digits{};
  for (std::size_t i = width; i-- > 0; value /= 10)
    digits[i] = static_cast<char>('0' + value % 10);
  out.append(digits.data(), width);
}

// 2026-01-31T08:15:00.123456Z
void append_time(std::string& out, std::chrono::system_clock::time_point at) {
  using namespace std::chrono;
  const auto us = floor<microseconds>(at);
  if (us.time_since_epoch().count() <= 0) {
    out += "null";
    return;
  }
  const auto day = floor<days>(us);
  const year_month_day date(day);
  const auto in_day = static_cast<std::uint64_t>((us - day).count());
  out += '"';
  append_padded(out, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, in_day / 3'600'000'000, 2);
  out += ':';
  append_padded(out, in_day / 60'000'000 % 60, 2);
  out += ':';
  append_padded(out, in_day / 1'000'000 % 60, 2);
  out += '.';
  append_padded(out, in_day % 1'000'000, 6);
  out += "Z\"";
}

void append_seconds(std::string& out, std::chrono::microseconds run) {
  const auto us = static_cast<std::uint64_t>(run.count() < 0 ? 0 : run.count());
  append_number(out, us / 1'000'000);
  out += '.';
  append_padded(out, us % 1'000'000, 6);
}

void append_hex(std::string& out, const std::array<std::uint8_t, 16>& log) {
  constexpr std::string_view hex = "0123456789abcdef";
  for (const std::uint8_t byte : log) {
    out += hex[byte >> 4];
    out += hex[byte & 0xF];
  }
}

void append_command(std::string& out, const CommandPart& part) {
  const CommandResult* const result = part.result;
  bool out_clean = true, err_clean = true;
  if (result == nullptr) {
    out += R"(,"exit":null,"signal":null,"stdout":"","stderr":"")";
  } else {
    out += R"(,"exit":)";
    append_number(out, std::int64_t{result->exit_code});
    out += R"(,"signal":)";
    append_number(out, std::int64_t{result->signal});
    out += R"(,"stdout":)";
    out_clean = append_json_string(out, result->out);
    out += R"(,"stderr":)";
    err_clean = append_json_string(out, result->err);
  }
  out += R"(,"command":)";
  append_json_string(out, part.command);
  if (result == nullptr) return;
  if (!out_clean) {
    out += R"(,"stdout_base64":)";
    append_base64(out, result->out);
  }
  if (!err_clean) {
    out += R"(,"stderr_base64":)";
    append_base64(out, result->err);
  }
  if (result->out_cut > 0) {
    out += R"(,"stdout_cut":)";
    append_number(out, result->out_cut);
  }
  if (result->err_cut > 0) {
    out += R"(,"stderr_cut":)";
    append_number(out, result->err_cut);
  }
}

void append_result(std::string& out, const OutcomeView& outcome) {
  const std::string_view bytes(reinterpret_cast<const char*>(outcome.result.data()),
                               outcome.result.size());
  if (outcome.result_is_task) {
    out += R"(,"result":null)";
  } else if (is_utf8(bytes)) {
    out += R"(,"result":)";
    append_json_string(out, bytes);
  } else {
    out += R"(,"result_base64":)";
    append_base64(out, bytes);
  }
}

}  // namespace

void append_outcome_line(std::string& out, const OutcomeView& outcome,
                         const CommandPart* command) {
  out += kOutcomeLineStart;
  append_hex(out, outcome.id.log);
  out.resize(out.size() - 24);  // the name people see has four of the sixteen bytes
  out += '-';
  append_number(out, outcome.id.seq);
  out += R"(","seq":)";
  append_number(out, outcome.id.seq);
  out += R"(,"key":)";
  if (outcome.key.empty())
    out += "null";
  else
    append_json_string(out, outcome.key);
  out += R"(,"type":)";
  append_json_string(out, outcome.type);
  out += R"(,"status":")";
  out += to_string(outcome.status);
  out += R"(","attempts":)";
  append_number(out, std::uint64_t{outcome.attempt});
  out += R"(,"worker":)";
  append_json_string(out, outcome.worker);
  out += R"(,"started":)";
  append_time(out, outcome.started);
  out += R"(,"run_s":)";
  append_seconds(out, outcome.run);
  if (command != nullptr)
    append_command(out, *command);
  else
    append_result(out, outcome);
  if (outcome.status != Status::done) {
    out += R"(,"error":)";
    const bool own = command != nullptr && command->result != nullptr && outcome.error.empty();
    append_json_string(out, own ? std::string_view(command->result->error) : outcome.error);
  }
  out += R"(,"log":")";
  append_hex(out, outcome.id.log);
  out += "\"}\n";
}

namespace {

bool read_hex(std::string_view text, std::array<std::uint8_t, 16>& log) {
  if (text.size() != 2 * log.size()) return false;
  for (std::size_t i = 0; i < log.size(); ++i) {
    const char* const at = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(at, at + 2, log[i], 16);
    if (error != std::errc{} || end != at + 2) return false;
  }
  return true;
}

std::optional<Status> read_status(std::string_view text) {
  for (const Status status : {Status::done, Status::failed, Status::expired, Status::cancelled})
    if (to_string(status) == text) return status;
  return std::nullopt;
}

// Picks four fields of the outer object as the parser goes by, without building a tree: reading
// back a large file is mostly this.
class FactsReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  OutcomeFacts facts;
  [[nodiscard]] bool complete() const { return seen_ == (kSeq | kStatus | kLog); }

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(std::int64_t) override { return value(); }
  bool number_float(double, const std::string&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool number_unsigned(std::uint64_t number) override {
    if (depth_ == 1 && field_ == "seq") {
      facts.id.seq = number;
      seen_ |= kSeq;
    }
    return value();
  }
  bool string(std::string& text) override {
    if (depth_ == 1 && field_ == "key") {
      facts.key = text;
    } else if (depth_ == 1 && field_ == "status") {
      const auto status = read_status(text);
      if (!status) return false;
      facts.status = *status;
      seen_ |= kStatus;
    } else if (depth_ == 1 && field_ == "log") {
      if (!read_hex(text, facts.id.log)) return false;
      seen_ |= kLog;
    }
    return value();
  }
  bool start_object(std::size_t) override { return depth_++ == 0 || value(); }
  bool end_object() override { return depth_-- > 0; }
  bool start_array(std::size_t) override { return depth_++ > 0; }
  bool end_array() override { return depth_-- > 0; }
  bool key(std::string& name) override {
    if (depth_ == 1) field_ = name;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  [[nodiscard]] bool value() const { return depth_ > 0; }  // a bare value is no outcome
  enum : unsigned { kSeq = 1, kStatus = 2, kLog = 4 };
  unsigned seen_ = 0;
  int depth_ = 0;
  std::string field_;
};

// Takes `expected` off the front of `rest`; false if it does not stand there.
bool skip(std::string_view& rest, std::string_view expected) {
  if (rest.substr(0, expected.size()) != expected) return false;
  rest.remove_prefix(expected.size());
  return true;
}
bool skip_number(std::string_view& rest, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc{}) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return true;
}
// A string without escapes, its first quote already taken.
bool skip_string(std::string_view& rest, std::string_view& text) {
  const std::size_t end = rest.find_first_of("\"\\");
  if (end == std::string_view::npos || rest[end] != '"') return false;
  text = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

// A line just as append_outcome_line() writes it, ten times as fast as by a JSON parser. What
// stands between the first fields and the last is only checked for control characters: JSON has
// none there, and they are what a lost disk block leaves. The last field cannot be part of a
// string, for in strings quotes are escaped. Anything unusual is left to the parser.
std::optional<OutcomeFacts> read_quickly(std::string_view line) {
  OutcomeFacts facts;
  std::string_view rest = line, text;
  std::uint64_t again = 0;
  if (!skip(rest, kOutcomeLineStart) || rest.size() < 9 || rest[8] != '-') return std::nullopt;
  rest.remove_prefix(9);
  if (!skip_number(rest, again) || !skip(rest, R"(","seq":)") || !skip_number(rest, facts.id.seq) ||
      again != facts.id.seq || !skip(rest, R"(,"key":)"))
    return std::nullopt;
  if (skip(rest, "\"")) {
    if (!skip_string(rest, text)) return std::nullopt;
    facts.key = text;
  } else if (!skip(rest, "null")) {
    return std::nullopt;
  }
  if (!skip(rest, R"(,"type":")") || !skip_string(rest, text) || !skip(rest, R"(,"status":")") ||
      !skip_string(rest, text))
    return std::nullopt;
  const auto status = read_status(text);
  constexpr std::string_view before_log = R"(,"log":")";
  constexpr std::size_t tail_size = before_log.size() + 32 + 2;
  if (!status || !skip(rest, R"(,"attempts":)") || rest.size() < tail_size) return std::nullopt;
  facts.status = *status;
  const bool control = std::any_of(line.begin(), line.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20;
  });
  rest.remove_prefix(rest.size() - tail_size);
  if (control || !skip(rest, before_log) || !read_hex(rest.substr(0, 32), facts.id.log) ||
      rest.substr(32) != "\"}")
    return std::nullopt;
  return facts;
}

}  // namespace

std::optional<OutcomeFacts> read_outcome_line(std::string_view line) {
  if (line.substr(0, kOutcomeLineStart.size()) != kOutcomeLineStart) return std::nullopt;
  if (auto facts = read_quickly(line)) return facts;
  FactsReader reader;
  if (!nlohmann::json::sax_parse(line.begin(), line.end(), &reader) || !reader.complete())
    return std::nullopt;
  return std::move(reader.facts);
}

}  // namespace sluice::store
