// status_text.cpp: lines and tables out of the status JSON.
// SPDX-License-Identifier: MIT
#include "cli/status_text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/duration.hpp"
#include "cli/text_table.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
using Align = TextTable::Align;

std::uint64_t number(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_number() ? at->get<std::uint64_t>() : 0;
}

double real(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_number() ? at->get<double>() : 0;
}

bool flag(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_boolean() && at->get<bool>();
}

// Names come from peers and end on a terminal, so control characters do not.
std::string word(const Json& object, const char* name) {
  const auto at = object.find(name);
  std::string text = at != object.end() && at->is_string() ? at->get<std::string>() : "";
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; }, '?');
  return text;
}

const Json& part(const Json& object, const char* name) {
  static const Json none = Json::object();
  const auto at = object.find(name);
  return at != object.end() ? *at : none;
}

std::string count(const Json& object, const char* name) {
  return std::to_string(number(object, name));
}

// Finer than a millisecond is noise here.
std::string seconds(double value) {
  const double kept = std::clamp(value, 0.0, 1e9);
  return format_duration(std::chrono::milliseconds(std::llround(kept * 1e3)));
}

std::string rate(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), value < 100 ? "%.1f/s" : "%.0f/s", value);
  return text.data();
}

std::string bytes(std::uint64_t value) {
  static constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  auto shown = static_cast<double>(value);
  std::size_t unit = 0;
  for (; shown >= 1024 && unit + 1 < kUnits.size(); shown /= 1024) ++unit;
  std::array<char, 40> text{};
  const bool whole = unit == 0 || std::floor(shown) == shown;
  std::snprintf(text.data(), text.size(), whole ? "%.0f %s" : "%.1f %s", shown, kUnits[unit]);
  return text.data();
}

std::string red(const std::string& text, bool colour) {
  return colour ? "\x1b[31m" + text + "\x1b[0m" : text;
}

// "ready 3, leased 2": the named counters of an object.
template <std::size_t N>
std::string counts(const Json& object, const std::array<const char*, N>& names) {
  std::string text;
  for (const char* const name : names)
    text += (text.empty() ? "" : ", ") + std::string(name) + ' ' + count(object, name);
  return text;
}

std::string summary(const Json& status) {
  std::string text = "ventilator  " + word(status, "name") + " at " + word(status, "endpoint") +
                     ", up " + seconds(real(status, "up_s")) +
                     (flag(status, "durable") ? ", durable" : ", tasks in memory") +
                     (flag(status, "draining") ? ", draining" : "") + '\n';
  const Json& tasks = part(status, "tasks");
  static constexpr std::array<const char*, 4> kUnsettled{"ready", "delayed", "leased", "settling"};
  static constexpr std::array<const char*, 4> kSettled{"done", "failed", "expired", "cancelled"};
  std::uint64_t settled = 0;
  for (const char* const name : kSettled) settled += number(tasks, name);
  text += "unsettled   " + count(tasks, "unsettled") + ": " + counts(tasks, kUnsettled) + '\n';
  text += "settled     " + std::to_string(settled) + ": " + counts(tasks, kSettled) + '\n';
  const Json& rates = part(status, "rates");
  text += "rates       settled " + rate(real(rates, "settled_per_s")) + ", submitted " +
          rate(real(rates, "submitted_per_s")) + '\n';
  const Json& limits = part(status, "limits");
  text += "limits      " + count(limits, "tasks") + " of " + count(limits, "max_tasks") +
          " tasks, " + bytes(number(limits, "bytes")) + " of " +
          bytes(number(limits, "max_bytes"));
  if (number(limits, "spilled") > 0)
    text += "; in the journal only: " + count(limits, "spilled") + " tasks, " +
            bytes(number(limits, "spilled_bytes"));
  text += '\n';
  return text + "clients     " + count(status, "clients") + '\n';
}

// What went wrong since the start; only what did.
std::string trouble(const Json& status, bool colour) {
  const Json& counters = part(status, "counters");
  std::string text;
  const auto tell = [&text](const std::string& name, std::uint64_t value) {
    if (value > 0) text += (text.empty() ? "" : ", ") + name + ' ' + std::to_string(value);
  };
  tell("workers lost", number(counters, "workers_lost"));
  tell("redelivered", number(counters, "redelivered"));
  tell("losses", number(counters, "losses"));
  tell("nacked", number(counters, "nacked"));
  tell("lane gaps", number(counters, "lane_gaps"));
  tell("lane failures", number(counters, "lane_failures"));
  tell("submits refused", number(counters, "refused"));
  tell("key conflicts", number(counters, "conflicts"));
  for (const auto& [name, value] : part(status, "refused_frames").items()) {
    if (value.is_number()) tell("frames: " + name, value.get<std::uint64_t>());
  }
  return text.empty() ? text : "trouble     " + red(text, colour) + '\n';
}

std::string types(const Json& status) {
  TextTable table({{"TYPE", Align::left}, {"READY"}, {"WORKERS"}});
  const Json& list = part(status, "types");
  for (const Json& type : list)
    table.add({word(type, "type"), count(type, "ready"), count(type, "workers")});
  return list.empty() ? "" : '\n' + table.text();
}

std::string workers(const Json& status, bool colour) {
  const Json& list = part(status, "workers");
  if (list.empty()) return "\nno workers are connected\n";
  TextTable table({{"WORKER", Align::left},
                   {"STATE", Align::left},
                   {"LANE", Align::left},
                   {"SLOTS"},
                   {"RUNNING"},
                   {"QUEUED"},
                   {"LEASED"},
                   {"DONE"},
                   {"NOT DONE"},
                   {"QUIET"},
                   {"UP"}});
  for (const Json& worker : list)
    table.add({word(worker, "name"), word(worker, "state"), word(worker, "lane"),
               count(worker, "slots"), count(worker, "running"), count(worker, "queued"),
               count(worker, "leased"), count(worker, "done"), count(worker, "not_done"),
               seconds(real(worker, "quiet_s")), seconds(real(worker, "up_s"))});
  return '\n' + table.text(colour);
}

// What handlers say of the tasks they run; only what was said.
std::string progress(const Json& status, bool colour) {
  TextTable table({{"TASK", Align::left},
                   {"WORKER", Align::left},
                   {"ATTEMPT"},
                   {"SAID"},
                   {"PROGRESS", Align::left}});
  bool any = false;
  for (const Json& worker : part(status, "workers")) {
    for (const Json& task : part(worker, "progress")) {
      table.add({word(task, "task"), word(worker, "name"), count(task, "attempt"),
                 seconds(real(task, "since_s")) + " ago", word(task, "text")});
      any = true;
    }
  }
  return any ? '\n' + table.text(colour) : "";
}

std::string sinks(const Json& status, bool colour) {
  TextTable table({{"SINK", Align::left}, {"STATE", Align::left}, {"UNCONFIRMED"}});
  for (const Json& sink : part(status, "sinks"))
    table.add({word(sink, "endpoint"), flag(sink, "connected") ? "connected" : "away",
               count(sink, "unconfirmed")});
  return '\n' + table.text(colour);
}

}  // namespace

std::string status_text(const std::string& json, bool colour) {
  const Json status = Json::parse(json, nullptr, false);
  if (!status.is_object() || !status.contains("tasks"))
    throw Error("the ventilator's answer is not a status; is it of another version?");
  return summary(status) + trouble(status, colour) + types(status) + workers(status, colour) +
         progress(status, colour) + sinks(status, colour);
}

}  // namespace sluice::cli
