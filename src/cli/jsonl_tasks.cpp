// jsonl_tasks.cpp: a line becomes a task, or an error that names the line.
// SPDX-License-Identifier: MIT
#include "cli/jsonl_tasks.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <system_error>

#include <nlohmann/json.hpp>

#include "sluice/command.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kLineLimit = std::size_t{32} << 20;
constexpr std::array kFields = {"type",  "args",    "key",       "priority",
                                "ttl_s", "delay_s", "timeout_s", "max_attempts"};
constexpr double kMostSeconds = 10.0 * 365 * 24 * 3600;

// Writing a value, as opposed to reading it, takes stack for each level.
constexpr int kMostNesting = 256;

bool is_nested_too_deep(std::string_view line) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (in_text && c == '\\')
      ++at;
    else if (c == '"')
      in_text = !in_text;
    else if (!in_text && (c == '[' || c == '{') && ++depth > kMostNesting)
      return true;
    else if (!in_text && (c == ']' || c == '}'))
      --depth;
  }
  return false;
}

std::string text(const json& line, const char* field) {
  const json& value = line.at(field);
  if (!value.is_string()) throw Error(std::string("\"") + field + "\" must be a string");
  return value.get<std::string>();
}

// As for options: what is below a millisecond but not zero becomes one.
void duration(const json& line, const char* field, std::chrono::milliseconds& out) {
  if (!line.contains(field)) return;
  const json& value = line.at(field);
  const double seconds = value.is_number() ? value.get<double>() : -1;
  if (!(seconds >= 0 && seconds <= kMostSeconds))
    throw Error(std::string("\"") + field + "\" must be a number of seconds");
  out = std::chrono::milliseconds(std::llround(std::ceil(seconds * 1000)));
}

void count(const json& line, const char* field, std::uint32_t& out) {
  if (!line.contains(field)) return;
  const json& value = line.at(field);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 0xFFFFFFFFU)
    throw Error(std::string("\"") + field + "\" must be a whole number from 0 to 4294967295");
  out = value.get<std::uint32_t>();
}

// A command: words, or a string for the shell.
Command command_of(const json& args) {
  Command command;
  if (args.is_string()) {
    command.argv = {"sh", "-c", args.get<std::string>()};
    command.display = args.get<std::string>();
  } else if (args.is_array() && !args.empty() &&
             std::all_of(args.begin(), args.end(), [](const json& a) { return a.is_string(); })) {
    command.argv = args.get<std::vector<std::string>>();
  } else {
    throw Error(
        "\"args\" of a task of type \"exec\" must be an array of strings, or a string for "
        "sh -c");
  }
  for (const std::string& word : command.argv)
    if (word.find('\0') != std::string::npos) throw Error("a word of a command has a NUL in it");
  return command;
}

}  // namespace

JsonlTasks::JsonlTasks(const std::string& path, SubmissionOptions options)
    : options_(std::move(options)),
      environment_(options_),
      name_(path == "-" ? "standard input" : path) {
  int fd = options_.stdin_fd;
  if (path != "-") {
    fd = owned_fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) throw Error("cannot open " + path + ": " + std::generic_category().message(errno));
  }
  reader_ = std::make_unique<LineReader>(fd, name_, '\n', kLineLimit);
}

JsonlTasks::~JsonlTasks() {
  if (owned_fd_ >= 0) ::close(owned_fd_);
}

Ready JsonlTasks::try_next(Task& task) {
  const Ready ready = reader_->poll(line_);
  if (ready != Ready::yes) return ready;
  try {
    task = parse(line_);
  } catch (const std::exception& error) {
    throw Error("line " + std::to_string(given_ + 1) + " of " + name_ + ": " + error.what());
  }
  ++given_;
  if (options_.key == kAutomaticKey && task.key.empty()) task.key = content_key(task, given_);
  return Ready::yes;
}

Task JsonlTasks::parse(std::string_view line) const {
  if (is_nested_too_deep(line))
    throw Error("it is nested too deep (" + std::to_string(kMostNesting) + " levels are the most)");
  const json parsed = json::parse(line.begin(), line.end(), nullptr, false);
  if (parsed.is_discarded()) throw Error("this is not JSON");
  if (!parsed.is_object()) throw Error("this is not a JSON object");
  for (const auto& field : parsed.items())
    if (std::find(kFields.begin(), kFields.end(), field.key()) == kFields.end())
      throw Error("there is no field \"" + field.key() +
                  "\" (known are type, args, key, priority, "
                  "delay_s, ttl_s, timeout_s, max_attempts)");
  if (!parsed.contains("type")) throw Error("\"type\" is missing");
  Task task;
  task.type = text(parsed, "type");
  if (task.type.empty() || task.type.size() > 128) throw Error("\"type\" must have 1 to 128 bytes");
  if (parsed.contains("key") && !parsed.at("key").is_null()) task.key = text(parsed, "key");
  if (task.key.size() > 128) throw Error("\"key\" must have at most 128 bytes");
  task.priority = options_.priority;
  task.max_attempts = options_.max_attempts;
  task.delay = options_.delay;
  task.ttl = options_.ttl;
  task.timeout = options_.timeout;
  count(parsed, "priority", task.priority);
  count(parsed, "max_attempts", task.max_attempts);
  duration(parsed, "delay_s", task.delay);
  duration(parsed, "ttl_s", task.ttl);
  duration(parsed, "timeout_s", task.timeout);
  const json args = parsed.contains("args") ? parsed.at("args") : json();
  if (task.type == kCommandType) {
    task.payload = environment_.encode(command_of(args));
  } else {
    const std::vector<std::uint8_t> packed = json::to_msgpack(args);
    const auto* const from = reinterpret_cast<const std::byte*>(packed.data());
    task.payload.assign(from, from + packed.size());
  }
  return task;
}

}  // namespace sluice::cli
