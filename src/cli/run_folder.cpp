// run_folder.cpp: a lock, an identity, and the refusal of what does not fit.
// SPDX-License-Identifier: MIT
#include "cli/run_folder.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli/command_key.hpp"
#include "cli/placeholder.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr int kVersion = 1;

[[noreturn]] void fail(const std::string& what, int error) {
  throw Error(what + ": " + std::generic_category().message(error));
}

// Whole or not at all, whatever happens.
void replace_file(const std::string& folder, const std::string& name, const std::string& text) {
  const std::string path = folder + '/' + name, part = path + ".part";
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) fail("cannot write " + part, errno);
  errno = ENOSPC;  // of a write that is only cut short
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                     ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (!whole) fail("cannot write " + part, error);
  if (::rename(part.c_str(), path.c_str()) != 0) fail("cannot write " + path, errno);
  store::sync_folder(folder);
}

ordered_json read_json(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return nullptr;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return ordered_json::parse(text, nullptr, false);
}

std::string shown(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& word : command) text += (text.empty() ? "" : " ") + shell_quoted(word);
  return text.empty() ? "(each input line is a command)" : text;
}

std::string how_to_start_anew(const std::string& path) {
  return "give another --journal folder, or start this one anew with: rm -r " + shell_quoted(path);
}

// As it is in a file: JSON has no words that are not UTF-8.
ordered_json as_written(const ordered_json& value) {
  return ordered_json::parse(value.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

// Which start it was; 0 if there is none yet.
std::uint64_t check_identity(const std::string& path, const RunIdentity& mine) {
  const ordered_json run = read_json(path + "/run.json");
  if (run.is_null()) return 0;
  if (!run.is_object() || !run.contains("version") || !run.contains("starts") ||
      !run.contains("command") || !run.contains("folder"))
    throw Error(path + "/run.json is damaged; " + how_to_start_anew(path));
  if (run.at("version") != kVersion)
    throw Error(path + " was written by another version of sluice; " + how_to_start_anew(path));
  if (run.at("command") != as_written(mine.command))
    throw Error(path + " belongs to a run of another command: " +
                shown(run.at("command").get<std::vector<std::string>>()) +
                ", not: " + shown(mine.command) + "; " + how_to_start_anew(path));
  if (run.at("folder") != as_written(mine.folder))
    throw Error(path + " belongs to a run in the folder " + run.at("folder").get<std::string>() +
                ", not in " + mine.folder + "; go there, or " + how_to_start_anew(path));
  return run.at("starts").get<std::uint64_t>();
}

}  // namespace

RunFolder::RunFolder(std::string path, const RunIdentity& identity)
    : path_(std::move(path)), identity_(identity) {
  if (::mkdir(path_.c_str(), 0700) != 0 && errno != EEXIST)
    fail("cannot make the folder " + path_, errno);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    const std::string name = entry.path().filename().string();
    if (!fs::exists(path_ + "/run.json") && name != "lock" && name != "run.json.part" &&
        name != "printed")
      throw Error(path_ + " holds something else (" + name +
                  "), and is not the journal of a run; give a folder that is empty or not there");
  }
  if (error) fail("cannot read the folder " + path_, error.value());
  lock_.emplace(path_, "sluice run");
  start_ = check_identity(path_, identity_);
}

void RunFolder::begin() {
  ordered_json run;
  run["version"] = kVersion;
  run["command"] = identity_.command;
  run["folder"] = identity_.folder;
  run["starts"] = ++start_;
  replace_file(path_, "run.json",
               run.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

std::string RunFolder::filed(const std::string& results) const {
  const CommandDigest digest = digest_of(fs::absolute(results).lexically_normal().string());
  return path_ + "/results-" + to_text({digest, 1, 0}, 0).substr(0, 16);
}

std::optional<RunEnd> RunFolder::end() const {
  const ordered_json end = read_json(path_ + "/end.json");
  if (!end.is_object() || !end.contains("exit_code") || !end.contains("tasks")) return std::nullopt;
  return RunEnd{end.at("exit_code").get<int>(), end.at("tasks").get<std::uint64_t>()};
}

void RunFolder::set_end(const RunEnd& end) const {
  const ordered_json text = {{"exit_code", end.exit_code}, {"tasks", end.tasks}};
  replace_file(path_, "end.json", text.dump() + "\n");
}

std::string outcomes_to_look_at(const std::string& path, const RunIdentity& identity) {
  static_cast<void>(check_identity(path, identity));
  return path + "/outcomes";
}

}  // namespace sluice::cli
