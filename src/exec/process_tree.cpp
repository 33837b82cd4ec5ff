// process_tree.cpp: reading /proc to find descendants.
// SPDX-License-Identifier: MIT
#include "exec/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <set>
#include <string>

#include "exec/unique_fd.hpp"

namespace sluice::exec {
namespace {

constexpr std::size_t kMaxProcFile = std::size_t{4} << 20;
constexpr int kPassPauseMs = 1;

// The content of a file under /proc; empty if it cannot be read, since a
// process may end at any moment.
std::string read_proc(const std::string& file) {
  std::string content;
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> part{};
  while (fd && content.size() < kMaxProcFile) {
    const ssize_t n = ::read(fd.get(), part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    content.append(part.data(), static_cast<std::size_t>(n));
  }
  return content;
}

// Reads the next number of a list parted by spaces; false at its end.
bool next_number(std::string_view& list, pid_t& into) {
  list.remove_prefix(std::min(list.find_first_not_of(" \n"), list.size()));
  const auto [end, error] = std::from_chars(list.data(), list.data() + list.size(), into);
  if (error != std::errc()) return false;
  list.remove_prefix(static_cast<std::size_t>(end - list.data()));
  return true;
}

std::string proc_path(pid_t pid, std::string_view name) {
  return std::string("/proc/").append(std::to_string(pid)).append("/").append(name);
}

}  // namespace

std::optional<ProcessStatus> process_status(pid_t pid) {
  const std::string content = read_proc(proc_path(pid, "stat"));
  // "pid (name) state ppid pgrp session ...": the name may hold anything, even ") ".
  const std::size_t name_end = content.rfind(')');
  if (name_end == std::string::npos || name_end + 3 >= content.size()) return std::nullopt;
  ProcessStatus status;
  status.state = content[name_end + 2];
  std::string_view rest = std::string_view(content).substr(name_end + 3);
  if (!next_number(rest, status.parent) || !next_number(rest, status.group) ||
      !next_number(rest, status.session))
    return std::nullopt;
  return status;
}

std::optional<bool> started_with(pid_t pid, std::string_view entry) {
  const std::string content = read_proc(proc_path(pid, "environ"));
  if (content.empty()) return std::nullopt;
  std::string_view rest(content);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    if (rest.substr(0, end) == entry) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  const std::string tasks = proc_path(pid, "task");
  const auto close = [](DIR* folder) { ::closedir(folder); };
  const std::unique_ptr<DIR, decltype(close)> folder(::opendir(tasks.c_str()), close);
  while (folder) {
    const dirent* const entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] == '.') continue;
    const std::string list = read_proc(tasks + "/" + entry->d_name + "/children");
    std::string_view rest(list);
    for (pid_t child = 0; next_number(rest, child);) children.push_back(child);
  }
  return children;
}

std::vector<pid_t> descendants_of(pid_t pid) {
  std::vector<pid_t> found = children_of(pid);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::vector<pid_t> children = children_of(found[i]);
    found.insert(found.end(), children.begin(), children.end());
  }
  return found;
}

bool kill_children(const std::function<bool(pid_t)>& chosen, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::set<pid_t> killed;  // a zombie may no longer look like one that is chosen
  const auto kill_one = [&killed](pid_t pid) {
    // Errors are of no interest: who is gone is gone, and who belongs to
    // another user is not ours to kill.
    ::kill(pid, SIGKILL);
    killed.insert(pid);
  };
  for (;;) {
    bool any_left = false;
    for (const pid_t child : children_of(::getpid())) {
      if (chosen(child)) {
        for (const pid_t descendant : descendants_of(child)) kill_one(descendant);
        kill_one(child);
      }
      if (!killed.contains(child)) continue;
      any_left = true;  // even if collected now: its own children become ours, hence another pass
      ::waitpid(child, nullptr, WNOHANG);
    }
    if (!any_left) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    ::poll(nullptr, 0, kPassPauseMs);  // dying takes a moment; there is no event for all of them
  }
}

}  // namespace sluice::exec
